/**
 * Gives feed.js any range of a file of weights. Each chunk comes from the store if it is intact there. Otherwise it
 * comes from the source and is stored on the way. One chunk is in memory at a time, and the few that a torch file
 * needs twice.
 */
import { SeddError } from '../errors.js';
import { CHUNK, damagedError, hexOf, sha256 } from '../store/entry.js';

const KEPT = 3; // chunks; the first and last ones of a torch file are needed again
const PIECE = 64 << 10; // bytes that are hashed at once, few enough for the processor's nearest cache

/** Hashes the file from its beginning to its end while it is read, in wasm. A browser's digest needs the whole file at once. */
export class Hasher {
  #engine;
  #pointer;
  #buffer;
  #next = 0;

  constructor(engine) {
    this.#engine = engine;
    this.#pointer = engine.check(engine.module._wasm_sha256_new());
    this.#buffer = engine.check(engine.module._malloc(PIECE));
  }

  /** Returns the number of the next chunk. */
  get next() {
    return this.#next;
  }

  add(bytes) {
    this.#next++;
    for (let at = 0; at < bytes.length; at += PIECE) {
      const part = bytes.subarray(at, at + PIECE);
      this.#engine.bytes(this.#buffer, part.length).set(part);
      this.#engine.module._wasm_sha256_add(this.#pointer, this.#buffer, part.length);
    }
  }

  finish() {
    return this.#engine.scoped((scope) => {
      const digest = scope.allocate(32);
      this.#engine.module._wasm_sha256_finish(this.#pointer, digest);
      return hexOf(this.#engine.bytes(digest, 32));
    });
  }

  free() {
    this.#engine.module._free(this.#buffer);
    this.#engine.module._free(this.#pointer);
  }
}

export class ChunkedWeights {
  #source;
  #entry;
  #hasher;
  #onProgress;
  #recent = new Map(); // index -> bytes
  #spare = []; // buffers to reuse, because garbage of this size stays for long
  #seen = new Set();
  #loaded = 0;

  /**
   * @param {import('./remote.js').RemoteFile | import('./remote.js').LocalFile} source
   * @param {{entry?: import('../store/entry.js').StoredModel|null, expected?: string[], hasher?: Hasher|null,
   *   onProgress?: (loaded: number) => void}} [options]
   *   `expected`: the sha256 of each chunk, if known; `entry`: null if nothing is to be stored
   */
  constructor(source, { entry = null, expected = [], hasher = null, onProgress = () => {} } = {}) {
    this.#source = source;
    this.#entry = entry;
    this.#hasher = hasher;
    this.#onProgress = onProgress;
    this.size = source.size;
    this.hashes = [...expected];
    this.expected = expected;
    this.count = Math.ceil(this.size / CHUNK);
  }

  /** True once the store has the whole file. */
  get kept() {
    return this.#entry !== null && this.hashes.filter(Boolean).length === this.count;
  }

  async *read(begin, end) {
    for (let i = Math.floor(begin / CHUNK); i * CHUNK < end; i++) {
      const bytes = await this.#chunk(i, end);
      yield bytes.subarray(Math.max(0, begin - i * CHUNK), Math.min(bytes.length, end - i * CHUNK));
    }
  }

  /** Returns the sha256 of the whole file. Reads the chunks that were not read in order. */
  async finishHash() {
    while (this.#hasher.next < this.count) await this.#chunk(this.#hasher.next, this.size);
    return this.#hasher.finish();
  }

  async #chunk(index, end) {
    this.#forget(index - 1); // a reader that has moved on does not need it
    const there = this.#recent.get(index);
    const bytes = there ?? this.#space(index);
    const fetched = !there && !(await this.#fill(index, bytes));
    if (fetched) await this.#fetch(index, bytes, end);
    const checked = fetched && this.#check(index, bytes); // another thread computes the chunk's hash while this one hashes the whole file
    if (this.#hasher?.next === index) this.#hasher.add(bytes);
    await checked;
    this.#remember(index, bytes);
    return bytes;
  }

  #space(index) {
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(CHUNK), 0, Math.min(CHUNK, this.size - index * CHUNK));
  }

  #remember(index, bytes) {
    this.#recent.delete(index);
    this.#recent.set(index, bytes);
    if (this.#recent.size > KEPT) this.#forget(this.#recent.keys().next().value);
    if (!this.#seen.has(index)) {
      this.#seen.add(index);
      this.#loaded += bytes.length;
    }
    this.#onProgress(this.#loaded);
  }

  #forget(index) {
    if (!this.#recent.has(index)) return;
    this.#spare.push(this.#recent.get(index).buffer);
    this.#recent.delete(index);
  }

  /** Returns the chunk from the store if it is intact there. */
  async #fill(index, bytes) {
    const sha = await this.#entry?.chunk('w', index, bytes);
    if (!sha || (this.expected[index] ?? sha) !== sha) return false;
    this.hashes[index] = sha;
    return true;
  }

  async #fetch(index, buffer, end) {
    let filled = (await this.#entry?.beginning(index, buffer)) ?? 0;
    if (filled === buffer.length) filled = 0;
    const first = filled;
    // The first bytes tell the container. Only a safetensors file continues from there.
    const until = index === 0 && !/\.safetensors(\?|$)/.test(this.#source.url) ? CHUNK : Math.ceil(end / CHUNK) * CHUNK;
    try {
      await this.#source.read(index * CHUNK, buffer, filled, Math.min(until, this.size), (bytes) => {
        filled = bytes;
        if (!this.#seen.has(index)) this.#onProgress(this.#loaded + filled);
      });
    } catch (error) {
      if (filled > first) await this.#keep(() => this.#entry.putBeginning(index, buffer.subarray(0, filled)));
      throw error;
    }
  }

  async #check(index, bytes) {
    if (!this.#entry && this.expected[index] === undefined) return;
    const sha = await sha256(bytes);
    if (this.expected[index] !== undefined && this.expected[index] !== sha) {
      throw Object.assign(
        new SeddError('content', `${this.#source.url} is not the file that was stored.`, { url: this.#source.url }),
        { changed: true },
      );
    }
    this.hashes[index] = sha;
    await this.#keep(() => this.#entry.putChunk('w', index, bytes, sha));
  }

  /** Stores a chunk. Without room for it, loading continues without the store. */
  async #keep(write) {
    if (!this.#entry) return;
    try {
      await write();
    } catch {
      const entry = this.#entry;
      this.#entry = null;
      await entry.drop().catch(() => {});
    }
  }
}

/** The chunks of a complete set in the store. A damaged chunk throws, because the set then has to be loaded again. */
export class StoredWeights {
  #entry;
  #set;
  #onProgress;
  #space = new Uint8Array(CHUNK);

  constructor(entry, { set, size, hashes }, onProgress) {
    Object.assign(this, { size, hashes });
    this.#entry = entry;
    this.#set = set;
    this.#onProgress = onProgress;
  }

  async *read(begin, end) {
    for (let i = Math.floor(begin / CHUNK); i * CHUNK < end && i < this.hashes.length; i++) {
      const bytes = this.#space.subarray(0, Math.min(CHUNK, this.size - i * CHUNK));
      if ((await this.#entry.chunk(this.#set, i, bytes)) !== this.hashes[i]) {
        throw damagedError();
      }
      yield bytes.subarray(Math.max(0, begin - i * CHUNK), Math.min(bytes.length, end - i * CHUNK));
      this.#onProgress(Math.min((i + 1) * CHUNK, this.size));
    }
  }
}
