/** A list of events that grows, and that any number of loops can read from its beginning to its end. */

/** @template Event */
export class Events {
  /** @type {Event[]} */ #list = [];
  /** @type {Set<() => void>} */ #waiting = new Set();
  #ended = false;

  /** @returns {readonly Event[]} so far */
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
   * Every event; at the end `last` is awaited, so that a loop ends as the work does.
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
