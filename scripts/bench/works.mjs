/**
 * Lists what the bench times: the models, the works on each, whole texts, a visit and the contenders. Computes the least time
 * that the machine's limits allow for a work.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { SIZES } from './engines/peak.js';

/** Reads a shipped model's shape from its config.json, because a newly trained model may be larger. */
function shipped(name) {
  const folder = `models/${name}`;
  const config = JSON.parse(readFileSync(path.join(ROOT, folder, 'config.json'), 'utf8'));
  if (config.model_type === 'gpt2') {
    const { n_embd: hidden, n_layer: blocks, n_head: heads, vocab_size: tokens, n_positions: positions } = config;
    return { kind: 'gpt2', folder, hidden, blocks, heads, tokens, positions };
  }
  const { hidden_size: hidden, n_blocks: blocks, n_heads: heads, length: positions } = config.model;
  return { kind: 'sedd', folder, hidden, blocks, heads, tokens: config.tokens, positions };
}

/** The models. One with a `shape` has random weights from generate.mjs; one with a `folder` is shipped. */
export const MODELS = {
  'sedd-small': {
    kind: 'sedd',
    shape: 'sedd-small',
    hidden: 768,
    blocks: 12,
    heads: 12,
    tokens: 50257,
    positions: 1024,
  },
  'gpt2-small': { kind: 'gpt2', shape: 'gpt2', hidden: 768, blocks: 12, heads: 12, tokens: 50257, positions: 1024 },
  'sedd-10m': { kind: 'sedd', shape: 'sedd-10m', hidden: 256, blocks: 8, heads: 4, tokens: 4096, positions: 128 },
  'gpt2-10m': { kind: 'gpt2', shape: 'gpt2-10m', hidden: 256, blocks: 8, heads: 4, tokens: 4096, positions: 128 },
  'sedd-nano': shipped('sedd-nano'),
  'gpt2-nano': shipped('gpt2-nano'),
};

export const PROMPT = 16; // tokens read before decoding starts

/**
 * The works. `rounds` is the number of turns of each contender in a full and in a quick run, `repeat` the number of runs
 * in a turn, and `count` the tokens decoded in a run (full, quick). A work without a quick number is left out of quick
 * runs. A slow work warms up at the length `warm`. `openings` is how often the contenders are opened, each time in another
 * order, because the order moves the times of works that only read memory (by some 20 %).
 */
export const WORKS = {
  'sedd-small-step-128': { model: 'sedd-small', method: 'step', length: 128, rounds: [10, 4], repeat: 1 },
  'sedd-small-step-256': { model: 'sedd-small', method: 'step', length: 256, rounds: [5], repeat: 1 },
  'sedd-small-step-1024': { model: 'sedd-small', method: 'step', length: 1024, rounds: [3, 2], repeat: 1, warm: 128 },
  'gpt2-small-prefill-16': { model: 'gpt2-small', method: 'prefill', length: 16, rounds: [10], repeat: 2 },
  'gpt2-small-prefill-512': { model: 'gpt2-small', method: 'prefill', length: 512, rounds: [5], repeat: 1, warm: 16 },
  'gpt2-small-decode': {
    model: 'gpt2-small',
    method: 'decode',
    count: [128, 16],
    rounds: [6, 3],
    openings: [3, 1],
    repeat: 1,
  },
  'sedd-10m-step-128': { model: 'sedd-10m', method: 'step', length: 128, rounds: [12, 6], repeat: 3 },
  'gpt2-10m-decode': {
    model: 'gpt2-10m',
    method: 'decode',
    count: [96, 48],
    rounds: [12, 4],
    openings: [3, 1],
    repeat: 1,
  },
  'sedd-nano-step-128': { model: 'sedd-nano', method: 'step', length: 128, rounds: [12], repeat: 3 },
  'gpt2-nano-decode': { model: 'gpt2-nano', method: 'decode', count: [96], rounds: [12], openings: [3], repeat: 1 },
};

export const TEXT_TOKENS = 128;
export const TEXT_STEPS = [2, 4, 8];
const PLANNED = { positions: 'planned', order: 'spread', grid: 'cosine', context: 'all' };
/** The ways in which a SEDD writes a whole text; they override the settings in its folder. */
export const WAYS = {
  published: { positions: 'score', order: 'random', grid: 'linear', context: 'all' },
  planned: PLANNED,
  known: { ...PLANNED, context: 'known' },
};

/** Whole texts: a SEDD in a few steps beside a GPT-2 of its size. A 95 % interval needs at least six rounds. */
export const TEXTS = {
  'texts-small': { sedd: 'sedd-small', gpt2: 'gpt2-small', rounds: 6 },
  'texts-10m': { sedd: 'sedd-10m', gpt2: 'gpt2-10m', rounds: 10 },
  'texts-nano': { sedd: 'sedd-nano', gpt2: 'gpt2-nano', rounds: 10 },
};

/** A second visit, from the page's address to the first step of the shipped SEDD. */
export const VISITS = { 'first-step': { model: 'sedd-nano', rounds: 12 } };

/** The contenders by engine and dtype, and our own engine also by build. Quick runs leave out those that are `full`, and Node those that need a `page`. */
const CONTENDERS = [
  { engine: 'sedd-web', dtype: 'int8', wasm: 'relaxed' },
  { engine: 'litert.js', dtype: 'int8', page: true },
  { engine: 'onnxruntime-web', dtype: 'int8' },
  { engine: 'sedd-web', dtype: 'f32', wasm: 'relaxed', full: true },
  { engine: 'litert.js', dtype: 'f32', page: true, full: true },
  { engine: 'onnxruntime-web', dtype: 'f32', full: true },
  { engine: 'sedd-web', dtype: 'int8', wasm: 'simd' },
  { engine: 'wllama', dtype: 'q8_0', kind: 'gpt2', page: true },
  { engine: 'sedd-web', dtype: 'f32', wasm: 'simd', full: true },
  { engine: 'wllama', dtype: 'q4_0', kind: 'gpt2', page: true, full: true },
];

export const DTYPES = [...new Set(CONTENDERS.map(({ dtype }) => dtype))];

/** The writers of whole texts, beside the SEDD. wllama and LiteRT.js in f32 are left out: their tokens take longer at every size. */
export const TEXT_WRITER = { engine: 'sedd-web', dtype: 'int8', wasm: 'relaxed' };
export const TEXT_PEERS = [
  { engine: 'litert.js', dtype: 'int8' },
  { engine: 'onnxruntime-web', dtype: 'int8' },
  { engine: 'onnxruntime-web', dtype: 'f32' },
];

/** Returns the contenders for a model. @param {{quick: boolean, peers: boolean, node: boolean, dtypes?: string[]}} options */
export function contendersFor({ kind }, { quick, peers, node, dtypes = DTYPES }) {
  return CONTENDERS.filter(
    (item) =>
      (item.kind ?? kind) === kind &&
      !(quick && item.full) &&
      dtypes.includes(item.dtype) &&
      (peers || item.engine === 'sedd-web') &&
      !(node && item.page),
  );
}

/** Quick runs time slow works only with the best build, because a step of 1024 tokens takes seconds. */
export const takesPart = (work, item, quick) => !(quick && work.warm && item.wasm === 'simd');

/** Returns the contenders whose loading is measured: every engine and dtype once. */
export const loadersFor = (model, options) =>
  contendersFor(model, { ...options, quick: false }).filter(({ wasm }) => wasm !== 'simd');

/**
 * Returns the contenders that a work still has to time.
 * @param {{measured?: (work: string, threads: number, item: object) => boolean}} options `measured`: says what a resumed run has already
 */
export const contendersOf = (name, threads, options) =>
  contendersFor(MODELS[WORKS[name].model], options).filter(
    (item) => takesPart(WORKS[name], item, options.quick) && !options.measured?.(name, threads, item),
  );

// ---- Operations, bytes and limits ----------------------------------------------------------------

const BYTES = { f32: 4, int8: 1, q8_0: 34 / 32, q4_0: 18 / 32 };

/** Returns the operations of `rows` new tokens that attend to `keys` tokens, with the head on `heads` of them. A multiply-add counts as two. */
function products({ hidden, blocks, tokens, kind }, rows, keys, heads) {
  return (
    2 * rows * 12 * hidden * hidden * blocks +
    2 * heads * hidden * (tokens + (kind === 'sedd' ? 1 : 0)) +
    4 * rows * keys * hidden * blocks
  );
}

/** Returns the operations of one run of a work; for a decode those of one token in the middle of the text. */
export function operationsOf({ model, method, length, count }, quick) {
  const shape = MODELS[model];
  if (method === 'step') return products(shape, length, length, length);
  if (method === 'prefill') return products(shape, length, length / 2, 1);
  return products(shape, 1, PROMPT + tokensOf({ count }, quick) / 2, 1);
}

/** Returns the number for a full or a quick run. */
const numberOf = (list, quick) => list[quick ? list.length - 1 : 0];
export const tokensOf = ({ count }, quick) => numberOf(count, quick);
export const roundsOf = ({ rounds }, quick) => numberOf(rounds, quick);
export const openingsOf = ({ openings = [1] }, quick) => numberOf(openings, quick);

/** Returns the bytes of the matrices that every run reads. */
export function weightBytes(model, dtype) {
  const { hidden, blocks, tokens } = MODELS[model];
  const head = dtype === 'q4_0' ? 'q8_0' : dtype; // the tied table stays in q8_0
  return 12 * hidden * hidden * blocks * BYTES[dtype] + hidden * tokens * BYTES[head];
}

/**
 * Returns the least milliseconds that a work can take: the longer of all operations at the rate of the best tile and all
 * weights read once.
 * @param {Record<string, number>} peaks rates measured in this run with this many threads (peak.js)
 * @param {'relaxed'|'relaxed16'|'simd128'} kernels whose instructions count as the limit
 */
export function limitMs(work, dtype, kernels, peaks, quick) {
  const bytes = weightBytes(work.model, dtype);
  const bandwidth = bytes <= 2 * SIZES.l2 ? peaks.l2 : bytes <= 2 * SIZES.llc ? peaks.llc : peaks.memory;
  const rate = (set) => peaks[`${dtype === 'f32' ? 'f32' : 'int8'}_${set}`];
  const operations =
    kernels === 'simd128'
      ? rate('simd128')
      : Math.max(rate('relaxed'), dtype === 'f32' ? 0 : rate('relaxed16'), rate('simd128'));
  return Math.max(operationsOf(work, quick) / operations, bytes / bandwidth) / 1e6;
}
