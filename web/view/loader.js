/**
 * Loads the models of one element: a SEDD and, if one is named, the GPT-2 beside it. They are loaded once for all
 * callers and released together. Other elements may share them (shared-models.js).
 */
import { borrow } from './shared-models.js';
import { abortError } from '../errors.js';

/** @typedef {{sedd: any, gpt2: any}} Pair `gpt2` is null if none is named */

export class Loader {
  /** @type {Promise<Pair> | null} */ #ready = null;
  #end = () => {};

  /** Returns true if the models are loaded or being loaded. */
  get wanted() {
    return this.#ready !== null;
  }

  /**
   * Returns the models. Loads them on the first call.
   * @param {{sedd: string, gpt2: string | null, device?: 'wasm'|'webgpu'|'auto'}} wanted addresses are absolute
   * @param {(progress: {loaded: number, total: number, phase: string}) => void} onProgress receives sums over both
   *   models, in bytes
   * @returns {Promise<Pair>} rejects with AbortError after `release`; after an error, the next call tries again
   */
  load({ sedd, gpt2, device }, onProgress) {
    if (this.#ready) return this.#ready;
    const progress = new Map();
    const watch = (kind) => ({
      device,
      onProgress({ loaded, total, phase }) {
        progress.set(kind, { loaded, total });
        const sum = (key) => [...progress.values()].reduce((all, part) => all + part[key], 0);
        onProgress({ loaded: sum('loaded'), total: sum('total'), phase });
      },
    });
    const borrowed = [borrow('sedd', sedd, watch('sedd'))];
    if (gpt2) borrowed.push(borrow('gpt2', gpt2, watch('gpt2')));
    const ended = new Promise((_, reject) => {
      this.#end = () => {
        reject(abortError());
        for (const { release } of borrowed) release();
      };
    });
    const models = Promise.all(borrowed.map(({ model }) => model));
    const ready = Promise.race([models, ended]).then(([first, second = null]) => ({ sedd: first, gpt2: second }));
    ready.catch(() => {
      if (this.#ready === ready) this.release();
    });
    ended.catch(() => {});
    this.#ready = ready;
    return ready;
  }

  /** Aborts the load, or releases the models. A later `load` starts again. */
  release() {
    const end = this.#end;
    this.#ready = null;
    this.#end = () => {};
    end();
  }
}
