/**
 * Compares the speed of a SEDD and a GPT-2 on this device, by fixed rules. Both write the same number of tokens with
 * the same kernels and threads, GPT-2 with its cache. They take turns (A-B-A-B); three warm-up rounds are dropped and
 * ten or more are kept. A tab that was hidden makes the result invalid. Times are end to end, as a visitor waits. T* is
 * the number of steps at which both take equally long, computed in every round (statistics.js).
 * scripts/evaluate/latency.mjs times the native tool by the same rules.
 */
import { WORDS } from './sampling.js';
import { SeddError, abortError } from '../errors.js';
import { Events } from './events.js';
import { probe } from '../engine/features.js';
import { breakEven, medianInterval, quartiles } from './statistics.js';
import { VERSION } from './version.js';

const DEFAULTS = { steps: [4, 8, 16, 32, 64], length: 128, rounds: 10, warmups: 3, prompt: '', seed: 1 };
const OTHERS_MS = 5; // ms; a longer wait for the model means that another call was computing

/** @param {string} name @param {unknown} value @param {number} low @param {number} high */
function whole(name, value, low, high) {
  if (!Number.isInteger(value) || /** @type {number} */ (value) < low || /** @type {number} */ (value) > high) {
    throw new SeddError('argument', `${name} is ${value}; expected a whole number from ${low} to ${high}.`);
  }
}

function readOptions({ signal, onProgress, quality, ...options }) {
  const settings = {
    ...DEFAULTS,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  if (!Array.isArray(settings.steps) || settings.steps.length === 0)
    throw new SeddError('argument', 'steps must be a list of at least one number of steps.');
  for (const steps of settings.steps) whole('A number of steps', steps, 1, 1e6);
  settings.steps = [...new Set(settings.steps)].sort((a, b) => a - b);
  whole('length', settings.length, 2, 65536);
  whole('rounds', settings.rounds, 6, 10000); // with fewer, even the whole range is not a 95 % interval
  whole('warmups', settings.warmups, 0, 100);
  whole('seed', settings.seed, 0, Number.MAX_SAFE_INTEGER);
  return settings;
}

/** Describes a model and its device. */
function environmentOf(sedd, gpt2) {
  const { cores, threads: isolated, reasons } = probe();
  const model = ({ info, source, device, loadMs, kernels, threads, wasm }) => ({
    name: source?.name ?? '',
    sha256: source?.sha256 ?? '',
    dtype: info.dtype,
    parameters: info.parameters,
    device: device.kind,
    deviceName: device.name,
    loadMs,
    kernels,
    threads,
    wasm,
  });
  return {
    version: VERSION,
    browser: globalThis.navigator?.userAgent ?? '',
    cores,
    isolated,
    limits: reasons,
    date: new Date().toISOString(),
    sedd: model(sedd),
    gpt2: model(gpt2),
  };
}

/** Watches for events that make the times invalid. */
class Watch {
  /** @type {Set<string>} */ reasons = new Set();
  #look = () => {
    if (document.visibilityState === 'hidden')
      this.reasons.add('The tab was hidden, and browsers slow hidden tabs down.');
  };

  constructor(sedd, gpt2) {
    if (sedd.device.kind !== gpt2.device.kind)
      this.reasons.add(`SEDD ran on ${sedd.device.kind} and GPT-2 on ${gpt2.device.kind}.`);
    if (sedd.threads !== gpt2.threads)
      this.reasons.add(`SEDD ran on ${sedd.threads} threads and GPT-2 on ${gpt2.threads}.`);
    if (sedd.kernels !== gpt2.kernels)
      this.reasons.add(`SEDD used the kernels ${sedd.kernels} and GPT-2 ${gpt2.kernels}.`);
    globalThis.document?.addEventListener('visibilitychange', this.#look);
    if (globalThis.document) this.#look();
  }

  /** @param {{timings: {waitMs: number}}} result */
  note({ timings }) {
    if (timings.waitMs > OTHERS_MS) this.reasons.add('Something else was computed with one of the models meanwhile.');
  }

  end() {
    globalThis.document?.removeEventListener('visibilitychange', this.#look);
  }
}

/** @typedef {{round: number, rounds: number, warmup: boolean, model: 'sedd'|'gpt2', steps?: number, ms: number}} Turn one run of one model, timed */

/**
 * @typedef {{ppl?: number, entropy?: number, [name: string]: unknown}} Quality the quality of a model's texts, from its
 *   card
 * @typedef {{steps: number[], length: number, rounds: number, warmups: number, prompt: string, seed: number, temperature?: number,
 *   topK?: number, topP?: number, [option: string]: unknown}} Settings
 * @typedef {{name: string, sha256: string, dtype: 'f32'|'q8', parameters: number, device: 'wasm'|'webgpu', deviceName: string, loadMs: number, kernels: string, threads: number,
 *   wasm: 'simd'|'relaxed'}} MeasuredModel
 * @typedef {{version: string, browser: string, cores: number, isolated: boolean, limits: string[], date: string, sedd: MeasuredModel,
 *   gpt2: MeasuredModel}} Environment
 */

/**
 * @typedef {object} Times the times of one model, end to end, in milliseconds
 * @property {number} tokens
 * @property {number} medianMs
 * @property {number} q1Ms the first quartile
 * @property {number} q3Ms the third
 * @property {number[]} rawMs one for each round
 * @property {number} firstMs the very first run, which is a warm-up
 * @property {Quality} [quality]
 */

/**
 * @typedef {object} ComparisonResult
 * @property {'sedd-comparison'} format
 * @property {1} version
 * @property {boolean} valid
 * @property {string[]} reasons why it is not valid
 * @property {Settings} settings
 * @property {string[]} nonDefault names of the settings that are not the default
 * @property {number} tokens written in each run
 * @property {Times & {perTokenMs: number}} gpt2
 * @property {(Times & {steps: number, perStepMs: number})[]} sedd one for each number of steps
 * @property {{steps: number, low: number, high: number, raw: number[]}} breakEven the number of steps at which both
 *   take equally long: median, 95 % interval, and the value of each round
 * @property {Environment} environment
 */

export class Comparison {
  /** @type {Events<Turn>} */ #events = new Events();
  #controller = new AbortController();

  constructor(sedd, gpt2, options) {
    const settings = readOptions(options);
    const stop = () => this.#controller.abort();
    if (options.signal?.aborted) stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    /** @type {Promise<ComparisonResult>} resolves with the medians, intervals, raw points and the environment */
    this.result = this.#run(sedd, gpt2, settings, options).finally(() => {
      options.signal?.removeEventListener('abort', stop);
      this.#events.end();
    });
    this.result.catch(() => {}); // an abort that nobody awaits must not become an unhandled rejection
  }

  /** Ends the comparison. The result and the loop reject with AbortError. */
  abort() {
    this.#controller.abort();
  }

  /** Yields every turn once it has been taken. @returns {AsyncGenerator<Turn, void, void>} */
  [Symbol.asyncIterator]() {
    return this.#events.read(this.result);
  }

  /** @returns {Promise<ComparisonResult>} */
  async #run(sedd, gpt2, settings, { onProgress, quality }) {
    const { signal } = this.#controller;
    const { steps, length, rounds, warmups, prompt, seed, ...sampling } = settings;
    if (signal.aborted) throw abortError();
    const { ids } = await gpt2.tokenize(prompt, { signal });
    const tokens = length - ids.length;
    if (tokens < 1)
      throw new SeddError('argument', `The prompt has ${ids.length} tokens; the window has ${length}.`, {
        hint: 'Shorten the prompt or make the window longer.',
      });
    const { temperature, topK, topP } = { ...sedd.defaults, ...sampling }; // GPT-2 uses the SEDD's defaults, too
    const clamp = ids.map((id, i) => [i, id]);
    const contenders = [
      {
        model: 'gpt2',
        write: (turn) => gpt2.generate({ prompt, tokens, temperature, topK, topP, seed: seed + turn, signal }).result,
      },
      ...steps.map((count) => ({
        model: 'sedd',
        steps: count,
        write: (turn) => sedd.sample({ ...sampling, clamp, length, steps: count, seed: seed + turn, signal }).result,
      })),
    ].map((contender) => ({ ...contender, raw: [], perStep: [], firstMs: NaN }));
    const watch = new Watch(sedd, gpt2);
    try {
      for (let turn = 0; turn < warmups + rounds; turn++) {
        for (const contender of contenders) {
          const result = await contender.write(turn);
          watch.note(result);
          contender.settings = result.settings;
          const { totalMs: ms, waitMs } = result.timings;
          if (turn === 0) contender.firstMs = ms - waitMs;
          if (turn >= warmups) {
            contender.raw.push(ms - waitMs);
            contender.perStep.push(...result.timings.stepsMs);
          }
          const event = {
            round: turn,
            rounds: warmups + rounds,
            warmup: turn < warmups,
            model: contender.model,
            ...(contender.steps && { steps: contender.steps }),
            ms,
          };
          this.#events.add(event);
          onProgress?.(event);
          if (signal.aborted) throw abortError();
        }
      }
    } finally {
      watch.end();
    }
    const used = contenders[1].settings;
    for (const name of Object.keys({ ...sedd.defaults, ...sampling }))
      if (name !== 'steps' && name in used && used[name] !== WORDS[name]?.[0]) settings[name] = used[name];
    return summary(sedd, gpt2, settings, { tokens, contenders, reasons: [...watch.reasons], quality });
  }
}

function rowOf({ raw, perStep, firstMs }, more) {
  const { median, q1, q3 } = quartiles(raw);
  return { ...more, medianMs: median, q1Ms: q1, q3Ms: q3, rawMs: raw, firstMs, perStepMs: quartiles(perStep).median };
}

/** @returns {ComparisonResult} */
function summary(sedd, gpt2, settings, { tokens, contenders, reasons, quality }) {
  const [twin, ...runs] = contenders;
  const { perStepMs: perTokenMs, ...twinRow } = rowOf(twin, {
    tokens,
    ...(quality?.twin && { quality: quality.twin }),
  });
  const stars = twin.raw.map((ms, i) =>
    breakEven(
      settings.steps,
      runs.map(({ raw }) => raw[i]),
      ms,
    ),
  );
  const { median, low, high } = medianInterval(stars);
  const qualityAt = (steps) =>
    Array.isArray(quality?.steps) ? quality.steps.find((entry) => entry.steps === steps) : undefined;
  const nonDefault = Object.keys(settings).filter(
    (name) => JSON.stringify(settings[name]) !== JSON.stringify(DEFAULTS[name]),
  );
  return {
    format: 'sedd-comparison',
    version: 1,
    valid: reasons.length === 0,
    reasons,
    settings,
    nonDefault,
    tokens,
    gpt2: { ...twinRow, perTokenMs },
    sedd: runs.map((run) =>
      rowOf(run, { steps: run.steps, tokens, ...(qualityAt(run.steps) && { quality: qualityAt(run.steps) }) }),
    ),
    breakEven: { steps: median, low, high, raw: stars },
    environment: environmentOf(sedd, gpt2),
  };
}

/**
 * Times a SEDD and a GPT-2 by the rules above. Returns at once; the comparison is async-iterable over its turns.
 * @param {import('../client.js').SEDD} sedd
 * @param {import('../client.js').GPT2} gpt2
 * @param {Omit<import('../client.js').SampleOptions, 'steps'|'onStep'|'trace'|'clamp'> & {steps?: number[], seed?:
 *   number, rounds?: number, warmups?: number, quality?: {steps?: ({steps: number} & Quality)[], twin?: Quality},
 *   onProgress?: (turn: Turn) => void}} [options] `steps` are the numbers of steps to time, `prompt` is the beginning
 *   of the texts, and `quality` is from a model's card; other options go to `sedd.sample`
 * @example
 *   const comparison = compare(sedd, gpt2, { steps: [2, 4], length: 16, rounds: 6, warmups: 1 });
 *   for await (const { model, steps, ms } of comparison) console.log(model, steps ?? '', ms);
 *   const result = await comparison.result;
 *   console.log(result.breakEven.steps, result.valid, report(result, 'markdown'));
 */
export const compare = (sedd, gpt2, options = {}) => new Comparison(sedd, gpt2, options);
