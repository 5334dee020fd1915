/**
 * GPT-2 with a key/value cache (core/model/gpt2.c), optimised as carefully as SEDD. A token takes five dispatches per
 * block and three more, and its draw stays on the GPU, so that many tokens fit into one submission. The cache is the
 * qkv buffer of each block: new rows follow the old ones, so nothing is copied.
 */
import { chooseProduct } from './choose.js';
import { Network, unpack } from './network.js';
import { GPUFault } from './fault.js';

/** The most rows for which a product runs row by row with everything fused. Not used if `alone` (kernels/shared.js). */
const FEW = 4;
/** Rows of a prompt per forward pass. */
const SLICE = 256;
/** Tokens drawn per submission. */
const TOKENS = 64;
/**
 * Index of the first span of drawn tokens. The spans before it hold a slice's rows, its last row, and the head's
 * slices.
 */
const SLICE_SPAN = 0;
const LAST_SPAN = 1;
const DRAW_SPAN = 2;

/** @typedef {import('./runner.js').Operation} Operation */

export class Gpt2 extends Network {
  /** @type {any[]} operations of each block for many rows */ #many = [];
  /** @type {any[]} operations of each block for few rows */ #few = [];
  /** @type {Operation} */ #embed;
  /** @type {Operation} */ #draw;
  /** @type {Operation | null} */ #headOne;
  /** @type {Awaited<ReturnType<Network['productOf']>>} */ #headMany;
  #position = 0;
  /** true if the GPU holds the logits of the last token read */ #ready = false;

  /** @param {Iterable<import('./memory.js').Tensor>} tensors */
  async load(tensors) {
    const { info, memory } = this;
    const rows = Math.min(info.positions, SLICE);
    await this.open(tensors, rows, Math.max(rows, TOKENS));
    await memory.scoped(() => {
      this.caches = Array.from({ length: info.blocks }, (_, b) =>
        memory.storage(`cache ${b}`, 4 * info.positions * 3 * info.hidden),
      );
      this.openSpans(DRAW_SPAN + Math.max(TOKENS, Math.ceil(rows / this.headRows)));
    });
    await chooseProduct(this);
    await this.#operations();
  }

  #norm(name) {
    return { factor: this.weights(name).data, shift: this.weights(`${name}.bias`).data };
  }

  /** Returns the operations of a block for many rows or for few. @param {number} b @param {boolean} few */
  async #block(b, few) {
    const of = (/** @type {string} */ name) => this.weights(`block.${b}.${name}`);
    const norm = (/** @type {string} */ name) => this.#norm(`block.${b}.${name}`);
    const make = (/** @type {Parameters<Network['line']>} */ ...args) =>
      few ? this.line(...args) : this.productOf(...args);
    const add = { epilogue: 'add' };
    const [project, attention, out, mlpIn, mlpOut] = await Promise.all([
      make(this.hidden, of('qkv'), this.caches[b], norm('norm1'), { to: true }),
      few ? this.attentionOne(b, this.caches[b]) : this.attention(b, this.caches[b], { causal: true }),
      make(this.attended, of('attnOut'), this.hidden, null, add),
      make(this.hidden, of('mlpIn'), this.inner, norm('norm2'), { epilogue: this.info.activation }),
      make(this.inner, of('mlpOut'), this.hidden, null, add),
    ]);
    return { project, attention, rest: [out, mlpIn, mlpOut], outs: [of('attnOut'), of('mlpIn'), of('mlpOut')] };
  }

  async #operations() {
    const blocks = (/** @type {boolean} */ few) =>
      Promise.all(Array.from({ length: this.info.blocks }, (_, b) => this.#block(b, few)));
    const final = this.#norm('normFinal');
    const head = this.weights('head');
    const { alone } = this.gpu;
    [this.#embed, this.#headOne, this.#headMany, this.#draw, this.#many, this.#few] = await Promise.all([
      this.embedding(this.drawn),
      alone ? null : this.line(this.hidden, head, this.logitRows, final),
      this.productOf(this.hidden, head, this.logitRows, final, {}),
      this.drawing(),
      blocks(false),
      alone ? [] : blocks(true),
    ]);
  }

  /* ---- Recording ---- */

  #line(operation, span, out, rows) {
    this.runner.dispatch(operation, span, Math.ceil(out / 8), rows);
  }

  /** Records the head for row `first` of the span. */
  #headRow(span) {
    if (this.#headOne) this.#line(this.#headOne, span, this.weights('head').out, 1);
    else this.recordProduct(this.#headMany, span, 1);
  }

  /** Records a forward pass of `rows` tokens, whose ids are in the buffer `drawn`. */
  async #forward(span, rows) {
    const { runner, info } = this;
    const few = rows <= FEW && !this.gpu.alone;
    runner.dispatch(this.#embed, span, rows);
    for (const { project, attention, rest, outs } of few ? this.#few : this.#many) {
      if (few) {
        this.#line(project, span, 3 * info.hidden, rows);
        runner.dispatch(attention, span, rows, info.heads);
        for (const [i, operation] of rest.entries()) this.#line(operation, span, outs[i].out, rows);
      } else {
        this.recordProduct(project, span, rows);
        this.recordAttention(attention, span, rows);
        for (const operation of rest) this.recordProduct(operation, span, rows);
      }
      await runner.rest(rows, few ? 'few' : 'rows');
    }
  }

  /** Reads tokens into the cache, one slice at a time. Calls `then` after each slice to record what follows it. */
  async #read(ids, then) {
    if (this.#position + ids.length > this.info.positions) {
      const room = this.info.positions - this.#position;
      throw new GPUFault('limit', `The cache has room for ${room} more tokens; ${ids.length} were given.`);
    }
    for (let first = 0; first < ids.length; first += this.rows) {
      const rows = Math.min(this.rows, ids.length - first);
      this.memory.write(this.drawn, Uint32Array.from(ids.subarray(first, first + rows)));
      const to = this.#position;
      this.writeSpans([
        { rows, to },
        { rows: 1, first: rows - 1 },
      ]);
      await this.#forward(SLICE_SPAN, rows);
      await then(first, rows);
      this.#position += rows;
    }
  }

  /* ---- Calls ---- */

  /** Empties the cache. */
  reset() {
    this.rewind(0);
  }

  /** Removes the tokens from `position` on from the cache. @param {number} position */
  rewind(position) {
    this.#position = Math.max(0, Math.min(position, this.#position));
    this.#ready = false;
  }

  get position() {
    return this.#position;
  }

  /**
   * Reads tokens into the cache. The last token's logits stay on the GPU.
   * @param {{ids: Int32Array, cancelled?: () => boolean}} request
   */
  async append({ ids, cancelled }) {
    this.runner.begin(cancelled);
    this.#ready = false;
    await this.#read(ids, async (first, rows) => {
      if (first + rows === ids.length) this.#headRow(LAST_SPAN);
      await this.runner.finish();
    });
    this.#ready = true;
  }

  /**
   * Draws `count` tokens and reads them into the cache. The last token is not read if `last` is true.
   * @param {{count: number, uniforms: Float32Array, temperature?: number, greedy?: boolean, topK?: number,
   *   topP?: number, last?: boolean, cancelled?: () => boolean}} request
   * @returns {Promise<ReturnType<typeof unpack>>} one value for each token
   */
  async generate({ count, uniforms, last = false, cancelled, ...choice }) {
    const { info, memory, runner } = this;
    const read = last ? count - 1 : count;
    if (!this.#ready) throw new GPUFault('unsupported', 'The cache is empty: read a token before drawing one.');
    if (count > TOKENS || this.#position + read > info.positions)
      throw new GPUFault('limit', `${count} tokens do not fit a submission of ${TOKENS}, or the cache.`);
    runner.begin(cancelled);
    memory.write(this.uniforms, uniforms);
    const first = this.#position;
    const spans = Array.from({ length: count }, (_, index) => ({ rows: 1, to: first + index, index }));
    this.writeSpans(spans, choice, DRAW_SPAN);
    this.#ready = false;
    for (let i = 0; i < count; i++) {
      this.recordDraw(this.#draw, DRAW_SPAN + i, 1);
      if (i === read) break;
      await this.#forward(DRAW_SPAN + i, 1);
      this.#headRow(DRAW_SPAN + i);
    }
    const results = await this.readResults(count);
    this.#position += read;
    this.#ready = read === count;
    return unpack(results, count);
  }

  /**
   * Returns the logits [count, tokens] of tokens that are read into an empty cache.
   * @param {{ids: Int32Array, cancelled?: () => boolean}} request
   */
  async logits({ ids, cancelled }) {
    const { out } = this.weights('head');
    const logits = new Float32Array(ids.length * out);
    this.reset();
    this.runner.begin(cancelled);
    await this.#read(ids, async (first, rows) => {
      this.writeSpans(this.headSpans(rows), {}, DRAW_SPAN);
      logits.set(await this.readLogits(this.#headMany, DRAW_SPAN, rows), first * out);
    });
    return logits;
  }
}
