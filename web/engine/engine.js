/**
 * Wraps the wasm module in plain objects. All copies into and out of its memory happen here. Calls are synchronous, so
 * they belong in a worker (worker.js) or in Node.
 */
import { THREADS, openBuild } from '../builds.js';
import { SeddError } from '../errors.js';
import { probe } from './features.js';

const PAGE = 65536;
const PAGES_AT_FIRST = 256; // INITIAL_MEMORY of wasm/module.cmake
const CODES = ['ok', 'argument', 'memory', 'io', 'format', 'unsupported', 'cancelled', 'elsewhere'];

/** Makes a memory for threads to share. Its maximum size is reserved when it is made. */
const sharedMemory = (maximum) =>
  new WebAssembly.Memory({ initial: PAGES_AT_FIRST, maximum: Math.ceil(maximum / PAGE), shared: true });

/** Returns a value as text for a message. @param {unknown} value */
export const shown = (value) => (typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `${value}`);

/** One wasm instance with one kernel table and one pool of threads. */
export class Engine {
  /** @type {any} */ #module;
  /** @type {number} */ #pointer;
  /** @type {'simd'|'relaxed'} */ wasm;
  /** @type {number} */ threads;
  /** @type {string} name of the kernel table */ kernels;

  /**
   * @param {{wasm?: 'auto'|'simd'|'relaxed', threads?: number, kernels?: string, memory?: number, open?: typeof
   *   openBuild}} [options] `memory`: the most bytes that this instance will need, if threads share its memory; `open`:
   *   instantiates a build (default: that of builds.js)
   * @returns {Promise<Engine>}
   */
  static async create({ wasm = 'auto', threads = 1, kernels = '', memory = 0, open = openBuild } = {}) {
    const features = probe();
    const build = wasm === 'auto' ? features.wasm : wasm;
    if (!['simd', 'relaxed'].includes(build)) {
      throw new SeddError('unsupported', features.reasons[0] ?? `There is no build "${wasm}"; simd and relaxed exist.`);
    }
    const count = features.threads && THREADS ? Math.max(1, Math.min(threads, 16)) : 1;
    const engine = new Engine();
    engine.#module = await open(/** @type {'simd'} */ (count > 1 ? `${build}-threads` : build), {
      threads: count,
      ...(count > 1 && memory && { wasmMemory: sharedMemory(memory) }),
    });
    engine.wasm = build;
    engine.#start(kernels, count);
    return engine;
  }

  #start(kernels, threads) {
    this.threads = threads;
    this.#pointer = this.scoped((scope) => this.check(this.#module._wasm_engine_new(scope.text(kernels), threads)));
    this.kernels = this.string(this.#module._sedd_engine_kernels(this.#pointer));
  }

  /**
   * Returns an engine with another table of kernels, on one thread, in the same memory. The caller calls its free().
   * @param {string} kernels
   */
  sibling(kernels) {
    const engine = new Engine();
    engine.#module = this.#module;
    engine.wasm = this.wasm;
    engine.#start(kernels, 1);
    return engine;
  }

  /** Ends the engine's threads. */
  free() {
    this.#module._sedd_engine_free(this.#pointer);
    this.#pointer = 0;
  }

  /**
   * Returns the flag that cancels the computation when a thread stores 1 in it, or null if threads do not share memory.
   * @returns {Int32Array | null}
   */
  get cancelFlag() {
    return this.threads > 1 ? this.ints(this.#module._wasm_engine_cancel_flag(this.#pointer), 1) : null;
  }

  get module() {
    return this.#module;
  }
  get pointer() {
    return this.#pointer;
  }
  /** Returns the size of this instance's wasm memory in bytes. */
  get memorySize() {
    return this.#module.wasmMemory.buffer.byteLength;
  }

  bytes(pointer, size) {
    return new Uint8Array(this.#module.wasmMemory.buffer, pointer, size);
  }
  ints(pointer, count) {
    return new Int32Array(this.#module.wasmMemory.buffer, pointer, count);
  }
  floats(pointer, count) {
    return new Float32Array(this.#module.wasmMemory.buffer, pointer, count);
  }
  doubles(pointer, count) {
    return new Float64Array(this.#module.wasmMemory.buffer, pointer, count);
  }

  string(pointer) {
    const memory = new Uint8Array(this.#module.wasmMemory.buffer);
    return new TextDecoder().decode(memory.slice(pointer, memory.indexOf(0, pointer)));
  }

  /** Parses a result, or throws the core's error. */
  json(pointer) {
    return JSON.parse(this.string(this.check(pointer)));
  }

  /** Runs `work` with a scope whose allocations are freed afterwards. */
  scoped(work) {
    const scope = new Scope(this);
    try {
      return work(scope);
    } finally {
      scope.free();
    }
  }

  /** Returns a pointer, or throws the core's error if it is 0. */
  check(pointer) {
    if (pointer === 0) this.fail();
    return pointer;
  }

  /** Throws unless a status is 0. */
  checkStatus(status) {
    if (status !== 0) this.fail();
  }

  fail() {
    const code = CODES[this.#module._wasm_error_status()] ?? 'format';
    const message = this.string(this.#module._wasm_error_message());
    if (code === 'cancelled') throw new DOMException('The operation was aborted.', 'AbortError');
    throw new SeddError(code, message);
  }
}

/** Allocates memory for the duration of one call. */
class Scope {
  #engine;
  #owned = [];

  constructor(engine) {
    this.#engine = engine;
  }

  allocate(size) {
    const pointer = this.#engine.module._malloc(Math.max(8, size));
    if (pointer === 0) {
      throw new SeddError('memory', `This tab has no memory for ${size} more bytes.`, {
        hint: 'Close other tabs or use a smaller model.',
      });
    }
    this.#owned.push(pointer);
    return pointer;
  }

  data(bytes) {
    const pointer = this.allocate(bytes.length + 1);
    this.#engine.bytes(pointer, bytes.length + 1).set(bytes);
    this.#engine.bytes(pointer + bytes.length, 1)[0] = 0;
    return pointer;
  }

  text(string) {
    return this.data(new TextEncoder().encode(string));
  }

  /** Copies 32-bit integers into memory. Returns their address. */
  list(ids) {
    if (!Array.isArray(ids)) throw new SeddError('argument', `${shown(ids)} is not a list of token ids.`);
    for (const id of ids)
      if (!Number.isInteger(id) || id !== (id | 0))
        throw new SeddError('argument', `A token id is ${shown(id)}; expected a whole number below 2147483648.`);
    const pointer = this.allocate(4 * ids.length);
    this.#engine.ints(pointer, ids.length).set(ids);
    return pointer;
  }

  /**
   * Copies options into memory as JSON. Returns address and size. Values that JSON lacks (bigints, NaN, Infinity)
   * become text, which the core reads or refuses by name.
   */
  json(options) {
    const bytes = new TextEncoder().encode(
      JSON.stringify(options, (_, value) =>
        typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? `${value}` : value,
      ),
    );
    return /** @type {const} */ ([this.data(bytes), bytes.length]);
  }

  free() {
    for (const pointer of this.#owned) this.#engine.module._free(pointer);
  }
}
