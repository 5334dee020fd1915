/**
 * Estimates how long works take, and ends a run before it exceeds a given time. An estimate divides the operations of a work by rates
 * that a server processor of 2024 reaches in a quiet minute. A run that turns out slower stretches the estimates of the works that remain.
 */
import { BUDGET, WARM_MS, WARM_RUNS } from './run.mjs';
import {
  MODELS,
  PROMPT,
  TEXTS,
  TEXT_PEERS,
  TEXT_TOKENS,
  TEXT_WRITER,
  VISITS,
  WORKS,
  contendersOf,
  loadersFor,
  openingsOf,
  operationsOf,
  roundsOf,
  tokensOf,
  weightBytes,
} from './works.mjs';

/** Rates of one thread in GOP/s, with many rows and with one. */
const RATES = {
  'sedd-web int8 relaxed': [110, 40],
  'sedd-web int8 simd': [70, 35],
  'sedd-web f32 relaxed': [48, 11],
  'sedd-web f32 simd': [37, 11],
  'litert.js int8': [75, 25],
  'litert.js f32': [32, 11],
  'onnxruntime-web int8': [40, 9],
  'onnxruntime-web f32': [22, 8],
  'wllama q8_0': [5, 4],
  'wllama q4_0': [3.3, 3],
};
const SCALING = 1.7; // of two threads over one
const SMALL = { channels: 512, share: 0.3 }; // share of these rates that peers reach with fewer channels
const CALL = 0.001; // seconds of a call beside its operations
const OPEN = 0.7; // seconds to open a page with an engine and to check its results, beside its weights
const WEIGHTS = 40e6; // bytes of weights that an engine loads in a second; the reference for the check reads float32 weights at that rate, too
const WAIT = 2; // seconds in which a work waits for a quiet machine
const DENOISED = 20; // full steps whose time all ways of a whole text take together
const VISIT = 1.6; // seconds of a visit with both engines
const BROWSER = 3; // seconds to start a browser and to end it
const LIMITS = 12; // seconds in which the machine's limits are measured, before and after

const named = ({ engine, dtype, wasm }) => [engine, dtype, wasm].filter(Boolean).join(' ');
const total = (list, secondsOf) => list.reduce((sum, item) => sum + secondsOf(item), 0);

/** Returns the seconds of `operations` on many rows, or on one. */
function productSeconds(model, item, operations, many, threads) {
  const small = item.engine !== 'sedd-web' && MODELS[model].hidden < SMALL.channels;
  const rate = RATES[named(item)][many ? 0 : 1] * (small ? SMALL.share : 1) * (threads > 1 ? SCALING : 1);
  return CALL + operations / (1e9 * rate);
}

const openSeconds = (model, { dtype }) => OPEN + weightBytes(model, dtype) / WEIGHTS;

/** Returns the seconds of one run of a work; a decode reads the prompt one token at a time in some engines. */
function runSeconds(work, item, threads, quick) {
  const decode = work.method === 'decode';
  const tokens = decode ? PROMPT + tokensOf(work, quick) : 1;
  return tokens * productSeconds(work.model, item, operationsOf(work, quick), !decode, threads);
}

/** Returns the seconds of a contender's turns at a work, and of its openings after the first. */
function turnSeconds(work, item, threads, { quick, rounds = roundsOf(work, quick) }) {
  const openings = openingsOf(work, quick);
  const run = runSeconds(work, item, threads, quick);
  const warm = runSeconds({ ...work, length: work.warm ?? work.length }, item, threads, true);
  const timed = Math.min(rounds * work.repeat * run, Math.max(BUDGET, run));
  const dropped = Math.max(WARM_RUNS * warm, WARM_MS / 1000) + (work.warm && 2 * run <= BUDGET ? run : 0);
  return timed + openings * dropped + (openings - 1) * openSeconds(work.model, item);
}

function textSeconds(name, threads, { peers, rounds = TEXTS[name].rounds }) {
  const { sedd, gpt2 } = TEXTS[name];
  const writers = [TEXT_WRITER, ...(peers ? TEXT_PEERS : [])];
  const token = operationsOf({ model: gpt2, method: 'decode', count: [TEXT_TOKENS] });
  const step = operationsOf({ model: sedd, method: 'step', length: TEXT_TOKENS });
  const round =
    total(writers, (item) => TEXT_TOKENS * productSeconds(gpt2, item, token, false, threads)) +
    DENOISED * productSeconds(sedd, TEXT_WRITER, step, true, threads);
  const open = total(writers, (item) => openSeconds(gpt2, item)) + openSeconds(sedd, TEXT_WRITER);
  return BROWSER + WAIT + open + (rounds + 1) * round;
}

function loadSeconds(model, options) {
  const work = Object.values(WORKS).find((item) => item.model === model);
  return total(
    loadersFor(MODELS[model], options),
    (item) => BROWSER + openSeconds(model, item) + runSeconds(work, item, 1, true),
  );
}

/**
 * Returns the estimated seconds of a work, or of loading a model.
 * @param {string} name of the work or model @param {object} options of runModel
 * @param {boolean} open says whether the work's contenders are open already
 */
export function secondsOf(name, threads, options, open = false) {
  if (TEXTS[name]) return textSeconds(name, threads, options);
  if (VISITS[name]) return BROWSER + WAIT + VISIT * ((options.rounds ?? VISITS[name].rounds) + 3);
  if (MODELS[name]) return loadSeconds(name, options);
  const items = contendersOf(name, threads, options);
  const { model } = WORKS[name];
  return (
    (open ? 0 : BROWSER + openSeconds(model, { dtype: 'f32' }) + total(items, (item) => openSeconds(model, item))) +
    WAIT +
    total(items, (item) => turnSeconds(WORKS[name], item, threads, options))
  );
}

/** Lets works begin while they can end in time. Works that took longer than planned stretch the estimates of the rest. */
export class Clock {
  #begun = null; // {at, seconds} of the work that runs
  #planned = 0;
  #taken = 0;
  #end;
  #now;

  /** @param {number} minutes that the run may take from now on @param {() => number} [now] the present, in seconds */
  constructor(minutes, now = () => performance.now() / 1000) {
    this.#end = now() + 60 * minutes;
    this.#now = now;
    /** The works that were left for another run. @type {string[]} */
    this.left = [];
  }

  /** Returns true if a work of so many seconds can end in time. The first work always can, so that every run gets on. */
  fits(seconds) {
    const now = this.#now();
    if (this.#begun) {
      this.#planned += this.#begun.seconds;
      this.#taken += now - this.#begun.at;
      this.#begun = null;
    }
    if (this.#planned === 0) return true;
    return now + Math.max(1, this.#taken / this.#planned) * seconds + LIMITS / 2 <= this.#end;
  }

  /** Returns true if a work fits, and begins it; otherwise notes it as left. */
  admit(words, seconds) {
    const fits = this.fits(seconds);
    if (fits) this.#begun = { at: this.#now(), seconds };
    else this.left.push(words);
    return fits;
  }
}

/** Returns a table of pieces and their seconds. @param {{words: string, seconds: number}[]} pieces */
export const planText = (pieces) =>
  [
    ...pieces.map(({ words, seconds }) => `${words.padEnd(36)} ${seconds.toFixed(0).padStart(6)} s`),
    `${'limits of the machine'.padEnd(36)} ${LIMITS.toFixed(0).padStart(6)} s`,
    `${'together'.padEnd(36)} ${(total(pieces, ({ seconds }) => seconds) + LIMITS).toFixed(0).padStart(6)} s`,
  ].join('\n');
