/**
 * sedd-web: SEDD and GPT-2 in the browser. The public module.
 *
 * @example
 *   import { loadSEDD } from 'sedd-web';
 *   const sedd = await loadSEDD('models/sedd-nano');
 *   const run = sedd.sample({ prompt: 'Once upon a time', steps: 64, seed: 1 });
 *   for await (const step of run) console.log(step.step, step.positions, step.texts);
 *   console.log((await run.result).text);
 *   sedd.dispose();
 */
import { SeddError, abortError, unpackError } from './errors.js';
import { probe } from './features.js';

export { SeddError, probe };

/** Calls to one worker. */
class Connection {
  #worker;
  #next = 1;
  #calls = new Map();
  #ended = null;

  constructor(worker) {
    this.#worker = worker ?? new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => this.end(new SeddError('worker', `The worker stopped: ${event.message ?? 'it could not be loaded'}.`, { hint: 'Reload the page; check that worker.js is served.' }));
  }

  #receive({ id, event, value, error }) {
    const call = this.#calls.get(id);
    if (!call) return;
    if (event) call.onEvent(event);
    else {
      this.#calls.delete(id);
      call.cleanup();
      if (error) call.reject(unpackError(error));
      else call.resolve(value);
    }
  }

  /** @returns {{result: Promise, abort: () => void, hold: (paused: boolean) => void}} */
  call(method, args, { signal, onEvent = () => {} } = {}) {
    if (this.#ended) throw this.#ended;
    const id = this.#next++;
    const abort = () => this.#worker.postMessage({ id, abort: true });
    const result = new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortError());
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      this.#calls.set(id, { resolve, reject, onEvent, cleanup: () => signal?.removeEventListener('abort', abort) });
      this.#worker.postMessage({ id, method, args });
    });
    return { result, abort, hold: (hold) => this.#worker.postMessage({ id, hold }) };
  }

  end(error = new SeddError('disposed', 'This model has been disposed of.')) {
    if (this.#ended) return;
    this.#ended = error;
    this.#worker.terminate();
    for (const { reject, cleanup } of this.#calls.values()) {
      cleanup();
      reject(error);
    }
    this.#calls.clear();
  }
}

/** A run under way: async-iterable over its events, with a result. */
class Run {
  #events = [];
  #waiting = null;
  #ended = false;
  #call;

  constructor(connection, method, options, { signal, onStep }) {
    this.seed = options.seed;
    this.started = performance.now();
    this.#call = connection.call(method, [options], {
      signal,
      onEvent: (event) => {
        onStep?.(event);
        this.#events.push(event);
        this.#waiting?.();
      },
    });
    /** Resolves when the run is over: ids, text, times of each step in ms, kernels, threads. */
    this.result = this.#call.result
      .then((value) => ({ ...value, seed: this.seed, totalMs: performance.now() - this.started }))
      .finally(() => {
        this.#ended = true;
        this.#waiting?.();
      });
    this.result.catch(() => {}); // an abort nobody waits for is no unhandled rejection
  }

  pause() { this.#call.hold(true); }
  continue() { this.#call.hold(false); }
  abort() { this.#call.abort(); }

  /** The state after the events so far, for `sedd.resume`. */
  state() {
    const start = this.#events.find((event) => event.start);
    if (!start) return null;
    const ids = [...start.ids];
    let { position } = start;
    for (const event of this.#events) {
      if (event.start) continue;
      event.positions.forEach((place, i) => { ids[place] = event.ids[i]; });
      position = event.step;
    }
    return { position, ids };
  }

  async* [Symbol.asyncIterator]() {
    for (let i = 0; ;) {
      while (i < this.#events.length) yield this.#events[i++];
      if (this.#ended) {
        await this.result;
        return;
      }
      await new Promise((resolve) => { this.#waiting = resolve; });
      this.#waiting = null;
    }
  }
}

const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

class Loaded {
  #connection;

  constructor(connection, { info, kernels, threads, wasm, ms }) {
    this.#connection = connection;
    Object.assign(this, { info, kernels, threads, wasm, loadMs: ms });
  }

  /** @protected */
  start(method, { signal, onStep, seed = randomSeed(), ...options }) {
    return new Run(this.#connection, method, { ...options, seed }, { signal, onStep });
  }

  /** @protected */
  ask(method, args, { signal } = {}) { return this.#connection.call(method, args, { signal }).result; }

  /** @param {string} text @returns {Promise<{ids: number[], texts: string[]}>} */
  tokenize(text) { return this.ask('tokenize', [text]); }
  /** @param {number[]} ids @returns {Promise<string>} */
  detokenize(ids) { return this.ask('detokenize', [ids]); }
  /** Ends the worker and frees its memory. */
  dispose() { this.#connection.end(); }
}

if (Symbol.dispose) Loaded.prototype[Symbol.dispose] = Loaded.prototype.dispose;

export class SEDD extends Loaded {
  /**
   * Writes text by denoising.
   * @param {{length?: number, steps?: number, seed?: number|bigint, sampler?: 'analytic'|'euler', draw?: 'exact'|'official',
   *   positions?: 'score'|'normalised', denoise?: boolean, temperature?: number, topK?: number, topP?: number,
   *   prompt?: string, suffix?: string, clamp?: [number, number][], signal?: AbortSignal, onStep?: (event: object) => void}} [options]
   *   `prompt` is held at the window's start, `suffix` at its end, `clamp` lists [position, id]
   */
  sample(options = {}) { return this.start('sample', { steps: 64, ...options }); }
  /** Continues from `run.state()`; other options than before make a branch. */
  resume(state, options = {}) { return this.start('sample', { steps: 64, ...options, state }); }
  /** Upper bound on -ln p, nats a token. @param {string|number[]} input */
  bound(input, { signal, ...options } = {}) { return this.ask('likelihood', [input, options], { signal }); }
  /** Candidates of masked positions. @param {number[]} ids @param {{sigma: number, positions: number[], topK?: number}} options */
  inspect(ids, options) { return this.ask('inspect', [ids, options]); }
}

export class GPT2 extends Loaded {
  /** @param {{prompt?: string, tokens?: number, seed?: number|bigint, greedy?: boolean, temperature?: number, topK?: number, topP?: number, signal?: AbortSignal, onStep?: (event: object) => void}} [options] */
  generate(options = {}) { return this.start('generate', options); }
  /** Exact -ln p, nats a token. @param {string|number[]} input */
  nll(input, { signal } = {}) { return this.ask('likelihood', [input, {}], { signal }); }
}

async function load(kind, source, { signal, onProgress, worker, threads = 1, wasm = 'auto', dtype = 'auto' } = {}) {
  const connection = new Connection(worker);
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    const loaded = await connection.call('load', [source instanceof URL ? source.href : source, { threads, wasm, dtype, base }], { signal, onEvent: onProgress }).result;
    if (loaded.info.kind !== kind) {
      throw new SeddError('unsupported', `This folder holds a ${loaded.info.kind === 'sedd' ? 'SEDD' : 'GPT-2'}, not a ${kind === 'sedd' ? 'SEDD' : 'GPT-2'}.`);
    }
    return kind === 'sedd' ? new SEDD(connection, loaded) : new GPT2(connection, loaded);
  } catch (error) {
    connection.end(error);
    throw error;
  }
}

/**
 * @param {string|URL|Blob[]|{config: string|Blob, weights: string|Blob, tokenizer: string|Blob}} source a folder's URL, URLs, or files
 * @param {{signal?: AbortSignal, onProgress?: (p: {loaded: number, total: number, phase: string}) => void, threads?: number,
 *   wasm?: 'auto'|'simd'|'relaxed', dtype?: 'auto'|'f32'|'q8', worker?: Worker}} [options]
 * @returns {Promise<SEDD>}
 */
export const loadSEDD = (source, options) => load('sedd', source, options);
/** The same for GPT-2. @returns {Promise<GPT2>} */
export const loadGPT2 = (source, options) => load('gpt2', source, options);
