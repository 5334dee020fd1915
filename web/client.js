/// <reference lib="esnext.disposable" preserve="true" />
/**
 * sedd-web: SEDD and GPT-2 in the browser. The public module.
 *
 * @example
 *   import { loadSEDD } from 'sedd-web';
 *   const sedd = await loadSEDD('models/sedd-nano');
 *   const run = sedd.sample({ prompt: 'Once upon a time, {20} the end.', steps: 16, seed: 1 });
 *   for await (const { step, total, texts } of run) console.log(step, total, texts);
 *   console.log((await run.result).text);
 *   await sedd.dispose();
 */
import { Connection } from './client/connection.js';
import { SeddError } from './errors.js';
import { probe } from './engine/features.js';
import { Run } from './client/run.js';
import { recordRun } from './client/record.js';
import { holdCache } from './store/files.js';

export { store } from './store/store.js';
export { SeddError, probe };
export { compare } from './client/compare.js';
export { report } from './client/report.js';
export { VERSION } from './client/version.js';
export { escapeText, formatPrompt, parsePrompt } from './prompt.js';

/** @typedef {import('./client/run.js').StartEvent} StartEvent */
/** @typedef {import('./client/run.js').StepEvent} StepEvent */
/** @typedef {import('./client/run.js').SampleEvent} SampleEvent */
/** @typedef {import('./client/run.js').State} State */
/** @typedef {import('./client/compare.js').ComparisonResult} ComparisonResult */
/** @typedef {import('./client/run.js').Settings} Settings */
/** @typedef {import('./client/trace.js').Trace} Trace */

/**
 * @typedef {object} ModelInfo what a model is
 * @property {'sedd'|'gpt2'} kind 'sedd' stands for every diffusion model
 * @property {'SEDD'|'MDLM'|'SDTT'|'RADD'|'DUO'|'GPT-2'} family
 * @property {boolean} timeFree the network does not read the noise level, so a step that changes nothing costs nothing
 * @property {'f32'|'q8'} dtype how its matrices are held
 * @property {'absorb'|'uniform'} graph SEDD: what noise does to a token
 * @property {'loglinear'|'geometric'} noise SEDD
 * @property {number} tokens of the vocabulary
 * @property {number} states tokens, and the mask where there is one
 * @property {number} maskId -1 where there is none
 * @property {number} hiddenSize
 * @property {number} blocks
 * @property {number} heads
 * @property {number} length tokens of its window
 * @property {number} parameters
 * @property {number} weightBytes
 * @property {number} endOfText the id of <|endoftext|>; -1 where there is none
 */

/**
 * @typedef {object} DeviceInfo what evaluates the network
 * @property {'wasm'|'webgpu'} kind
 * @property {string} name of the graphics device; '' for wasm
 * @property {string} reason one sentence: why this one runs, or why the graphics device does not; '' where none was asked for
 */

/**
 * @typedef {object} LoadOptions
 * @property {AbortSignal} [signal] ends the load at once
 * @property {(progress: LoadProgress) => void} [onProgress]
 * @property {number} [threads] default 1; more need a cross-origin isolated page
 * @property {'auto'|'simd'|'relaxed'} [wasm]
 * @property {'wasm'|'webgpu'|'auto'} [device] default wasm. webgpu takes any graphics device, auto only one that is no software renderer and
 *   on which a timed evaluation is faster; `sedd.device` says which runs and why. Anything that stands in the way means wasm
 * @property {(device: DeviceInfo) => void} [onDevice] is called when the graphics device is given up after the load, or opened anew
 * @property {'auto'|'f32'|'q8'} [dtype] how matrices are held; auto: as the file has them, but int8 from 64 MB of float ones
 * @property {boolean|'opfs'|'cache-storage'} [cache] default true: keeps the model on this device for the next visit
 * @property {string} [integrity] sha256 of the file of weights, 'sha256-BASE64' or hex
 * @property {string} [revision] of a model on the hub: branch, tag or commit; default main
 * @property {string} [hub] base URL of another hub or mirror
 * @property {string} [name] what the store calls it; default: what the source is called
 * @property {number} [retries] how often each request is repeated when it fails; default 4
 * @property {Worker} [worker] a worker that runs worker.js, where a bundler or a policy needs its own
 */

/**
 * @typedef {object} LoadProgress bytes
 * @property {'open'|'wait'|'weights'|'keep'} phase finding the files; waiting for another tab that loads the same model, or
 *   `seconds` because the server asked to; reading the weights; storing the result
 * @property {number} loaded
 * @property {number} total 0 where it is not known
 * @property {number} fetched of `loaded`, over the network
 * @property {number} [seconds]
 */

/**
 * @typedef {object} LoadedSource
 * @property {string} id what names it in the store
 * @property {string} name
 * @property {string} url of the weights; '' for files
 * @property {string} sha256 of the file of weights, hex
 * @property {boolean} fromStore
 * @property {boolean} stored it is there for the next visit; in a private window as long as that lives, in WebKit's as long as the page
 * @property {string} reason why it is not
 * @property {number} fetched bytes of weights that came over the network
 */

/**
 * @typedef {object} Plan bytes
 * @property {string} name
 * @property {'sedd'|'gpt2'} kind
 * @property {string} url of the weights; '' for files
 * @property {string} dtype how its matrices will be held
 * @property {number} size of the file
 * @property {number} stored of it, on this device
 * @property {number} download still to come
 * @property {boolean} complete nothing has to be downloaded
 * @property {number} keeps in the store afterwards
 * @property {number} memory at most, of this tab
 * @property {boolean} fits this device
 * @property {string} advice what to do where it does not
 * @property {ModelInfo} info as a loaded model's
 */

/** @typedef {string | URL | Blob[] | {stored: string} | {config: string|Blob, weights: string|Blob, tokenizer?: string|Blob, merges?: string|Blob, added?: string|Blob, generation?: string|Blob}} Source
 *   'owner/name', or a name from before they had owners ('gpt2'), is a folder beside the page if there is one, else a model on the hub
 *   ('hub:owner/name' or 'hub:owner/name@revision': only there). The query of a folder's address goes with every file. */

/**
 * @typedef {object} Timings milliseconds
 * @property {number} loadMs the model's load
 * @property {number} waitMs in the queue behind other calls
 * @property {number} totalMs from the call to its result
 * @property {number} [prefillMs] GPT-2: reading the prompt
 * @property {number} [firstMs] first step
 * @property {number[]} [stepsMs] every step
 */

/**
 * @typedef {object} SampleOptions what is not given is as the model's folder says (`sedd.defaults`), else as here
 * @property {string} [prompt] text with holes, as prompt.js has it; without holes it is a prefix
 * @property {[number, number][]} [clamp] [position, id]: single tokens that are given
 * @property {number} [length] tokens; default the model's, or what a prompt with counted holes takes
 * @property {number} [steps] default 64; with positions score and normalised an ending may add one evaluation
 * @property {number|bigint} [seed] default random; always in the result
 * @property {'analytic'|'euler'|'ddpm'|'ddpm_cache'} [sampler] ddpm and ddpm_cache: MDLM, SDTT, RADD and DUO
 * @property {'exact'|'official'} [draw]
 * @property {'score'|'normalised'|'planned'|'bounded'|'hitting'} [positions] who decides which masks open: a coin by their scores, a coin
 *   by the time alone, a planned number, as many as may be drawn independently (`gamma`), or one an evaluation at random times
 * @property {'random'|'spread'|'confidence'|'margin'|'entropy'} [order] which come first, for planned and bounded
 * @property {'linear'|'cosine'} [grid] when, for score, normalised and planned
 * @property {'all'|'known'} [context] what the network reads: the whole window, or the known tokens and the masks that open, for a model
 *   trained that way (positions normalised, hitting, or planned in order random or spread); 8 steps then cost little more than half
 * @property {number} [gamma] for bounded: nats, above 0; default 1
 * @property {'own'|'draw'|'likeliest'|'open'} [ending] what becomes of the masks that are left (positions score and normalised): as the
 *   model's reference code has it, drawn, set to the likeliest token, or opened by the last step
 * @property {boolean} [denoise] default true: the ending takes place
 * @property {number} [temperature] 0 or 0.01 to 100, default 1; 0 takes the likeliest token at each position that opens
 * @property {boolean} [greedy] as temperature 0
 * @property {number} [topK] 0 (default): all
 * @property {number} [topP] 0.000001 to 1, default 1
 * @property {number} [budgetMs] takes as many of the steps as fit; the result's `budget` says what came of it
 * @property {boolean} [trace] the result carries the run as a trace
 * @property {AbortSignal} [signal]
 * @property {(event: SampleEvent) => void} [onStep] called with the first event, too, which has `start`
 */

/**
 * @typedef {object} Sample
 * @property {number[]} ids
 * @property {string} text
 * @property {number|bigint} seed
 * @property {number} steps
 * @property {import('./client/run.js').Settings} [settings] SEDD: how it was written, in full
 * @property {Timings} timings
 * @property {'wasm'|'webgpu'} device what evaluated the network at last
 * @property {string} kernels
 * @property {number} threads
 * @property {Trace} [trace] the run as JSON of the format "sedd-trace", if it was asked for
 * @property {{askedMs: number, kept: boolean, changes?: {after: number, steps: number}[], reason?: string}} [budget] changes: after which
 *   step the run went on in how many steps in all, as `resume(run.state(after), { steps })` does
 */

/** @typedef {{edit?: [number, number|null][]} & SampleOptions} Changes */

/**
 * @typedef {object} GenerateOptions
 * @property {string} [prompt] plain text
 * @property {number} [tokens] how many to write; default all that fit
 * @property {number|bigint} [seed]
 * @property {boolean} [greedy] as temperature 0
 * @property {number} [temperature] 0 or 0.01 to 100, default 1; 0 takes the likeliest token each time
 * @property {number} [topK] 0 (default): all
 * @property {number} [topP] 0.000001 to 1, default 1
 * @property {AbortSignal} [signal]
 * @property {(event: {index: number, id: number, text: string, ms: number}) => void} [onStep]
 */

/**
 * @typedef {object} Likelihood
 * @property {number} natsPerToken
 * @property {number} standardError 0 for exact values, NaN where one sample says nothing about it
 * @property {number} tokens
 * @property {number[]} parts each token's share, nats
 * @property {number[]} ids
 * @property {string[]} texts
 * @property {Timings} timings
 */

const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];
/** Without undefined ones, so that defaults hold. @template T @param {T} options @returns {T} */
const given = (options) =>
  /** @type {T} */ (Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));

class Loaded {
  #connection;

  /** @param {Connection} connection @param {any} loaded @param {(device: DeviceInfo) => void} [onDevice] */
  constructor(connection, { info, device, defaults, kernels, threads, wasm, source, ms }, onDevice = (_) => {}) {
    this.#connection = connection;
    /** @type {DeviceInfo} what evaluates the network; it changes when a graphics device is lost */
    this.device = device;
    connection.onDevice = (now) => {
      this.device = now;
      onDevice(now);
    };
    /** @type {ModelInfo} what the model is */
    this.info = info;
    /** @type {import('./engine/defaults.js').Defaults} options it was trained for (generation_config.json of its folder): they hold where a call names none */
    this.defaults = defaults;
    /** @type {string} name of the kernel table */
    this.kernels = kernels;
    /** @type {number} */
    this.threads = threads;
    /** @type {'simd'|'relaxed'} */
    this.wasm = wasm;
    /** @type {number} */
    this.loadMs = ms;
    /** @type {LoadedSource} where it came from */
    this.source = source;
  }

  /**
   * @protected
   * @param {'sample'|'generate'} method
   * @param {any} options
   * @param {(value: any, events: any[]) => any} [finish]
   * @returns {Run<any, any>}
   */
  start(method, { signal, onStep, seed = randomSeed(), ...options }, finish = (value) => value) {
    return new Run(
      this.#connection,
      method,
      { ...given(options), seed },
      {
        signal,
        onStep,
        finish: (value, events) => {
          value.timings.loadMs = this.loadMs;
          return finish(value, events);
        },
      },
    );
  }

  /**
   * @protected
   * @param {string} method
   * @param {unknown[]} args
   * @param {AbortSignal} [signal]
   * @param {(event: any) => void} [onEvent]
   * @returns {Promise<any>}
   */
  async ask(method, args, signal, onEvent) {
    const begin = performance.now();
    const value = await this.#connection.call(method, args, { signal, onEvent }).result;
    if (value.timings) Object.assign(value.timings, { loadMs: this.loadMs, totalMs: performance.now() - begin });
    return value;
  }

  /**
   * Text as tokens. `texts` shows each token alone; where a token is part of a character it shows U+FFFD,
   * and `bytes` has what it really is.
   * @param {string} text
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<{ids: number[], texts: string[], bytes: Uint8Array[]}>}
   * @example
   *   const { ids, texts } = await sedd.tokenize('Once upon a time');
   *   console.log(ids.length, texts);
   */
  tokenize(text, { signal } = {}) {
    return this.ask('tokenize', [text], signal);
  }

  /**
   * The text of tokens.
   * @param {number[]} ids
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<string>}
   * @example
   *   const { ids } = await sedd.tokenize('the end');
   *   console.log(await sedd.detokenize(ids)); // the end
   */
  detokenize(ids, { signal } = {}) {
    return this.ask('detokenize', [ids], signal);
  }

  /**
   * Does this device compute what it should? Compares the kernels with the scalar ones on these weights, and
   * with the golden numbers of the model's selftest.json, if its folder has one (or with other `vectors`; null: none).
   * @param {{vectors?: object|null, signal?: AbortSignal}} [options]
   * @returns {Promise<{ok: boolean, checks: {name: string, ok: boolean, detail: string}[], timings: Timings, kernels: string, threads: number}>}
   * @example
   *   const { ok, checks } = await sedd.selfTest();
   *   if (!ok) console.log(checks.filter((check) => !check.ok));
   */
  selfTest({ vectors, signal } = {}) {
    return this.ask('selfTest', [vectors], signal);
  }

  /**
   * Ends the worker and frees its memory; calls under way reject with the code `disposed`. A model is also
   * disposed of at the end of a block that began with `await using sedd = await loadSEDD(...)`.
   * @example
   *   await sedd.dispose();
   */
  async dispose() {
    this.#connection.end();
  }
}

for (const name of /** @type {const} */ (['dispose', 'asyncDispose'])) {
  if (Symbol[name]) Object.defineProperty(Loaded.prototype, Symbol[name], { value: Loaded.prototype.dispose });
}

export class SEDD extends Loaded {
  /**
   * Writes text by denoising. Returns at once; the run is async-iterable over its events, and its
   * `result` resolves at the end.
   * @param {SampleOptions} [options]
   * @returns {Run<SampleEvent, Sample>}
   * @example
   *   const run = sedd.sample({ prompt: 'Once upon a time', length: 64, steps: 16, seed: 1 });
   *   for await (const { step, masked, positions, texts } of run) console.log(step, masked, positions, texts);
   *   const { text, seed, timings } = await run.result;
   *   console.log(text, seed, timings.stepsMs);
   */
  sample({ trace = false, ...options } = {}) {
    return this.start('sample', options, (value, [start, ...steps]) =>
      trace ? { ...value, trace: recordRun(start, steps, this) } : value,
    );
  }

  /**
   * Goes on from a state, or branches: what if a token, the seed or the temperature were different? A place
   * that is not touched keeps its random numbers. `edit` lists [position, id], null for a mask again. A
   * different number of steps goes on from the same noise level.
   * @param {State | null} state from `run.state()`; null, as before a run has started, is refused
   * @param {Changes} [changes]
   * @returns {Run<SampleEvent, Sample>}
   * @example
   *   const run = sedd.sample({ length: 32, steps: 8, seed: 1 });
   *   await run.result;
   *   const branch = sedd.resume(run.state(4), { edit: [[0, 5]], temperature: 0.7 });
   *   console.log((await branch.result).text);
   */
  resume(state, changes = {}) {
    if (!Array.isArray(state?.ids) || !Number.isInteger(state.position))
      throw new SeddError('argument', 'The state has no ids and position.', { hint: 'Use what run.state() gave.' });
    const before = /** @type {any} */ (state.options ?? {});
    const { edit = [] } = changes;
    const ids = [...state.ids];
    for (const [position, id] of edit) {
      if (id === null && this.info.maskId < 0)
        throw new SeddError(
          'argument',
          `Position ${position} cannot become a mask: this model (uniform graph) has none.`,
        );
      if (!(position in ids))
        throw new SeddError('argument', `Position ${position} is outside the window's 0 to ${ids.length - 1}.`);
      ids[position] = id ?? this.info.maskId;
    }
    const { steps = before.steps } = changes;
    const position = before.steps ? Math.round((state.position * steps) / before.steps) : state.position;
    return this.sample({
      ...before,
      length: ids.length,
      ...changes,
      steps,
      edit: [...(before.edit ?? []), ...edit],
      state: { position, ids },
    });
  }

  /**
   * What the network says about single positions at a noise level: `sigma`, or that of evaluation `step` of a
   * run in `steps`. `ratio` is the score (how many times likelier the text would be with this token there),
   * `probability` that of a draw given that the position changes; with `steps`, `move` is the probability
   * that one step puts the token there and `stay` that it leaves the position as it is.
   * @param {number[]} ids mask: `sedd.info.maskId`
   * @param {{sigma?: number, step?: number, steps?: number, positions?: number[], topK?: number, sampler?: 'analytic'|'euler'|'ddpm'|'ddpm_cache', signal?: AbortSignal}} options
   * @returns {Promise<{sigma: number, positions: {position: number, masked: boolean, scoreSum: number, entropy: number, stay?: number,
   *   candidates: {id: number, text: string, ratio: number, probability: number, move?: number}[]}[], timings: Timings}>}
   * @example
   *   const { ids } = await sedd.tokenize('Once upon a time');
   *   ids[2] = sedd.info.maskId;
   *   const { positions } = await sedd.inspect(ids, { sigma: 0.1, steps: 16, positions: [2], topK: 3 });
   *   console.log(positions[0].candidates, positions[0].stay);
   */
  inspect(ids, { signal, ...options }) {
    return this.ask('inspect', [ids, given(options)], signal);
  }

  /**
   * An upper bound on -ln p of a text, nats a token, with its standard error and each token's part.
   * @param {string|number[]} input
   * @param {{samples?: number, seed?: number|bigint, estimator?: 'kmask'|'reference', signal?: AbortSignal,
   *   onProgress?: (progress: {done: number, total: number}) => void}} [options] samples: evaluations a window, default 64
   * @returns {Promise<Likelihood>}
   * @example
   *   const { natsPerToken, standardError, parts } = await sedd.bound('Once upon a time there was a girl.', { samples: 8 });
   *   console.log(natsPerToken, standardError, parts);
   */
  bound(input, { signal, onProgress, ...options } = {}) {
    return this.ask('likelihood', [input, given(options)], signal, onProgress);
  }
}

export class GPT2 extends Loaded {
  /**
   * Writes text left to right with its cache. The same kind of run as `sedd.sample`.
   * @param {GenerateOptions} [options]
   * @returns {Run<{index: number, id: number, text: string, ms: number}, Sample>}
   * @example
   *   const run = gpt2.generate({ prompt: 'Once upon a time', tokens: 16, seed: 1 });
   *   for await (const { text } of run) console.log(text);
   *   console.log((await run.result).timings.prefillMs);
   */
  generate(options = {}) {
    return this.start('generate', options);
  }

  /**
   * Exact -ln p of a text, nats a token, with each token's part.
   * @param {string|number[]} input
   * @param {{signal?: AbortSignal, onProgress?: (progress: {done: number, total: number}) => void}} [options]
   * @returns {Promise<Likelihood>}
   * @example
   *   console.log((await gpt2.nll('Once upon a time')).natsPerToken);
   */
  nll(input, { signal, onProgress } = {}) {
    return this.ask('likelihood', [input, {}], signal, onProgress);
  }
}

const PUT_AWAY = 500; // ms a worker has, after an abort, to store the piece it holds

/** Asks a worker about a source. @param {Connection} connection @param {'load'|'plan'} method @param {Source} source @param {LoadOptions} options */
const ask = (connection, method, source, { signal, onProgress, onDevice, worker, ...options }) => {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const place = source instanceof URL ? source.href : source;
  return connection.call(method, [place, { ...given(options), base }], { signal, onEvent: onProgress }).result;
};

/** @param {'sedd'|'gpt2'} kind @param {Source} source @param {LoadOptions} [options] @returns {Promise<any>} */
async function load(kind, source, options = {}) {
  const connection = new Connection(options.worker);
  try {
    const loaded = await ask(connection, 'load', source, options);
    connection.cancelFlag = loaded.cancelFlag;
    if (loaded.source.stored) await holdCache();
    if (loaded.info.kind !== kind) {
      const [found, use] =
        kind === 'sedd'
          ? ['GPT-2, not a SEDD', 'loadGPT2, or compare="…"']
          : ['SEDD, not a GPT-2', 'loadSEDD, or model="…"'];
      throw new SeddError('unsupported', `This folder holds a ${found}.`, { hint: `Use ${use} of <sedd-demo>.` });
    }
    return kind === 'sedd'
      ? new SEDD(connection, loaded, options.onDevice)
      : new GPT2(connection, loaded, options.onDevice);
  } catch (error) {
    connection.end(error, error.name === 'AbortError' ? PUT_AWAY : 0);
    throw error;
  }
}

/**
 * What loading a model would take, before any of its weights is downloaded.
 * @param {Source} source
 * @param {LoadOptions} [options]
 * @returns {Promise<Plan>}
 * @example
 *   const { download, memory, fits, advice } = await plan('models/sedd-nano');
 *   console.log(download, memory, fits ? '' : advice);
 */
export async function plan(source, options = {}) {
  const connection = new Connection(options.worker);
  try {
    return await ask(connection, 'plan', source, options);
  } finally {
    connection.end();
  }
}

/**
 * Loads a SEDD model into a worker of its own.
 * @param {Source} source a folder's URL, URLs of the files, or the files
 * @param {LoadOptions} [options]
 * @returns {Promise<SEDD & AsyncDisposable & Disposable>}
 * @example
 *   import { loadSEDD } from 'sedd-web';
 *   const sedd = await loadSEDD('models/sedd-nano', { onProgress: ({ loaded, total }) => console.log(loaded, total) });
 *   console.log(sedd.info.parameters, sedd.kernels);
 */
export const loadSEDD = (source, options) => load('sedd', source, options);

/**
 * Loads a GPT-2 into a worker of its own.
 * @param {Source} source
 * @param {LoadOptions} [options]
 * @returns {Promise<GPT2 & AsyncDisposable & Disposable>}
 * @example
 *   import { loadGPT2 } from 'sedd-web';
 *   const gpt2 = await loadGPT2('models/gpt2-nano');
 *   console.log(gpt2.info.length);
 */
export const loadGPT2 = (source, options) => load('gpt2', source, options);
