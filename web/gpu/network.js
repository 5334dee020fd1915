/**
 * The parts that both networks share: weights and scratch on the GPU, the operations of a block, and the head with the
 * draw.
 */
import { attend, keysOfTile } from './kernels/attend.js';
import { attendAlone } from './kernels/attend-alone.js';
import { attendOne } from './kernels/attend-one.js';
import { attendWhole, headSteps, roundHeads } from './kernels/attend-whole.js';
import { DRAW_RESULTS, draw } from './kernels/draw.js';
import { embed, gather } from './kernels/embed.js';
import { line } from './kernels/line.js';
import { prepare } from './kernels/prepare.js';
import { PRODUCT_TILE, product } from './kernels/product.js';
import { EPILOGUES, rowGroups } from './kernels/shared.js';
import { GPUFault } from './fault.js';
import { Memory, uploadTensor } from './memory.js';
import { Runner, SPAN_BYTES } from './runner.js';

/**
 * @typedef {{kind: 'sedd'|'gpt2', dtype: 'q8'|'f32', hidden: number, inner: number, heads: number, blocks: number,
 *   tokens: number, states: number, maskId: number, normEps: number, positions: number, attentionScales: number[],
 *   activation: string, tied: boolean, integerAttention?: boolean, muted: number[]}} Description
 * @typedef {import('./runner.js').Operation} Operation
 * @typedef {{rows: number, first?: number, to?: number, keys?: number, index?: number}} Span see kernels/shared.js
 * @typedef {{temperature?: number, greedy?: boolean, topK?: number, topP?: number}} Choice
 * @typedef {Record<string, number | boolean>} Constants values of override constants
 * @typedef {{buffer: any, offset?: number, size?: number}} Part part of a buffer
 * @typedef {{epilogue?: string, gate?: any|Part, to?: boolean}} After what follows a product (kernels/shared.js)
 */

/** Most bytes of logits that are computed at once. */
const LOGIT_BYTES = 64 << 20;

/** Most workgroups in one dimension of a dispatch on any device. */
const MOST_GROUPS = 65535;

const tiles = (/** @type {number} */ n, /** @type {number} */ size) => Math.ceil(n / size);

export class Network {
  /** @type {Map<string, import('./memory.js').Weights>} */ #weights = new Map();

  /** @param {import('./device.js').Gpu} gpu @param {Description} description */
  constructor(gpu, description) {
    this.gpu = gpu;
    this.info = description;
    this.memory = new Memory(gpu);
    this.runner = new Runner(gpu);
    this.size = description.hidden / description.heads;
    this.tile = keysOfTile(this.size, gpu.limits.maxComputeWorkgroupStorageSize);
    if (!['gelu_tanh', 'relu', 'silu'].includes(description.activation))
      throw new GPUFault(
        'unsupported',
        `The graphics device has no kernel for the activation "${description.activation}".`,
      );
    if (description.positions > MOST_GROUPS)
      throw new GPUFault(
        'limit',
        `A graphics device takes at most ${MOST_GROUPS} rows; ${description.positions} were asked for.`,
      );
    if (this.tile === 0)
      throw new GPUFault('unsupported', `Attention heads of ${this.size} are too large for the graphics device.`);
  }

  /** Number of dispatches of the last call. */
  get dispatches() {
    return this.runner.dispatches;
  }
  /** Number of bytes on the GPU. */
  get bytes() {
    return this.memory.bytes;
  }

  /** Frees all buffers. A call in progress rejects. */
  destroy() {
    this.runner.stopped = true;
    this.memory.destroy();
  }

  /**
   * Uploads the weights and allocates the buffers that every network needs.
   * @param {Iterable<import('./memory.js').Tensor>} tensors @param {number} rows the most rows in one forward pass
   * @param {number} results the most rows drawn in one call
   */
  async open(tensors, rows, results) {
    const { memory, info, gpu } = this;
    await memory.scoped(() => {
      for (const tensor of tensors) this.#weights.set(tensor.name, uploadTensor(memory, tensor));
      const row = (/** @type {string} */ name, /** @type {number} */ width) => memory.storage(name, 4 * rows * width);
      const head = this.weights('head');
      const fit = Math.min(LOGIT_BYTES, gpu.limits.maxStorageBufferBindingSize);
      this.rows = rows;
      this.headRows = Math.max(1, Math.min(rows, Math.floor(fit / (4 * head.out))));
      this.nothing = memory.storage('unused', 256);
      this.hidden = row('hidden', info.hidden);
      this.input = row('input', Math.max(info.hidden, info.inner));
      this.inputScales = row('input scales', 2);
      this.attended = row('attended', info.hidden);
      if (info.integerAttention && gpu.alone) {
        this.roundedHeads = row('rounded heads', 8 * info.heads * tiles(this.size, 4));
        this.headSteps = memory.storage('steps of heads', 4 * info.heads * headSteps(this.size));
      }
      this.inner = row('inner', info.inner);
      this.logitRows = memory.storage('logits', 4 * this.headRows * head.out);
      this.muted = memory.upload('muted', Uint32Array.from(info.muted));
      this.results = memory.storage('results', 4 * DRAW_RESULTS * results);
      this.drawn = memory.storage('drawn', 4 * results);
      this.uniforms = memory.storage('uniforms', 4 * results);
      this.staging = memory.staging('staging', Math.max(4 * DRAW_RESULTS * results, 4 * this.headRows * head.out));
    });
  }

  /** @param {string} name @returns {import('./memory.js').Weights} */
  weights(name) {
    const found = this.#weights.get(name);
    if (!found) throw new GPUFault('unsupported', `The model has no tensor "${name}".`);
    return found;
  }

  /** Allocates the arguments of up to `count` dispatches. */
  openSpans(count) {
    this.spans = this.memory.uniform('spans', count * SPAN_BYTES);
  }

  /** Writes spans to the buffer, from number `first` on. @param {Span[]} spans @param {Choice} [choice] */
  writeSpans(spans, { temperature = 1, greedy = false, topK = 0, topP = 1 } = {}, first = 0) {
    const words = new Uint32Array((spans.length * SPAN_BYTES) / 4);
    const floats = new Float32Array(words.buffer);
    spans.forEach(({ rows, first: start = 0, to = 0, keys = 0, index = 0 }, i) => {
      const at = (i * SPAN_BYTES) / 4;
      words.set([rows, start, to, keys, index, topK, Number(greedy)], at);
      floats.set([topP, 1 / temperature, 1], at + 7);
    });
    this.memory.write(this.spans, words, first * SPAN_BYTES);
  }

  /**
   * Prepares a kernel with its constants and buffers for dispatch.
   * @param {import('./kernels/shared.js').Kernel} kernel @param {Record<string, number|boolean>} constants
   * @param {(any|Part)[]} buffers bindings 1, 2, ... (binding 0 is the span)
   * @returns {Promise<Operation>}
   */
  async operation(kernel, constants, buffers) {
    const pipeline = await this.gpu.compiler.pipeline(kernel, constants);
    const resources = [{ buffer: this.spans, size: SPAN_BYTES }, ...buffers].map((part) =>
      part.buffer ? part : { buffer: part },
    );
    const group = this.gpu.device.createBindGroup({
      layout: this.gpu.compiler.layout(kernel.bindings),
      entries: resources.map((resource, binding) => ({ binding, resource })),
    });
    return { pipeline, group };
  }

  /* ---- Operations ---- */

  /** Reads the embeddings of ids into the residual stream. GPT-2 adds positions. */
  embedding(ids) {
    const table = this.weights(this.info.kind === 'gpt2' && this.info.tied ? 'head' : 'embedding');
    const source = table.kind === 'table' ? 'table' : 'panels';
    const learned = this.info.kind === 'gpt2';
    /** @type {Constants} */ const constants = { SIZE: this.info.hidden, ...(learned && { POSITIONS: true }) };
    if (source === 'panels' && table.dtype === 'q8') constants.GROUPS = table.inputs;
    const positions = learned ? this.weights('positions').data : this.nothing;
    return this.operation(embed(source, table.dtype), constants, [
      ids,
      table.data,
      table.records ?? this.nothing,
      positions,
      this.hidden,
    ]);
  }

  /** Copies the listed rows of the residual stream to the front of another. */
  gathering(list, front) {
    return this.operation(gather, { SIZE: this.info.hidden }, [list, this.hidden, front]);
  }

  /**
   * Returns the operation that normalises and rounds many rows for a product with `weights`, or null if neither is
   * needed.
   * @param {{factor: any|Part, shift: any|Part} | null} norm
   */
  preparation(x, weights, norm) {
    const q8 = weights.dtype === 'q8';
    if (!q8 && !norm) return null;
    const constants = { IN: weights.in, NORM: Boolean(norm), EPS: this.info.normEps };
    const buffers = [x, norm?.factor ?? this.nothing, norm?.shift ?? this.nothing, this.input];
    return this.operation(
      prepare(weights.dtype, this.gpu),
      q8 ? { ...constants, GROUPS: weights.inputs } : constants,
      q8 ? [...buffers, this.inputScales] : buffers,
    );
  }

  /**
   * Returns the constants of what follows a product.
   * @param {import('./memory.js').Weights} weights @param {After} after
   */
  #after(weights, { epilogue = 'store', gate, to = false }) {
    return { OUT: weights.out, EPILOGUE: EPILOGUES[epilogue], GATE: Boolean(gate), TO: to };
  }

  /** Multiplies many rows, which are the prepared ones in int8 models and the rows of `x` otherwise. */
  product(x, weights, y, /** @type {After} */ after = {}) {
    return this.productBy(product(weights.dtype, this.gpu.features), x, weights, y, after);
  }

  /** The same product by a given kernel. @param {import('./kernels/shared.js').Kernel} kernel */
  productBy(kernel, x, weights, y, /** @type {After} */ after = {}) {
    const q8 = weights.dtype === 'q8';
    const buffers = [q8 ? this.input : x, weights.data, weights.records, after.gate ?? this.nothing, y];
    return this.operation(
      kernel,
      { INPUTS: weights.inputs, ...this.#after(weights, after) },
      q8 ? [...buffers, this.inputScales] : buffers,
    );
  }

  /** Multiplies one row or a few, including their norm and rounding. */
  line(x, weights, y, norm, /** @type {After} */ after = {}) {
    /** @type {Constants} */
    const constants = { IN: weights.in, NORM: Boolean(norm), ...(norm && { EPS: this.info.normEps }) };
    if (weights.dtype === 'q8') constants.GROUPS = weights.inputs;
    return this.operation(line(weights.dtype, this.gpu.features), { ...constants, ...this.#after(weights, after) }, [
      x,
      norm?.factor ?? this.nothing,
      norm?.shift ?? this.nothing,
      weights.data,
      weights.records,
      after.gate ?? this.nothing,
      y,
    ]);
  }

  /**
   * Returns the attention of many queries of block `b` and the rounding that precedes it, for recordAttention().
   * @param {number} b @param {any} qkv @param {{list?: any, places?: any, turns?: any, causal?: boolean}} how
   */
  async attention(b, qkv, { list, places, turns, causal = false }) {
    const heads = { HEADS: this.info.heads, SCALE: this.info.attentionScales[b], ROTARY: Boolean(turns) };
    const buffers = [qkv, list ?? this.nothing, places ?? this.nothing, turns ?? this.nothing];
    if (!this.roundedHeads) {
      const kernel = this.gpu.alone ? attendAlone({ size: this.size }) : attend({ size: this.size, tile: this.tile });
      const constants = { ...heads, CAUSAL: causal, MAPPED: Boolean(list) };
      return { before: null, attend: await this.operation(kernel, constants, [...buffers, this.attended]) };
    }
    const rounded = [this.roundedHeads, this.headSteps];
    const [before, attending] = await Promise.all([
      this.operation(roundHeads({ size: this.size }), { ...heads, ROWS: this.rows }, [...buffers, ...rounded]),
      this.operation(attendWhole({ size: this.size }), { ...heads, ROWS: this.rows, MAPPED: Boolean(list) }, [
        ...buffers,
        this.attended,
        ...rounded,
      ]),
    ]);
    return { before, attend: attending };
  }

  /** Computes the attention of single queries over a cache. */
  attentionOne(b, qkv) {
    const constants = { HEADS: this.info.heads, SCALE: this.info.attentionScales[b] };
    return this.operation(attendOne({ size: this.size }, this.gpu.features), constants, [qkv, this.attended]);
  }

  drawing() {
    return this.operation(
      draw(this.gpu),
      { TOKENS: this.info.tokens, STRIDE: this.weights('head').out, MUTED: this.info.muted.length },
      [this.logitRows, this.uniforms, this.muted, this.drawn, this.results],
    );
  }

  /* ---- Recording ---- */

  /** Records a product of many rows and its preparation. */
  recordProduct({ before, product: operation, out }, span, rows) {
    if (before) this.runner.dispatch(before, span, rowGroups(this.gpu.alone, rows));
    this.runner.dispatch(operation, span, tiles(out, PRODUCT_TILE.channels), tiles(rows, PRODUCT_TILE.rows));
  }

  recordAttention({ before, attend: operation }, span, rows) {
    if (before) this.runner.dispatch(before, span, tiles(this.info.heads, 4));
    this.runner.dispatch(operation, span, tiles(rows, attend.queries), this.info.heads);
  }

  recordDraw(operation, span, rows) {
    this.runner.dispatch(operation, span, rowGroups(this.gpu.alone, rows));
  }

  /** Returns a product and its preparation, for recordProduct(). */
  async productOf(x, weights, y, norm, after) {
    const [before, operation] = await Promise.all([
      this.preparation(x, weights, norm),
      this.product(norm ? this.input : x, weights, y, after),
    ]);
    return { before, product: operation, out: weights.out };
  }

  /** Reads the results of `count` draws. */
  async readResults(count) {
    const size = 4 * DRAW_RESULTS * count;
    this.runner.copy(this.results, 0, this.staging, 0, size);
    return new Float32Array(await this.runner.read(this.staging, size));
  }

  /**
   * Records the head for `rows` rows, one slice at a time, and reads their logits.
   * @param {any} head @param {number} first index of the first slice's span
   */
  async readLogits(head, first, rows) {
    const { out } = this.weights('head');
    const logits = new Float32Array(rows * out);
    for (let row = 0, i = 0; row < rows; row += this.headRows, i++) {
      const count = Math.min(this.headRows, rows - row);
      this.recordProduct(head, first + i, count);
      this.runner.copy(this.logitRows, 0, this.staging, 0, 4 * count * out);
      logits.set(new Float32Array(await this.runner.read(this.staging, 4 * count * out)), row * out);
    }
    return logits;
  }

  /** Returns the spans of the head's slices for `rows` rows. @returns {Span[]} */
  headSpans(rows) {
    return Array.from({ length: tiles(rows, this.headRows) }, (_, i) => ({
      rows: Math.min(this.headRows, rows - i * this.headRows),
      first: i * this.headRows,
      index: i * this.headRows,
    }));
  }
}

/** Converts the results of `count` draws to typed arrays. @param {Float32Array} results */
export function unpack(results, count) {
  const of = (/** @type {(at: number) => number} */ value) =>
    Float32Array.from({ length: count }, (_, row) => value(DRAW_RESULTS * row));
  const damaged = (/** @type {number} */ at) => results[at] < 0;
  return {
    token: Int32Array.from({ length: count }, (_, row) => results[DRAW_RESULTS * row]),
    logSum: of((at) => (damaged(at) ? Number.NaN : results[at + 1] + Math.log(results[at + 2]))),
    confidence: of((at) => results[at + 6] / results[at + 3]),
    entropy: of((at) => Math.max(0, Math.log(results[at + 3]) - results[at + 4])),
    likeliest: of((at) => 1 / results[at + 3]),
    second: of((at) => results[at + 5] / results[at + 3]),
    edge: of((at) => results[at + 7]),
  };
}
