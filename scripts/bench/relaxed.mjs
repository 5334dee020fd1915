/** Lists the relaxed SIMD instructions of a wasm module, by walking through the instructions of every function. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';

const CODE = 10; // the number of the code section
const NAMES = [
  'i8x16.relaxed_swizzle',
  'i32x4.relaxed_trunc_f32x4_s',
  'i32x4.relaxed_trunc_f32x4_u',
  'i32x4.relaxed_trunc_f64x2_s_zero',
  'i32x4.relaxed_trunc_f64x2_u_zero',
  'f32x4.relaxed_madd',
  'f32x4.relaxed_nmadd',
  'f64x2.relaxed_madd',
  'f64x2.relaxed_nmadd',
  'i8x16.relaxed_laneselect',
  'i16x8.relaxed_laneselect',
  'i32x4.relaxed_laneselect',
  'i64x2.relaxed_laneselect',
  'f32x4.relaxed_min',
  'f32x4.relaxed_max',
  'f64x2.relaxed_min',
  'f64x2.relaxed_max',
  'i16x8.relaxed_q15mulr_s',
  'i16x8.relaxed_dot_i8x16_i7x16_s',
  'i32x4.relaxed_dot_i8x16_i7x16_add_s',
];

/** Reads a module from front to back. */
class Reader {
  constructor(bytes, at = 0) {
    Object.assign(this, { bytes, at });
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** Reads an unsigned LEB128 of 32 bits. A signed number or a longer one may be skipped with it, too. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  skip(count) {
    for (let i = 0; i < count; i++) this.number();
  }

  /** Skips a value type: one byte, or a reference with its heap type. */
  type() {
    const byte = this.byte();
    if (byte === 0x63 || byte === 0x64) this.number();
  }

  /** Skips alignment, memory (where bit 6 of the alignment says so) and offset. */
  memory() {
    if (this.number() & 64) this.number();
    this.number();
  }
}

const within = (code, low, high) => code >= low && code <= high;

/** Skips the operands of a vector instruction. Returns the instruction's name if it is a relaxed one. */
function vector(reader) {
  const code = reader.number();
  if (code >= 0x100) return NAMES[code - 0x100] ?? `relaxed ${code.toString(16)}`;
  if (code <= 11 || within(code, 84, 93)) reader.memory();
  if (within(code, 21, 34) || within(code, 84, 91)) reader.at += 1; // the lane
  if (code === 12 || code === 13) reader.at += 16;
  return null;
}

const BULK_OPERANDS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/** Skips the clauses of a try_table. */
function clauses(reader) {
  reader.number(); // block type
  for (let left = reader.number(); left > 0; left--) reader.skip(reader.byte() < 2 ? 2 : 1);
}

/** Skips one instruction. Returns its name if it is a relaxed one. */
function instruction(reader) {
  const code = reader.byte();
  if (code === 0xfd) return vector(reader);
  if (code === 0xfc) reader.skip(BULK_OPERANDS[reader.number()] ?? 0);
  else if (code === 0xfe) {
    if (reader.number() === 3)
      reader.at += 1; // fence
    else reader.memory();
  } else if (code === 0x0e) reader.skip(reader.number() + 1);
  else if (code === 0x1c) for (let left = reader.number(); left > 0; left--) reader.type();
  else if (code === 0x1f) clauses(reader);
  else if (within(code, 0x28, 0x3e)) reader.memory();
  else if (code === 0x43) reader.at += 4;
  else if (code === 0x44) reader.at += 8;
  else if (code === 0x11 || code === 0x13) reader.skip(2);
  else if (
    within(code, 0x02, 0x04) || // blocks
    within(code, 0x06, 0x09) || // exceptions
    within(code, 0x0c, 0x15) || // branches and calls
    code === 0x18 || // delegate
    within(code, 0x20, 0x26) || // variables and tables
    within(code, 0x3f, 0x42) || // memory and constants
    within(code, 0xd0, 0xd6) // references
  ) {
    if (code !== 0x0f && code !== 0xd1 && code !== 0xd3 && code !== 0xd4) reader.skip(1);
  } else if (code >= 0xc5) throw new Error(`unknown wasm instruction 0x${code.toString(16)} at byte ${reader.at - 1}`);
  return null;
}

/**
 * Counts the relaxed instructions of a module.
 * @param {Uint8Array} bytes @returns {Map<string, number>} by name
 */
export function relaxedInstructions(bytes) {
  const found = new Map();
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const size = reader.number();
    const end = reader.at + size;
    for (let left = section === CODE ? reader.number() : 0; left > 0; left--) {
      const length = reader.number();
      const last = reader.at + length;
      for (let groups = reader.number(); groups > 0; groups--) {
        reader.number();
        reader.type(); // locals
      }
      while (reader.at < last) {
        const name = instruction(reader);
        if (name) found.set(name, (found.get(name) ?? 0) + 1);
      }
      if (reader.at !== last) throw new Error(`a function ends at byte ${last}, but its instructions at ${reader.at}`);
    }
    reader.at = end;
  }
  return found;
}

/** The modules that the contenders run. */
const MODULES = {
  'sedd-web': 'web/wasm/sedd-relaxed.wasm',
  'litert.js': 'node_modules/@litertjs/core/wasm/litert_wasm_internal.wasm',
  'onnxruntime-web': 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm',
  wllama: 'node_modules/@wllama/wllama/esm/wasm/wllama.wasm',
};

/** Returns what each engine's module holds, in words. @returns {Record<string, string>} */
export function relaxedByEngine() {
  return Object.fromEntries(
    Object.entries(MODULES).map(([engine, file]) => {
      const found = [...relaxedInstructions(readFileSync(path.join(ROOT, file)))].sort((a, b) => b[1] - a[1]);
      return [engine, found.map(([name, count]) => `${count} ${name}`).join(', ') || 'none'];
    }),
  );
}
