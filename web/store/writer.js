/**
 * Writes a load into its entry of the store: first the chunks of the file as they arrive, then what the next visit
 * needs. That is the quantised model, or the file itself if it is not larger. manifest.json is written last and makes
 * the entry valid.
 */
import { abortError } from '../errors.js';
import { CHUNK, sha256 } from './entry.js';

/** The small files of a model, by their roles. */
export const SMALL = ['config', 'tokenizer', 'merges', 'added', 'generation'];
const WORTH = 0.75; // a quantised model of at most this share of the file replaces it

/** Prepares the entry for this file, and deletes the parts of another one. */
async function beginPart(entry, part) {
  const there = await entry.json('part.json');
  const same =
    there &&
    ['size', 'sha256', 'etag', 'modified'].every((key) => !there[key] || !part[key] || there[key] === part[key]);
  if (same) return;
  await entry.drop();
  await entry.putJson('part.json', { ...part, created: Date.now() });
}

/** Returns true if there is room for the rest of a download of `size` bytes. */
async function hasRoom(entry, size) {
  const { quota = Infinity, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return quota - usage > size - (await entry.held(size));
}

export class StoreWriter {
  #entry;
  #signal;
  #say;
  /** The reason why nothing is stored. */ reason = '';

  /** @param {import('./entry.js').StoredModel} entry @param {{signal: AbortSignal, say: (event: object) => void}} load */
  constructor(entry, { signal, say }) {
    this.#entry = entry;
    this.#signal = signal;
    this.#say = say;
  }

  /**
   * Returns the entry, ready for the chunks of a file, or null if there is no room for them. Then only the result is
   * stored.
   * @param {{size: number}} part
   */
  async beginChunks(part) {
    try {
      await beginPart(this.#entry, part);
    } catch (error) {
      this.reason = `Nothing was stored: ${error.message}`;
      await this.#entry.drop().catch(() => {});
      return null;
    }
    if (await hasRoom(this.#entry, part.size)) return this.#entry;
    await this.#entry.drop();
    return null;
  }

  /**
   * Stores what the next visit needs. Returns false if there is no room for it.
   * @param {import('../engine/engine.js').Engine} engine @param {import('../engine/model.js').Model} model made of `weights` and `files`
   * @param {import('../load/weights.js').ChunkedWeights} weights
   */
  async keep(engine, model, weights, files, about) {
    try {
      const set = await this.#keepWeights(engine, model, weights);
      await this.#entry.putJson('manifest.json', {
        ...about,
        ...set,
        small: await this.#keepSmall(files),
        created: Date.now(),
      });
      if (set.set === 'q') await this.#entry.forgetChunks('w');
      await this.#entry.remove('part.json');
      return true;
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      this.reason = `There is no room to store this model: ${error.message}`;
      await this.#entry.drop().catch(() => {});
      return false;
    }
  }

  async #keepSmall(files) {
    const hashes = {};
    for (const name of SMALL.filter((role) => files[role])) {
      await this.#entry.put(name, files[name]);
      hashes[name] = await sha256(files[name]);
    }
    return hashes;
  }

  /** Returns the set of chunks that is the model, with its size and hashes. */
  async #keepWeights(engine, model, weights) {
    const { module } = engine;
    const writer = engine.check(module._wasm_writer_new(model.pointer));
    try {
      const size = module._wasm_writer_size(writer);
      if (weights.kept && size > WORTH * weights.size) return { set: 'w', size: weights.size, hashes: weights.hashes };
      return { set: 'q', size, hashes: await this.#writeModel(engine, writer, size) };
    } finally {
      module._sedd_writer_free(writer);
    }
  }

  /** Writes the model as a file of `size` bytes. Returns the hashes of its chunks. */
  async #writeModel(engine, writer, size) {
    const { module } = engine;
    const buffer = engine.check(module._malloc(CHUNK));
    const copy = new Uint8Array(CHUNK);
    const hashes = [];
    try {
      for (let done = 0; done < size; ) {
        if (this.#signal.aborted) throw abortError();
        const bytes = copy.subarray(0, module._sedd_writer_read(writer, buffer, CHUNK));
        bytes.set(engine.bytes(buffer, bytes.length));
        hashes.push(await sha256(bytes));
        await this.#makeRoom(() => this.#entry.putChunk('q', hashes.length - 1, bytes, hashes.at(-1)));
        done += bytes.length;
        this.#say({ phase: 'keep', loaded: done, total: size });
      }
      return hashes;
    } finally {
      module._free(buffer);
    }
  }

  /** Deletes the original file, whose model is now in memory. */
  async #makeRoom(write) {
    try {
      await write();
    } catch (error) {
      if (this.#signal.aborted) throw error;
      await this.#entry.forgetChunks('w');
      await write();
    }
  }
}
