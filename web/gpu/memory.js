/** Allocates the buffers of one network, and uploads each tensor once in the layout of the core. */
import { GPUFault } from './fault.js';

const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const UNIFORM = 64;
const STORAGE = 128;
/** Bytes per copy out of memory that threads share. WebGPU cannot read that memory directly in every browser. */
const PIECE = 16 << 20;
const LEAST = 256;

const roundUp = (/** @type {number} */ n, /** @type {number} */ to) => Math.ceil(n / to) * to;

export class Memory {
  #gpu;
  /** @type {any[]} */ #buffers = [];
  bytes = 0;

  /** @param {import('./device.js').Gpu} gpu */
  constructor(gpu) {
    this.#gpu = gpu;
  }

  #make(label, size, usage) {
    const bytes = Math.max(LEAST, roundUp(size, 4));
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#gpu.limits;
    if (bytes > maxBufferSize || (usage & STORAGE && bytes > maxStorageBufferBindingSize)) {
      const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
      throw new GPUFault('limit', `"${label}" needs ${bytes} bytes; the graphics device was opened for ${most}.`);
    }
    const buffer = this.#gpu.device.createBuffer({ label, size: bytes, usage });
    this.#buffers.push(buffer);
    this.bytes += bytes;
    return buffer;
  }

  /** Creates a buffer that kernels read and write. @param {string} label @param {number} size in bytes */
  storage(label, size) {
    return this.#make(label, size, STORAGE | COPY_SRC | COPY_DST);
  }

  /** Creates a buffer for the arguments of dispatches. */
  uniform(label, size) {
    return this.#make(label, size, UNIFORM | COPY_DST);
  }

  /** Creates a buffer that the CPU can read. */
  staging(label, size) {
    return this.#make(label, size, MAP_READ | COPY_DST);
  }

  /**
   * Copies an array to `offset` of a buffer. The offset is a multiple of 4 bytes; an array that is not is padded with
   * zeros.
   */
  write(buffer, array, offset = 0) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const shared = typeof SharedArrayBuffer !== 'undefined' && array.buffer instanceof SharedArrayBuffer;
    const whole = bytes.length & ~3;
    const step = shared ? PIECE : Math.max(4, whole);
    for (let at = 0; at < whole; at += step) {
      const piece = bytes.subarray(at, Math.min(at + step, whole));
      this.#gpu.device.queue.writeBuffer(buffer, offset + at, shared ? piece.slice() : piece);
    }
    if (whole < bytes.length) {
      const end = new Uint8Array(4);
      end.set(bytes.subarray(whole));
      this.#gpu.device.queue.writeBuffer(buffer, offset + whole, end);
    }
  }

  /** Creates a buffer with the contents of an array. */
  upload(label, array) {
    const buffer = this.storage(label, array.byteLength);
    this.write(buffer, array);
    return buffer;
  }

  /**
   * Runs `work`, and throws if the device lacks the memory for its buffers.
   * @template T @param {() => T} work @returns {Promise<T>}
   */
  async scoped(work) {
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    let result;
    let thrown;
    try {
      result = work();
    } catch (error) {
      thrown = error;
    }
    const [full, invalid] = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    this.#gpu.check();
    if (thrown) throw thrown;
    if (full) throw new GPUFault('memory', `The graphics device has no room for ${this.bytes} bytes: ${full.message}`);
    if (invalid) throw new GPUFault('wrong', `The graphics device reported an error: ${invalid.message}`);
    return result;
  }

  destroy() {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers = [];
    this.bytes = 0;
  }
}

/**
 * @typedef {{name: string, kind: 'matrix', dtype: 'q8'|'f32', rows: number, columns: number, padded?: number,
 *   panels: Int8Array|Float32Array, scale: Float32Array|null, sum: Int32Array|null, bias: Float32Array|null}} Matrix
 *   a packed matrix (core/kernels/kernels.h)
 * @typedef {{name: string, kind: 'table', dtype: 'q8'|'f32', rows: number, columns: number,
 *   values: Int8Array|Float32Array, scale: Float32Array|null}} Table
 * @typedef {{name: string, kind: 'vector', rows: number, values: Float32Array}} Vector
 * @typedef {Matrix | Table | Vector} Tensor
 * @typedef {{kind: string, dtype: 'q8'|'f32', in: number, out: number, inputs: number, data: any,
 *   records: any}} Weights a tensor on the GPU. `inputs` counts a row's words of four inputs (q8) or its floats.
 *   `records` has (scale, sum of weights, bias, 0) for each channel.
 */

/** Returns the records of a matrix, one for each channel of its panels. @param {Matrix} matrix */
function records({ rows, scale, sum, bias }) {
  const channels = roundUp(rows, 8);
  const out = new Float32Array(4 * channels);
  for (let c = 0; c < channels; c++) {
    out[4 * c] = scale ? scale[c] : 1;
    out[4 * c + 1] = sum ? sum[c] : 0; // at most 131,072 * 128, which a float holds exactly
    out[4 * c + 2] = bias ? bias[c] : 0;
  }
  return out;
}

/** Uploads one tensor. @param {Memory} memory @param {Tensor} tensor @returns {Weights} */
export function uploadTensor(memory, tensor) {
  const { name, kind } = tensor;
  if (kind === 'vector') {
    const data = memory.upload(name, tensor.values);
    return { kind, dtype: 'f32', in: tensor.rows, out: 1, inputs: tensor.rows, data, records: null };
  }
  const { dtype, rows, columns } = tensor;
  const size = { kind, dtype, in: columns, out: rows };
  if (kind === 'table') {
    const data = memory.upload(name, tensor.values);
    const scales = tensor.scale ? memory.upload(`${name}, scales`, tensor.scale) : null;
    return { ...size, inputs: columns, data, records: scales };
  }
  const inputs = dtype === 'q8' ? /** @type {number} */ (tensor.padded) / 4 : columns;
  return {
    ...size,
    inputs,
    data: memory.upload(name, tensor.panels),
    records: memory.upload(`${name}, channels`, records(tensor)),
  };
}
