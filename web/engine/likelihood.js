/**
 * Computes how probable a text is, one evaluation at a time: SEDD's bound and GPT-2's exact value. Each has a session
 * of its own until it is freed. `value` exists once the computation is done.
 */

/** Computes an upper bound on -ln p(ids), in windows of the model's length. */
export class Bound {
  #engine;
  #sessions;
  #session;
  #pointer;
  #count;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {import('./sessions.js').Sessions} sessions
   * @param {number[]} ids
   * @param {number} rows of a window
   * @param {{estimator?: 'kmask'|'reference'|'lambda', samples?: number, seed?: number|bigint}} options
   */
  constructor(engine, sessions, ids, rows, options) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.#count = ids.length;
    this.#session = sessions.lend(rows);
    try {
      this.#pointer = engine.scoped((scope) =>
        engine.check(
          engine.module._wasm_bounder_new(this.#session.pointer, scope.list(ids), ids.length, ...scope.json(options)),
        ),
      );
    } catch (error) {
      sessions.giveBack(this.#session);
      throw error;
    }
    /** Returns the total number of evaluations. */
    this.total = engine.module._wasm_bounder_total(this.#pointer);
  }

  get engine() {
    return this.#engine;
  }
  /** Its session's address. */
  get session() {
    return this.#session.pointer;
  }
  get done() {
    return this.#engine.module._sedd_bounder_done(this.#pointer) !== 0;
  }

  advance() {
    this.#engine.checkStatus(this.#engine.module._wasm_bounder_advance(this.#pointer));
  }

  get value() {
    const value = this.#engine.json(this.#engine.module._wasm_bounder_estimate(this.#pointer, this.#count));
    return { ...value, standardError: value.standardError ?? NaN }; // JSON has no NaN
  }

  free() {
    if (!this.#pointer) return;
    this.#engine.module._sedd_bounder_free(this.#pointer);
    this.#pointer = 0;
    this.#sessions.giveBack(this.#session);
  }
}

/** Computes the exact -ln p(ids), in windows of GPT-2's length, each after `bos`. */
export class Exact {
  #engine;
  #sessions;
  /** @type {{pointer: number, rows: number} | null} */ #session;
  #options;
  #ids;
  /** @type {number[]} */ #parts = [];

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {import('./sessions.js').Sessions} sessions
   * @param {number[]} ids
   * @param {{rows: number, bos: number}} options
   */
  constructor(engine, sessions, ids, options) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.#ids = ids;
    this.#options = options;
    this.#session = sessions.lend(options.rows);
    /** Returns the total number of windows. */
    this.total = Math.ceil(ids.length / options.rows);
  }

  get engine() {
    return this.#engine;
  }
  /** Its session's address. */
  get session() {
    return this.#session.pointer;
  }

  get done() {
    return this.#parts.length >= this.#ids.length;
  }

  advance() {
    const { rows, bos } = this.#options;
    const window = this.#ids.slice(this.#parts.length, this.#parts.length + rows);
    const { parts } = this.#engine.scoped((scope) =>
      this.#engine.json(this.#engine.module._wasm_nll(this.session, scope.list(window), window.length, bos)),
    );
    this.#parts.push(...parts);
  }

  get value() {
    const tokens = this.#parts.length;
    return {
      natsPerToken: this.#parts.reduce((a, b) => a + b, 0) / tokens,
      standardError: 0,
      tokens,
      parts: this.#parts,
    };
  }

  free() {
    if (this.#session) this.#sessions.giveBack(this.#session);
    this.#session = null;
  }
}
