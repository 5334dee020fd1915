/**
 * Lends the scratch memory of a model to one computation at a time. A paused run keeps its session. One idle session is
 * kept for the next computation.
 */
export class Sessions {
  #engine;
  #model;
  #tokenizer;
  /** @type {{pointer: number, rows: number} | null} */ #idle = null;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {number} model
   * @param {number} tokenizer tokenizer whose tokens a session may write
   */
  constructor(engine, model, tokenizer) {
    this.#engine = engine;
    this.#model = model;
    this.#tokenizer = tokenizer;
  }

  /** Returns a session of at least `rows` tokens; give it back after use. @param {number} rows */
  lend(rows) {
    const idle = this.#idle;
    this.#idle = null;
    if (idle && idle.rows >= rows) return idle;
    if (idle) this.#free(idle);
    const { module, pointer: engine } = this.#engine;
    const pointer = this.#engine.check(module._wasm_session_new(engine, this.#model, rows, this.#tokenizer));
    return { pointer, rows };
  }

  /** @param {{pointer: number, rows: number}} session */
  giveBack(session) {
    const [keep, drop] = !this.#idle || session.rows > this.#idle.rows ? [session, this.#idle] : [this.#idle, session];
    this.#idle = keep;
    if (drop) this.#free(drop);
  }

  /** @template T @param {number} rows @param {(pointer: number) => T} work @returns {T} */
  use(rows, work) {
    const session = this.lend(rows);
    try {
      return work(session.pointer);
    } finally {
      this.giveBack(session);
    }
  }

  #free(session) {
    this.#engine.module._sedd_session_free(session.pointer);
  }

  dispose() {
    if (this.#idle) this.#free(this.#idle);
    this.#idle = null;
  }
}
