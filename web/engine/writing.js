/**
 * Writes text, one evaluation at a time: a sampler's run over a window of masks, and GPT-2's continuation. Each has a
 * session of its own until it is freed.
 */
import { SeddError } from '../errors.js';

/** A run of the denoising loop. */
export class SamplerRun {
  #engine;
  #sessions;
  #session;
  #pointer;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {import('./sessions.js').Sessions} sessions
   * @param {import('../client/run.js').Settings} settings in full, as the core merged them
   * @param {Map<number, number>} held
   */
  constructor(engine, sessions, settings, held) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.settings = settings;
    this.held = [...held.keys()].sort((a, b) => a - b);
    const { length, steps, positions, denoise } = settings;
    const coin = positions === 'score' || positions === 'normalised';
    /** The step, counted from 0, that fills in every mask; -1: there is none. */
    this.opensAll = positions === 'hitting' || (coin && !denoise) ? -1 : coin ? steps : steps - 1;
    this.#session = sessions.lend(length);
    try {
      this.#pointer = engine.scoped((scope) =>
        engine.check(
          engine.module._wasm_sampler_new(
            this.#session.pointer,
            ...scope.json(settings),
            held.size,
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

  get engine() {
    return this.#engine;
  }
  get pointer() {
    return this.#pointer;
  }
  /** Its session's address. */
  get session() {
    return this.#session.pointer;
  }
  get done() {
    return this.#engine.module._sedd_sampler_done(this.#pointer) !== 0;
  }
  get ids() {
    return [...this.#engine.ints(this.#engine.module._sedd_sampler_ids(this.#pointer), this.settings.length)];
  }
  get position() {
    return this.#engine.module._sedd_sampler_steps_done(this.#pointer);
  }

  /** Continues from `ids` after `position` evaluations. */
  restore({ position, ids }) {
    const { length } = this.settings;
    if (!Number.isInteger(position) || position !== (position | 0) || !Array.isArray(ids) || ids.length !== length) {
      throw new SeddError('argument', `A state needs a whole position and ${length} ids.`, {
        hint: 'Use what run.state() gave.',
      });
    }
    this.#engine.scoped((scope) =>
      this.#engine.checkStatus(this.#engine.module._wasm_sampler_restore(this.#pointer, position, scope.list(ids))),
    );
  }

  /** Runs one step with at most one evaluation of the network (none if `rows` is 0). Returns the changes. */
  advance() {
    return this.#engine.json(this.#engine.module._wasm_sampler_advance(this.#pointer));
  }

  free() {
    if (!this.#pointer) return;
    this.#engine.module._sedd_sampler_free(this.#pointer);
    this.#pointer = 0;
    this.#sessions.giveBack(this.#session);
  }
}

/** Copies GPT-2's options into the core's memory. The caller frees them. */
export const readOptions = (engine, options) =>
  engine.scoped((scope) => engine.check(engine.module._wasm_gpt2_options(...scope.json(options))));

/** GPT-2's continuation of a prompt. */
export class Generation {
  #engine;
  #sessions;
  #session;
  #options;
  #tokens;
  #logits = 0;
  /** @type {number | null} */ #drawn = null;

  /**
   * Reads the prompt.
   * @param {import('./engine.js').Engine} engine
   * @param {import('./sessions.js').Sessions} sessions
   * @param {{rows: number, tokens: number, vocabulary: number, read: number[]}} sizes
   * @param {number} step number of tokens at the end of `read` that were written before
   * @param {{seed?: number|bigint, greedy?: boolean, temperature?: number, topK?: number, topP?: number}} options
   */
  constructor(engine, sessions, { rows, tokens, vocabulary, read }, step, options) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.#tokens = tokens;
    this.step = step;
    this.#options = readOptions(engine, options);
    this.#session = sessions.lend(rows);
    try {
      this.#logits = engine.module._malloc(4 * vocabulary);
      if (this.#logits === 0)
        throw new SeddError('memory', `This tab has no memory for ${vocabulary} logits.`, {
          hint: 'Close other tabs.',
        });
      engine.module._sedd_gpt2_reset(this.#session.pointer);
      this.#append(read);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  get done() {
    return this.step >= this.#tokens;
  }

  #append(ids) {
    this.#engine.scoped((scope) =>
      this.#engine.checkStatus(
        this.#engine.module._wasm_gpt2_append(this.#session.pointer, scope.list(ids), ids.length, this.#logits),
      ),
    );
  }

  /** Draws the next id. This overwrites the logits, so an id that cannot be read yet is kept for the next call. */
  #draw() {
    const id = this.#engine.module._wasm_gpt2_draw(this.#session.pointer, this.#options, this.step, this.#logits);
    if (id < 0) this.#engine.fail();
    return id;
  }

  /** Returns the next token's id. */
  advance() {
    this.#drawn ??= this.#draw();
    const id = this.#drawn;
    if (this.step + 1 < this.#tokens) this.#append([id]);
    this.step++;
    this.#drawn = null;
    return id;
  }

  free() {
    this.#engine.module._free(this.#logits);
    this.#engine.module._free(this.#options);
    this.#logits = this.#options = 0;
    if (this.#session) this.#sessions.giveBack(this.#session);
    this.#session = null;
  }
}
