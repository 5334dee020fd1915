/** A growing list of events. Any number of loops can read it from the beginning to the end. */

/** @template Event */
export class Events {
  /** @type {Event[]} */ #list = [];
  /** @type {Set<() => void>} */ #waiting = new Set();
  #ended = false;

  /** @returns {readonly Event[]} the events so far */
  get list() {
    return this.#list;
  }

  #wake() {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** @param {Event} event */
  add(event) {
    this.#list.push(event);
    this.#wake();
  }

  end() {
    this.#ended = true;
    this.#wake();
  }

  /**
   * Yields every event, then awaits `last`, so that a loop ends or fails with the work.
   * @param {Promise<unknown>} last
   * @returns {AsyncGenerator<Event, void, void>}
   */
  async *read(last) {
    for (let i = 0; ; ) {
      while (i < this.#list.length) yield this.#list[i++];
      if (this.#ended) {
        await last;
        return;
      }
      await new Promise((resolve) => {
        this.#waiting.add(() => resolve(undefined));
      });
    }
  }
}
