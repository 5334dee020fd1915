/**
 * One stored model. Its folder holds
 *
 *   part.json             the file that is being downloaded, until it is complete
 *   w00012-SHA256         a chunk of the file of weights;  w00012-SHA256.part  the beginning of one
 *   q00012-SHA256         a chunk of the quantised model that was made of it
 *   config, tokenizer, ... the small files
 *   manifest.json         written last: the complete parts and the sha256 of every chunk
 *
 * A chunk's name contains its hash, so damage by a crash, a full disk or a faulty one is detected when the chunk is
 * read. A damaged chunk is removed and counts as missing. Without manifest.json, no part counts as complete.
 */
import { SeddError } from '../errors.js';

export const CHUNK = 4 << 20; // bytes; the last one is shorter
export const VERSION = 1;

export const hexOf = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
export const sha256 = async (bytes) => hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** Returns the name of the folder for a source that is stored with a type of weights. */
export const entryId = async (source, dtype) =>
  (await sha256(new TextEncoder().encode(`${VERSION} ${dtype} ${source}`))).slice(0, 32);

/** Returns the error for a complete entry that does not match its manifest. */
export const damagedError = () =>
  Object.assign(new SeddError('content', 'The stored model is damaged.', { hint: 'Load it again.' }), {
    damaged: true,
  });

const CHUNK_NAME = /^([wq])(\d{5})-([0-9a-f]{64})(\.part)?$/;
const chunkName = (set, index, sha) => `${set}${String(index).padStart(5, '0')}-${sha}`;

export class StoredModel {
  #files;
  #names = null; // Map "w12" / "w12.part" -> name, of this folder

  constructor(files, id) {
    this.#files = files;
    this.id = id;
  }

  async #load() {
    if (this.#names) return this.#names;
    this.#names = new Map();
    for (const name of await this.#files.names(this.id)) {
      const [, set, index, , part = ''] = CHUNK_NAME.exec(name) ?? [];
      if (set) this.#names.set(`${set}${Number(index)}${part}`, name);
    }
    return this.#names;
  }

  /* ---- Small files ---- */

  async json(name) {
    try {
      const value = JSON.parse(new TextDecoder().decode(await this.#files.read(this.id, name)));
      return value?.version === VERSION ? value : null;
    } catch {
      return null;
    }
  }

  putJson(name, value) {
    return this.put(name, new TextEncoder().encode(JSON.stringify({ version: VERSION, ...value })));
  }
  put(name, bytes) {
    return this.#files.write(this.id, name, bytes);
  }
  remove(name) {
    return this.#files.remove(this.id, name);
  }

  /** Returns a small file, or null if it is missing or does not match the manifest. */
  async get(name, sha) {
    const bytes = await this.#files.read(this.id, name);
    return bytes && (await sha256(bytes)) === sha ? bytes : null;
  }

  /* ---- Chunks ---- */

  /** Fills `space`. Returns the number of bytes, or 0 if there is no intact chunk. */
  async #read(key, space) {
    const names = await this.#load();
    const name = names.get(key);
    if (!name) return 0;
    const size = await this.#files.readInto(this.id, name, space);
    if ((await sha256(space.subarray(0, size))) === CHUNK_NAME.exec(name)[3]) return size;
    names.delete(key);
    await this.#files.remove(this.id, name);
    return 0;
  }

  async #write(key, name, bytes) {
    await this.#forget(key);
    await this.#files.write(this.id, name, bytes);
    (await this.#load()).set(key, name);
  }

  async #forget(key) {
    const names = await this.#load();
    if (!names.has(key)) return;
    await this.#files.remove(this.id, names.get(key));
    names.delete(key);
  }

  /** Fills `space` with a chunk of its size. Returns its sha256, or undefined if it is missing. @param {'w'|'q'} set @param {Uint8Array} space */
  async chunk(set, index, space) {
    const key = `${set}${index}`;
    return (await this.#read(key, space)) === space.length ? CHUNK_NAME.exec(this.#names.get(key))[3] : undefined;
  }

  async putChunk(set, index, bytes, sha) {
    await this.#write(`${set}${index}`, chunkName(set, index, sha), bytes);
    await this.#forget(`${set}${index}.part`);
  }

  /** Does the same with the beginning of an incomplete chunk. Returns its size, or 0 if there is none. */
  beginning(index, space) {
    return this.#read(`w${index}.part`, space);
  }
  async putBeginning(index, bytes) {
    await this.#write(`w${index}.part`, `${chunkName('w', index, await sha256(bytes))}.part`, bytes);
  }

  /** Returns the number of stored bytes of weights, by the names of the chunks. */
  async held(size) {
    let bytes = 0;
    for (const key of (await this.#load()).keys()) {
      const [, index] = /^w(\d+)$/.exec(key) ?? [];
      if (index) bytes += Math.max(0, Math.min(CHUNK, size - index * CHUNK));
    }
    return bytes;
  }

  async forgetChunks(set) {
    for (const key of [...(await this.#load()).keys()]) if (key.startsWith(set)) await this.#forget(key);
  }

  async drop() {
    this.#names = null;
    await this.#files.drop(this.id);
  }
}

/** Runs `work` while no other tab or worker writes or deletes this entry. Calls `onWait` if it has to wait. */
export async function withLock(id, signal, onWait, work) {
  if (!globalThis.navigator?.locks) return work();
  const name = `sedd-web:${id}`;
  const first = await navigator.locks.request(name, { ifAvailable: true }, async (lock) =>
    lock ? { value: await work() } : null,
  );
  if (first) return first.value;
  onWait();
  return navigator.locks.request(name, { signal }, work);
}
