/**
 * Reads config.json and model.safetensors for the writers of the other engines' files, so that every engine runs the
 * same weights. It reads F32, F16, and I8 with scales, the types of generate.mjs and the shipped models.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

function fromHalf(bits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  return sign * (exponent === 0 ? (bits & 1023) * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15));
}

export class Checkpoint {
  #bytes;
  #header;

  /** @param {string} folder */
  constructor(folder) {
    this.config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'));
    const file = readFileSync(path.join(folder, 'model.safetensors'));
    const size = Number(file.readBigUInt64LE(0));
    this.#header = JSON.parse(file.subarray(8, 8 + size).toString());
    this.#bytes = file.subarray(8 + size);
  }

  /** @returns {{shape: number[], values: Float32Array|Int8Array}} a copy of the tensor as it is stored */
  tensor(name) {
    const item = this.#header[name];
    if (!item) throw new Error(`the checkpoint has no tensor "${name}"`);
    const { buffer } = new Uint8Array(this.#bytes.subarray(...item.data_offsets));
    if (item.dtype === 'F32') return { shape: item.shape, values: new Float32Array(buffer) };
    if (item.dtype === 'I8') return { shape: item.shape, values: new Int8Array(buffer) };
    if (item.dtype === 'F16')
      return { shape: item.shape, values: Float32Array.from(new Uint16Array(buffer), fromHalf) };
    throw new Error(`tensor "${name}" is ${item.dtype}; expected F32, F16 or I8`);
  }

  floats(name) {
    return this.tensor(name).values;
  }

  /**
   * Returns a quantised matrix as it is stored: int8 values [rows, columns] and their scales, one a row or one a column.
   * @returns {{rows: number, columns: number, values: Int8Array, scales: Float32Array, byRow: boolean}}
   */
  matrix(name) {
    const {
      shape: [rows, columns],
      values,
    } = this.tensor(name);
    const scale = this.tensor(`${name}_scale`);
    return { rows, columns, values, scales: scale.values, byRow: scale.shape[0] === rows && scale.shape[1] === 1 };
  }
}

/** Transposes a matrix. It works in square tiles, so that reads and writes both stay in the cache. */
export function transpose({ rows, columns, values, scales, byRow }) {
  const out = new Int8Array(values.length);
  const SIDE = 64;
  for (let r0 = 0; r0 < rows; r0 += SIDE) {
    for (let c0 = 0; c0 < columns; c0 += SIDE) {
      for (let r = r0; r < Math.min(rows, r0 + SIDE); r++) {
        for (let c = c0; c < Math.min(columns, c0 + SIDE); c++) out[c * rows + r] = values[r * columns + c];
      }
    }
  }
  return { rows: columns, columns: rows, values: out, scales, byRow: !byRow };
}

/** Returns a quantised matrix as float32 [rows, columns]. */
export function dequantise({ rows, columns, values, scales, byRow }) {
  const out = new Float32Array(values.length);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, i++) out[i] = values[i] * scales[byRow ? r : c];
  }
  return out;
}
