/** One computation at a time, in the order of asking. Whoever waits long (a paused run) gives its turn up and asks again. */
export class Mutex {
  #taken = false;
  /** @type {(() => void)[]} */ #waiting = [];

  /** @returns {Promise<void>} settles when it is the caller's turn; end() must follow */
  async take() {
    if (!this.#taken) this.#taken = true;
    else
      await new Promise((resolve) => {
        this.#waiting.push(() => resolve(undefined));
      });
  }

  end() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken = false;
  }
}
