/// <reference lib="esnext.disposable" preserve="true" />
/**
 * sedd-web: SEDD and GPT-2 in the browser. This is the public module.
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
 * @typedef {object} ModelInfo describes a model
 * @property {'sedd'|'gpt2'} kind 'sedd' means any diffusion model
 * @property {'SEDD'|'MDLM'|'SDTT'|'RADD'|'DUO'|'GPT-2'} family
 * @property {boolean} timeFree the network does not read the noise level, so a step that changes nothing costs nothing
 * @property {'f32'|'q8'} dtype the type of its matrices in memory
 * @property {'absorb'|'uniform'} graph SEDD: noise masks a token, or replaces it by a random one
 * @property {'loglinear'|'geometric'} noise SEDD
 * @property {number} tokens size of the vocabulary
 * @property {number} states the tokens, and the mask if there is one
 * @property {number} maskId -1 if there is none
 * @property {number} hiddenSize
 * @property {number} blocks
 * @property {number} heads
 * @property {number} length of its window, in tokens
 * @property {number} parameters
 * @property {number} weightBytes
 * @property {number} endOfText the id of <|endoftext|>, or -1
 */

/**
 * @typedef {object} DeviceInfo the device that evaluates the network
 * @property {'wasm'|'webgpu'} kind
 * @property {string} name of the graphics device; '' for wasm
 * @property {string} reason one sentence: why this device is used, or why the graphics device is not; '' if none was
 *   requested
 */

/**
 * @typedef {object} LoadOptions
 * @property {AbortSignal} [signal] aborts the load at once
 * @property {(progress: LoadProgress) => void} [onProgress]
 * @property {number} [threads] default 1; more need a cross-origin isolated page
 * @property {'auto'|'simd'|'relaxed'} [wasm]
 * @property {'wasm'|'webgpu'|'auto'} [device] default wasm. webgpu uses any graphics device; auto uses one only if it
 *   is not a software renderer and a timed evaluation is faster on it. If it cannot be used, wasm is. `sedd.device`
 *   says which one is used and why
 * @property {(device: DeviceInfo) => void} [onDevice] called when the graphics device fails after the load and wasm
 *   replaces it, and when a lost device has been opened anew
 * @property {'auto'|'f32'|'q8'} [dtype] the type of matrices in memory; auto keeps the file's, but float matrices of 64
 *   MB and more become int8
 * @property {boolean|'opfs'|'cache-storage'} [cache] default true: stores the model on this device for the next visit
 * @property {string} [integrity] sha256 of the file of weights, as 'sha256-BASE64' or hexadecimal
 * @property {string} [revision] branch, tag or commit of a model on the hub; default main
 * @property {string} [hub] base URL of another hub or mirror
 * @property {string} [name] its name in the store; default: the source's name
 * @property {number} [retries] how often a failed request is repeated; default 4
 * @property {Worker} [worker] a worker that runs worker.js, if a bundler or a policy needs its own
 */

/**
 * @typedef {object} LoadProgress progress in bytes
 * @property {'open'|'wait'|'weights'|'keep'} phase finding the files; waiting for another tab that loads the same
 *   model, or for `seconds` at the server's request; reading the weights; storing the result
 * @property {number} loaded
 * @property {number} total 0 if it is not known
 * @property {number} fetched the part of `loaded` that came over the network
 * @property {number} [seconds]
 */

/**
 * @typedef {object} LoadedSource
 * @property {string} id its id in the store
 * @property {string} name
 * @property {string} url of the weights; '' for files
 * @property {string} sha256 of the file of weights, hexadecimal
 * @property {boolean} fromStore
 * @property {boolean} stored true if the next visit finds it; a private window keeps it until it is closed, WebKit's
 *   until the page is
 * @property {string} reason why it is not stored
 * @property {number} fetched bytes of weights that came over the network
 */

/**
 * @typedef {object} Plan what a load needs, in bytes
 * @property {string} name
 * @property {'sedd'|'gpt2'} kind
 * @property {string} url of the weights; '' for files
 * @property {string} dtype the type of its matrices in memory
 * @property {number} size of the file
 * @property {number} stored the part of the file that is on this device
 * @property {number} download the part that must be downloaded
 * @property {boolean} complete true if nothing must be downloaded
 * @property {number} keeps size in the store afterwards
 * @property {number} memory the most that this tab needs
 * @property {boolean} fits true if this device has that memory
 * @property {string} advice what to do if it does not fit
 * @property {ModelInfo} info the same as that of the loaded model
 * @property {import('./engine/defaults.js').Defaults} defaults the same as those of the loaded model
 */

/**
 * @typedef {string | URL | Blob[] | {stored: string} | {config: string|Blob, weights: string|Blob, tokenizer?:
 *   string|Blob, merges?: string|Blob, added?: string|Blob, generation?: string|Blob}} Source 'owner/name', or an old
 *   name without owner ('gpt2'), is a folder beside the page if it exists, otherwise a model on the hub
 *   ('hub:owner/name' and 'hub:owner/name@revision' are always on the hub). The query of a folder's address is added to
 *   that of every file.
 */

/**
 * @typedef {object} Timings times in milliseconds
 * @property {number} loadMs loading the model
 * @property {number} waitMs waiting for other calls
 * @property {number} totalMs from the call to its result
 * @property {number} [prefillMs] GPT-2: reading the prompt
 * @property {number} [firstMs] the first step
 * @property {number[]} [stepsMs] every step
 */

/**
 * @typedef {object} SampleOptions options without a value are those of the model's folder (`sedd.defaults`), or the
 *   defaults below
 * @property {string} [prompt] text with holes (prompt.js); a text without holes is a prefix
 * @property {[number, number][]} [clamp] single given tokens, as [position, id]
 * @property {number} [length] in tokens; default: the model's, or the length of a prompt with counted holes
 * @property {number} [steps] default 64; with positions score and normalised, the ending may add one evaluation
 * @property {number|bigint} [seed] random by default; the result contains it
 * @property {'analytic'|'euler'|'ddpm'|'ddpm_cache'} [sampler] ddpm and ddpm_cache: MDLM, SDTT, RADD and DUO
 * @property {'exact'|'official'} [draw]
 * @property {'score'|'normalised'|'planned'|'bounded'|'hitting'} [positions] how a step chooses the masks to fill in:
 *   at random by their scores, at random by the time alone, a planned number, as many as may be drawn independently
 *   (`gamma`), or one per evaluation
 * @property {'random'|'spread'|'confidence'|'margin'|'entropy'} [order] the masks that come first, for planned and
 *   bounded
 * @property {'linear'|'cosine'} [grid] the times of the steps, for score, normalised and planned
 * @property {'all'|'known'} [context] the network reads the whole window, or only the known tokens and the masks that a
 *   step fills in, for a model trained that way (positions normalised, hitting, or planned in order random or spread).
 *   8 steps then cost little more than half
 * @property {number} [gamma] for bounded: in nats, above 0; default 1
 * @property {'own'|'draw'|'likeliest'|'open'} [ending] how the remaining masks are filled in (positions score and
 *   normalised): as in the model's reference code, drawn, set to the likeliest token, or drawn in the last step
 * @property {boolean} [denoise] default true; false skips the ending
 * @property {number} [temperature] 0 or 0.01 to 100, default 1; 0 fills in the likeliest token
 * @property {boolean} [greedy] the same as temperature 0
 * @property {number} [topK] 0 (default): all
 * @property {number} [topP] 0.000001 to 1, default 1
 * @property {number} [budgetMs] runs as many of the steps as fit in this time; `budget` of the result tells the outcome
 * @property {boolean} [trace] true adds the run to the result, as a trace
 * @property {AbortSignal} [signal]
 * @property {(event: SampleEvent) => void} [onStep] called for every event, also for the first, which has `start`
 */

/**
 * @typedef {object} Sample
 * @property {number[]} ids
 * @property {string} text
 * @property {number|bigint} seed
 * @property {number} steps
 * @property {import('./client/run.js').Settings} [settings] SEDD: all settings of the run
 * @property {Timings} timings
 * @property {'wasm'|'webgpu'} device the device of the last evaluation
 * @property {string} kernels
 * @property {number} threads
 * @property {Trace} [trace] the run in the format "sedd-trace", if it was requested
 * @property {{askedMs: number, kept: boolean, changes?: {after: number, steps: number}[], reason?: string}} [budget]
 *   changes: the run continued after step `after` with another total of steps, as `resume(run.state(after), { steps })`
 *   does
 */

/** @typedef {{edit?: [number, number|null][]} & SampleOptions} Changes */

/**
 * @typedef {object} GenerateOptions
 * @property {string} [prompt] plain text
 * @property {number} [tokens] number of tokens to write; default: as many as fit
 * @property {number|bigint} [seed]
 * @property {boolean} [greedy] the same as temperature 0
 * @property {number} [temperature] 0 or 0.01 to 100, default 1; 0 takes the likeliest token each time
 * @property {number} [topK] 0 (default): all
 * @property {number} [topP] 0.000001 to 1, default 1
 * @property {AbortSignal} [signal]
 * @property {(event: {index: number, id: number, text: string, ms: number}) => void} [onStep]
 */

/**
 * @typedef {object} Likelihood
 * @property {number} natsPerToken
 * @property {number} standardError 0 for exact values, NaN if there is only one sample
 * @property {number} tokens
 * @property {number[]} parts each token's share, in nats
 * @property {number[]} ids
 * @property {string[]} texts
 * @property {Timings} timings
 */

const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];
/** Returns the options without undefined ones, so that defaults apply. @template T @param {T} options @returns {T} */
const given = (options) =>
  /** @type {T} */ (Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));

class Loaded {
  #connection;

  /** @param {Connection} connection @param {any} loaded @param {(device: DeviceInfo) => void} [onDevice] */
  constructor(connection, { info, device, defaults, kernels, threads, wasm, source, ms }, onDevice = (_) => {}) {
    this.#connection = connection;
    /** @type {DeviceInfo} the device that evaluates the network; changes when a graphics device is lost */
    this.device = device;
    connection.onDevice = (now) => {
      this.device = now;
      onDevice(now);
    };
    /** @type {ModelInfo} */
    this.info = info;
    /**
     * @type {import('./engine/defaults.js').Defaults} the options that suit the model (generation_config.json of its
     *   folder), for calls without options of their own
     */
    this.defaults = defaults;
    /** @type {string} name of the kernel table */
    this.kernels = kernels;
    /** @type {number} */
    this.threads = threads;
    /** @type {'simd'|'relaxed'} */
    this.wasm = wasm;
    /** @type {number} */
    this.loadMs = ms;
    /** @type {LoadedSource} the origin of the model */
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
   * Converts a text to tokens. `texts` shows each token alone, with U+FFFD for a part of a character; `bytes` has the
   * exact bytes.
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
   * Converts tokens to their text.
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
   * Checks that this device computes correctly. Compares the kernels with the scalar ones on these weights, and with
   * the reference numbers of the model's selftest.json if its folder has one (or with other `vectors`; null: none).
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
   * Ends the worker and frees its memory. Calls that are not finished reject with the code `disposed`. A model declared
   * with `await using sedd = await loadSEDD(...)` is disposed of at the end of its block.
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
   * Writes text by denoising. Returns at once. The run is async-iterable over its events, and its `result` resolves at
   * the end.
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
   * Continues from a state, or branches with another token, seed or temperature. A position that is not edited keeps
   * its random numbers. `edit` lists [position, id], where an id of null masks the position again. With another number
   * of steps, the run continues from the same noise level.
   * @param {State | null} state from `run.state()`; null, which it returns before the start, is refused
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
   * Evaluates the network at single positions and a noise level: `sigma`, or that of evaluation `step` in a run of
   * `steps`. `ratio` is the score: how many times likelier the text is with this token there. `probability` is that of
   * drawing the token, given that the position changes. With `steps`, `move` is the probability that one step sets the
   * token, and `stay` the probability that it leaves the position unchanged.
   * @param {number[]} ids the mask has the id `sedd.info.maskId`
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
   * Estimates an upper bound on -ln p of a text in nats per token, with its standard error and each token's share.
   * @param {string|number[]} input
   * @param {{samples?: number, seed?: number|bigint, estimator?: 'kmask'|'reference'|'lambda', signal?: AbortSignal,
   *   onProgress?: (progress: {done: number, total: number}) => void}} [options] samples: evaluations per window,
   *   default 64
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
   * Writes text from left to right with a key/value cache. The run is of the same kind as that of `sedd.sample`.
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
   * Computes the exact -ln p of a text in nats per token, with each token's share.
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

const PUT_AWAY = 500; // ms that a worker has after an abort to store its current piece

/**
 * Sends a request about a source to a worker.
 * @param {Connection} connection
 * @param {'load'|'plan'} method
 * @param {Source} source
 * @param {LoadOptions} options
 */
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
 * Computes what loading a model needs, before any weights are downloaded.
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
