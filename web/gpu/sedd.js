/**
 * The SEDD network (core/model/score.c). The core computes the modulations of a noise level; everything else runs here.
 * In the last block, only the rows to draw continue after the keys and values.
 */
import { chooseProduct } from './choose.js';
import { GPUFault } from './fault.js';
import { Network, unpack } from './network.js';

/** The order of a block's modulations in the core. */
const SHIFT1 = 0;
const SCALE1 = 1;
const GATE1 = 2;
const SHIFT2 = 3;
const SCALE2 = 4;
const GATE2 = 5;
const VECTORS = 6;

/** Returns the cosine and sine of each position's angles, computed as in core/model/session.c. */
function turns(positions, size) {
  const half = size >> 1;
  const table = new Float32Array(2 * positions * half);
  for (let j = 0; j < half; j++) {
    const frequency = Math.fround(10000 ** ((-2 * j) / size));
    for (let p = 0; p < positions; p++) {
      const angle = Math.fround(p * frequency);
      table.set([Math.cos(angle), Math.sin(angle)], 2 * (p * half + j));
    }
  }
  return table;
}

/**
 * @typedef {import('./runner.js').Operation} Operation
 * @typedef {Awaited<ReturnType<Network['productOf']>>} Step
 * @typedef {{ids: Int32Array, modulation: Float32Array, read?: Int32Array|null, rows: Int32Array,
 *   uniforms?: Float32Array, temperature?: number, greedy?: boolean, topK?: number, topP?: number,
 *   cancelled?: () => boolean}} Request
 *   ids: the tokens of all places. modulation: computed by the core for this noise level. read: the places that the
 *   network reads, ascending (default: all). rows: the places to draw, ascending. uniforms: in [0, 1), one per row.
 */

export class Sedd extends Network {
  /** @type {any[]} operations of each block */ #blocks = [];
  /** @type {Operation} */ #embed;
  /** @type {Operation} */ #gather;
  /** @type {Operation} */ #draw;
  /** @type {Step} the head for all rows that are read */ #headAll;
  /** @type {Step} the head for the rows to draw */ #headFront;

  /** @param {Iterable<import('./memory.js').Tensor>} tensors */
  async load(tensors) {
    const { info, memory } = this;
    await this.open(tensors, info.positions, info.positions);
    /** Bytes of a vector, padded: a binding must start at a multiple of the device's alignment. */
    this.vector = Math.ceil((4 * info.hidden) / 256) * 256;
    await memory.scoped(() => {
      const rows = info.positions;
      this.modulation = memory.storage('modulation', (VECTORS * info.blocks + 2) * this.vector);
      this.qkv = memory.storage('qkv', 4 * rows * 3 * info.hidden);
      this.front = memory.storage('front', 4 * rows * info.hidden);
      this.ids = memory.storage('ids', 4 * rows);
      this.places = memory.storage('places', 4 * rows);
      this.list = memory.storage('list', 4 * rows);
      this.turns = memory.upload('rotary', turns(rows, this.size));
      this.openSpans(2 + Math.ceil(rows / this.headRows));
    });
    await chooseProduct(this);
    await this.#operations();
  }

  #modulation(block, vector) {
    const offset = (VECTORS * block + vector) * this.vector;
    return { buffer: this.modulation, offset, size: 4 * this.info.hidden };
  }

  #norm(block, scale, shift) {
    return { factor: this.#modulation(block, scale), shift: this.#modulation(block, shift) };
  }

  /** Returns the operations of a block after its attention, for one residual stream. */
  async #tail(block, stream) {
    const weights = (/** @type {string} */ name) => this.weights(`block.${block}.${name}`);
    const add = (/** @type {number} */ gate) => ({ epilogue: 'add', gate: this.#modulation(block, gate) });
    return Promise.all([
      this.productOf(this.attended, weights('attnOut'), stream, null, add(GATE1)),
      this.productOf(stream, weights('mlpIn'), this.inner, this.#norm(block, SCALE2, SHIFT2), {
        epilogue: this.info.activation,
      }),
      this.productOf(this.inner, weights('mlpOut'), stream, null, add(GATE2)),
    ]);
  }

  async #block(block) {
    const rotary = { places: this.places, turns: this.turns };
    const last = block + 1 === this.info.blocks;
    const qkv = this.weights(`block.${block}.qkv`);
    const [project, attention, tail, shortAttention, shortTail] = await Promise.all([
      this.productOf(this.hidden, qkv, this.qkv, this.#norm(block, SCALE1, SHIFT1), {}),
      this.attention(block, this.qkv, rotary),
      this.#tail(block, this.hidden),
      last ? this.attention(block, this.qkv, { ...rotary, list: this.list }) : null,
      last ? this.#tail(block, this.front) : null,
    ]);
    return { project, attention, tail, shortAttention, shortTail };
  }

  #head(stream) {
    const norm = this.#norm(this.info.blocks, SCALE1, SHIFT1);
    return this.productOf(stream, this.weights('head'), this.logitRows, norm, {});
  }

  async #operations() {
    const { blocks } = this.info;
    [this.#embed, this.#gather, this.#headAll, this.#headFront, this.#draw, this.#blocks] = await Promise.all([
      this.embedding(this.ids),
      this.gathering(this.list, this.front),
      this.#head(this.hidden),
      this.#head(this.front),
      this.drawing(),
      Promise.all(Array.from({ length: blocks }, (_, i) => this.#block(i))),
    ]);
  }

  /**
   * Uploads a request and records the blocks. Span 0 describes the rows that are read and span 1 the rows to draw. The
   * spans of the head's slices follow.
   */
  async #forward(/** @type {Request} */ { ids, modulation, read, rows, uniforms, cancelled, ...choice }) {
    const { info, memory, runner } = this;
    const places = read ? Uint32Array.from(read) : Uint32Array.from(ids, (_, place) => place);
    if (places.length > info.positions)
      throw new GPUFault(
        'limit',
        `${places.length} tokens do not fit a network that was opened for ${info.positions}.`,
      );
    const index = new Map(Array.from(places, (place, row) => [place, row]));
    const padded = new Float32Array((modulation.length / info.hidden) * (this.vector / 4));
    for (let v = 0; v * info.hidden < modulation.length; v++)
      padded.set(modulation.subarray(v * info.hidden, (v + 1) * info.hidden), (v * this.vector) / 4);
    runner.begin(cancelled);
    memory.write(this.modulation, padded);
    memory.write(
      this.ids,
      Uint32Array.from(places, (place) => ids[place]),
    );
    memory.write(this.places, places);
    memory.write(
      this.list,
      Uint32Array.from(rows, (place) => /** @type {number} */ (index.get(place))),
    );
    if (uniforms) memory.write(this.uniforms, uniforms);
    const keys = places.length;
    this.writeSpans([{ rows: keys, keys }, { rows: rows.length, keys }, ...this.headSpans(rows.length)], choice);
    runner.dispatch(this.#embed, 0, keys);
    for (const { project, attention, tail, shortAttention, shortTail } of this.#blocks) {
      const short = shortAttention && rows.length < keys;
      const [span, count] = short ? [1, rows.length] : [0, keys];
      this.recordProduct(project, 0, keys);
      this.recordAttention(short ? shortAttention : attention, span, count);
      if (short) runner.dispatch(this.#gather, 1, count);
      for (const step of short ? shortTail : tail) this.recordProduct(step, span, count);
      await runner.rest(keys);
    }
    return rows.length < keys ? this.#headFront : this.#headAll;
  }

  /**
   * Evaluates the network and draws a token for each of `rows`.
   * @param {Request} request
   * @returns {Promise<{token: Int32Array, logSum: Float32Array, confidence: Float32Array, entropy: Float32Array,
   *   likeliest: Float32Array, second: Float32Array, edge: Float32Array}>} one value for each of `rows`. logSum is NaN
   *   where a logit is not finite.
   */
  async step(request) {
    const head = await this.#forward(request);
    const count = request.rows.length;
    for (const [i, { rows }] of this.headSpans(count).entries()) {
      this.recordProduct(head, 2 + i, rows);
      this.recordDraw(this.#draw, 2 + i, rows);
      await this.runner.rest((rows * this.info.tokens) / (12 * this.info.hidden));
    }
    return unpack(await this.readResults(count), count);
  }

  /** Returns the logits [rows, states] before the sigma shift. @param {Request} request */
  async logits(request) {
    const head = await this.#forward(request);
    return this.readLogits(head, 2, request.rows.length);
  }
}
