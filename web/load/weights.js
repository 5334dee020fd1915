/**
 * A file of weights as feed.js wants it: any ranges of a file of known size. It is taken chunk by chunk,
 * from the store where it is there and sound, else from its source, and put into the store on the way.
 * One chunk is in memory at a time, and the few that a torch file is read from twice.
 */
import { SeddError } from '../errors.js';
import { CHUNK, damagedError, hexOf, sha256 } from '../store/entry.js';

const KEPT = 3; // chunks: a torch file's first and last ones are needed again
const PIECE = 64 << 10; // bytes that are hashed at once: they stay in the processor's nearest memory

/** Hashes the file from front to back while it is read, in wasm: a browser's digest wants it at once. */
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

  /** Number of the chunk that is due. */
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
  #spare = []; // buffers to use again: garbage of this size would stay for long
  #seen = new Set();
  #loaded = 0;

  /**
   * @param {import('./remote.js').RemoteFile | import('./remote.js').LocalFile} source
   * @param {{entry?: import('../store/entry.js').StoredModel|null, expected?: string[], hasher?: Hasher|null,
   *   onProgress?: (loaded: number) => void}} [options]
   *   `expected`: the sha256 of each chunk, where it is known; `entry`: null when nothing shall be kept
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

  /** Whether the store has the whole file now. */
  get kept() {
    return this.#entry !== null && this.hashes.filter(Boolean).length === this.count;
  }

  async *read(begin, end) {
    for (let i = Math.floor(begin / CHUNK); i * CHUNK < end; i++) {
      const bytes = await this.#chunk(i, end);
      yield bytes.subarray(Math.max(0, begin - i * CHUNK), Math.min(bytes.length, end - i * CHUNK));
    }
  }

  /** The sha256 of the whole file; reads what was not read in order. */
  async finishHash() {
    while (this.#hasher.next < this.count) await this.#chunk(this.#hasher.next, this.size);
    return this.#hasher.finish();
  }

  async #chunk(index, end) {
    this.#forget(index - 1); // whoever reads on is done with it
    const there = this.#recent.get(index);
    const bytes = there ?? this.#space(index);
    const fetched = !there && !(await this.#fill(index, bytes));
    if (fetched) await this.#fetch(index, bytes, end);
    const checked = fetched && this.#check(index, bytes); // its hash is made by another thread, the whole file's by this one
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

  /** From the store, if it is there and sound. */
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
    // Which container it is shows in the first bytes: only a safetensors file goes on from there.
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

  /** Stores; where there is no room, loading goes on without. */
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

/** The chunks of a complete set in the store. A bad one throws: what the set was made of has to be loaded again. */
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
