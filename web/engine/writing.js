/**
 * Writing, one evaluation at a time: a sampler's run over a window of masks, and GPT-2's continuation.
 * Each holds a session of its own until it is freed.
 */
import { SeddError } from '../errors.js';
import { seedWords } from './engine.js';

/** A run of the denoising loop. */
export class SamplerRun {
  #engine;
  #sessions;
  #session;
  #pointer;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {import('./sessions.js').Sessions} sessions
   * @param {{length: number, values: number[], seed: number|bigint, held: Map<number, number>, opensAll: number}} options
   *   `opensAll`: the step, counted from 0, that opens every mask there is; -1: there is none
   */
  constructor(engine, sessions, { length, values, seed, held, opensAll }) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.length = length;
    this.opensAll = opensAll;
    this.held = [...held.keys()].sort((a, b) => a - b);
    const words = seedWords(seed);
    this.#session = sessions.lend(length);
    try {
      this.#pointer = engine.scoped((scope) =>
        engine.check(
          engine.module._wasm_sampler_new(
            this.#session.pointer,
            scope.numbers([...values, held.size]),
            ...words,
            scope.list([...held.keys()]),
            scope.list([...held.values()]),
          ),
        ),
      );
    } catch (error) {
      sessions.giveBack(this.#session);
      throw error;
    }
  }

  get done() {
    return this.#engine.module._sedd_sampler_done(this.#pointer) !== 0;
  }
  get ids() {
    return [...this.#engine.ints(this.#engine.module._sedd_sampler_ids(this.#pointer), this.length)];
  }
  get position() {
    return this.#engine.module._sedd_sampler_position(this.#pointer);
  }

  /** Goes on from `ids` after `position` evaluations. */
  restore({ position, ids }) {
    if (
      !Number.isInteger(position) ||
      !Array.isArray(ids) ||
      ids.length !== this.length ||
      !ids.every(Number.isInteger)
    ) {
      throw new SeddError('argument', `A state needs a whole position and ${this.length} ids.`, {
        hint: 'Use what run.state() gave.',
      });
    }
    this.#engine.scoped((scope) =>
      this.#engine.checkStatus(this.#engine.module._wasm_sampler_restore(this.#pointer, position, scope.list(ids))),
    );
  }

  /** One step, at most one evaluation of the network (none where `rows` is 0); what changed. */
  advance() {
    return this.#engine.scoped((scope) => {
      const out = scope.allocate(88);
      this.#engine.checkStatus(this.#engine.module._wasm_sampler_advance(this.#pointer, out));
      const [step, total, t, sigma, rows, masked, count, places, ids, confidence, entropy] = this.#engine.doubles(
        out,
        11,
      );
      const floats = (pointer) => (pointer === 0 ? null : [...this.#engine.floats(pointer, count)]);
      return {
        step,
        total,
        t,
        sigma,
        rows,
        masked,
        positions: [...this.#engine.ints(places, count)],
        ids: [...this.#engine.ints(ids, count)],
        confidence: floats(confidence),
        entropy: floats(entropy),
      };
    });
  }

  free() {
    if (!this.#pointer) return;
    this.#engine.module._sedd_sampler_free(this.#pointer);
    this.#pointer = 0;
    this.#sessions.giveBack(this.#session);
  }
}

/** GPT-2 going on from a prompt. */
export class Generation {
  #engine;
  #sessions;
  #session;
  #options;
  #logits = 0;
  /** @type {number | null} */ #drawn = null;

  /**
   * Reads the prompt.
   * @param {import('./engine.js').Engine} engine
   * @param {import('./sessions.js').Sessions} sessions
   * @param {{rows: number, tokens: number, vocabulary: number, read: number[], seed: number|bigint, greedy: boolean, temperature: number, topK: number, topP: number}} options
   */
  constructor(engine, sessions, options) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.#options = { ...options, words: seedWords(options.seed) };
    this.step = 0;
    this.#session = sessions.lend(options.rows);
    try {
      this.#logits = engine.module._malloc(4 * options.vocabulary);
      if (this.#logits === 0)
        throw new SeddError('memory', `This tab has no memory for ${options.vocabulary} logits.`, {
          hint: 'Close other tabs.',
        });
      engine.module._sedd_gpt2_reset(this.#session.pointer);
      this.#append(options.read);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  get done() {
    return this.step >= this.#options.tokens;
  }

  #append(ids) {
    this.#engine.scoped((scope) =>
      this.#engine.checkStatus(
        this.#engine.module._wasm_gpt2_append(this.#session.pointer, scope.list(ids), ids.length, this.#logits),
      ),
    );
  }

  /** Drawing destroys the logits: an id that could not be read yet is read by the next call. */
  #draw() {
    const { words, greedy, temperature, topK, topP } = this.#options;
    const id = this.#engine.module._wasm_gpt2_draw(
      this.#session.pointer,
      ...words,
      greedy ? 1 : 0,
      temperature,
      topK,
      topP,
      this.step,
      this.#logits,
    );
    if (id < 0) this.#engine.fail();
    return id;
  }

  /** The next token's id. */
  advance() {
    this.#drawn ??= this.#draw();
    const id = this.#drawn;
    if (this.step + 1 < this.#options.tokens) this.#append([id]);
    this.step++;
    this.#drawn = null;
    return id;
  }

  free() {
    this.#engine.module._free(this.#logits);
    this.#logits = 0;
    if (this.#session) this.#sessions.giveBack(this.#session);
    this.#session = null;
  }
}
