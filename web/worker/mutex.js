/** Runs one computation at a time, in the order of requests. A computation that pauses for long releases the mutex and requests it again. */
export class Mutex {
  #taken = false;
  /** @type {(() => void)[]} */ #waiting = [];

  /** @returns {Promise<void>} resolves when the caller holds the mutex; end() releases it */
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
