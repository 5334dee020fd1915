/**
 * Files on servers: whole small ones, and large ones read by ranges. Every way in which a server fails
 * to give the file is told apart and said in one sentence; what may pass (a cut connection, a busy
 * server) is tried again after a while, from the byte where it stopped.
 */
import { SeddError, abortError } from './errors.js';

// Bytes a request asks for: a browser reads ahead of a page that computes, without limit, and what it has
// read is in memory, and lost when the connection breaks.
const WINDOW = 16 << 20;
const WAIT_MAX = 60; // seconds a server may ask us to wait before we give up
const LIMITS = { 'config.json': 1 << 20, 'tokenizer.json': 64 << 20, 'vocab.json': 64 << 20, 'merges.txt': 64 << 20 };

/** An error that may pass: `after` seconds, where the server said so. */
const passing = (error, after) => Object.assign(error, { retry: true, after });

/** A file that is not the one it was; whoever loads begins again. */
export const changedError = (url) => Object.assign(new SeddError('content', `${url} changed on the server while it was being downloaded.`, {
  hint: 'Load it again; what had arrived was put away.', url }), { changed: true });

/* ---- What servers say ---- */

const STATUS = {
  401: ['asks who you are (401): it is private, or there is no such model', 'Check the name; a private model has to be downloaded by hand and dropped on the page.'],
  403: ['refuses (403): it is not open to everybody', 'Accept its terms where it is published, download it there and drop the files on the page.'],
  404: ['is not there (404)', 'Check the address; a model is config.json, its weights (model.safetensors or pytorch_model.bin) and a tokenizer.'],
  416: ['is shorter than expected (416)', 'It may have been replaced; load it again.'],
  429: ['is asked too often (429)', 'Wait a while and load it again; what has arrived is kept.'],
};

/** Seconds of a Retry-After header, which may be a date. */
function retryAfter(response) {
  const value = response.headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function statusError(url, response) {
  const { status } = response;
  const [said, hint] = STATUS[status] ?? [`answered ${status} ${response.statusText}`.trim(), 'Try again later.'];
  const error = Object.assign(new SeddError('network', `${url} ${said}.`, { hint, url }), { status });
  if (status !== 429 && status !== 408 && status < 500) return error;
  const after = retryAfter(response);
  if (after > WAIT_MAX) error.message = `${url} ${said} and asks to wait ${Math.ceil(after)} seconds.`;
  return passing(error, after);
}

/* ---- Why there was no answer ---- */

const blocked = new Set(); // origins the page's policy has refused
globalThis.addEventListener?.('securitypolicyviolation', (event) => {
  if (URL.canParse?.(event.blockedURI)) blocked.add(new URL(event.blockedURI).origin);
});

const answers = (url, init) => fetch(url, init).then(() => true, () => false);

/** The browser says "failed" for everything; a second look tells a missing permission from a dead line. */
async function explain(url, cause, signal) {
  const { origin } = new URL(url);
  const error = (message, hint) => new SeddError('network', message, { hint, url, cause });
  if (signal?.aborted) return abortError();
  if (globalThis.navigator?.onLine === false) return error(`${url} cannot be fetched: this device is offline.`, 'Models that were loaded before work offline.');
  if (origin !== globalThis.location?.origin) {
    await new Promise((resolve) => { setTimeout(resolve); }); // a policy violation is reported after the failure
    if (blocked.has(origin)) {
      return error(`This page's content security policy does not let it fetch from ${origin}.`, `Add ${origin} to connect-src, or serve the model beside the page.`);
    }
    const there = await answers(url, { method: 'HEAD', mode: 'no-cors', signal });
    if (there && !await answers(url, { method: 'HEAD', signal })) {
      return error(`${url} does not let pages of other sites read it (CORS).`, 'Its server must send Access-Control-Allow-Origin; or download the files and drop them on the page.');
    }
  }
  return passing(error(`${url} could not be fetched: ${cause.message}`, 'Check the connection; what has arrived is kept.'));
}

/** How often, and how long, a failure is waited out. Bytes that arrive make it patient again. */
export class Patience {
  #used = 0;

  /** @param {{retries?: number, signal?: AbortSignal, onWait?: (seconds: number) => void}} [options] */
  constructor({ retries = 4, signal, onWait = () => {} } = {}) {
    Object.assign(this, { retries, signal, onWait });
  }

  reset() { this.#used = 0; }

  /** Waits before another try, or throws the error when there shall be none. */
  async wait(error) {
    const seconds = error.after ?? 0.5 * 2 ** this.#used;
    if (!error.retry || this.#used++ >= this.retries || seconds > WAIT_MAX) throw error;
    this.onWait(seconds);
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      this.signal?.addEventListener('abort', () => { clearTimeout(timer); reject(abortError()); }, { once: true });
    });
  }
}

/** One request, a bad status included among the failures. */
async function ask(url, init, signal) {
  let response;
  try {
    response = await fetch(url, { ...init, signal });
  } catch (cause) {
    throw cause.name === 'AbortError' ? cause : await explain(url, cause, signal);
  }
  if (response.ok) return response;
  response.body?.cancel().catch(() => {});
  throw statusError(url, response);
}

/* ---- Content ---- */

/** Refuses what is plainly another thing than a file of a model. */
export function refuseOther(bytes, name, url = '') {
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart().toLowerCase();
  if (start.startsWith('<!doctype') || start.startsWith('<html')) {
    throw new SeddError('content', `${name} is a web page, not the file that was asked for.`, { hint: 'The address may lead to a login or an error page.', url });
  }
  if (start.startsWith('version https://git-lfs')) {
    throw new SeddError('content', `${name} is a Git LFS pointer, not the file itself.`, { hint: 'Fetch the large file with "git lfs pull", or use its download address.', url });
  }
}

/** A small file as a whole. @param {string} url @param {Patience} patience @returns {Promise<Uint8Array>} */
export async function fetchWhole(url, patience) {
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1));
  const limit = LIMITS[name] ?? 64 << 20;
  for (;;) {
    try {
      const response = await ask(url, {}, patience.signal);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length > limit) throw new SeddError('content', `${url} has ${bytes.length} bytes; at most ${limit} are expected.`, { url });
      refuseOther(bytes, url, url);
      return bytes;
    } catch (error) {
      await patience.wait(error instanceof TypeError ? passing(new SeddError('network', `${url} was cut off.`, { url, cause: error })) : error);
    }
  }
}

/* ---- Large files ---- */

const PIECE = 256 << 10; // bytes a read gives at most

/**
 * The bytes of an answer, into one buffer that is used again and again where the browser can: the arrays it makes
 * otherwise are garbage, which it lets grow to some 60 MB. What `read` gives is valid until it is called again.
 */
class Body {
  #reader;
  /** @type {ArrayBuffer | null} */ #buffer = null;

  constructor(stream) {
    try {
      this.#reader = stream.getReader({ mode: 'byob' });
      this.#buffer = new ArrayBuffer(PIECE);
    } catch { // WebKit
      this.#reader = stream.getReader();
    }
  }

  async read() {
    if (!this.#buffer) return this.#reader.read();
    const answer = await this.#reader.read(new Uint8Array(this.#buffer));
    this.#buffer = answer.value?.buffer;
    return answer;
  }

  cancel() { this.#reader.cancel().catch(() => {}); }
}

const numberOf = (text) => (/^\d+$/.test(text ?? '') ? Number(text) : 0);
const strong = (etag) => (etag && !etag.startsWith('W/') ? etag : '');

/**
 * A file that is read piece by piece. `size`, `etag` and `modified` are known after the first bytes, or
 * from before; a server that then says otherwise has another file (changedError).
 */
export class RemoteFile {
  #patience;
  #stream = null; // {body, place, end, rest}: the answer that is being read
  #cache;
  #ranges = true; // until an answer was the whole file

  /**
   * @param {string} url
   * @param {{patience: Patience, known?: {size?: number, etag?: string, modified?: string}, stored?: boolean}} options
   *   `stored`: the caller keeps the bytes, so the browser's own cache need not
   */
  constructor(url, { patience, known = {}, stored = false }) {
    const { size = 0, etag = '', modified = '' } = known;
    Object.assign(this, { url, size, etag, modified, sha256: '' });
    this.fetched = 0;
    this.#patience = patience;
    this.#cache = stored ? 'no-store' : 'default';
  }

  /** The first answer decides which file this is; later ones must agree. */
  #recognise(response, total) {
    const etag = strong(response.headers.get('etag') ?? '');
    const modified = response.headers.get('last-modified') ?? '';
    const other = (this.etag && etag ? this.etag !== etag : this.modified && modified && this.modified !== modified);
    if (other || (this.size && total && this.size !== total)) throw changedError(this.url);
    this.etag ||= etag;
    this.modified ||= modified;
    this.size ||= total;
    this.sha256 ||= /^"?([0-9a-f]{64})"?$/.exec(response.headers.get('x-linked-etag') ?? '')?.[1] ?? '';
  }

  /** Cross-origin, If-Range would need a permission of its own: there the answer's ETag is compared alone. */
  #headers(place, end) {
    const headers = { Range: `bytes=${place}-${end - 1}` };
    const validator = this.etag || this.modified;
    if (validator && new URL(this.url).origin === globalThis.location?.origin) headers['If-Range'] = validator;
    return headers;
  }

  async #open(place, until) {
    const end = Math.min(until, place + WINDOW);
    const response = await ask(this.url, { headers: this.#headers(place, end), cache: this.#cache }, this.#patience.signal);
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const length = numberOf(response.headers.get('content-length'));
    const body = new Body(response.body);
    try {
      if (response.status === 206) {
        if (range && Number(range[1]) !== place) throw new SeddError('content', `${this.url} answered with other bytes than were asked for.`, { url: this.url });
        this.#recognise(response, numberOf(range?.[3]));
        this.#stream = { body, place, end: Math.min(range ? Number(range[2]) + 1 : end, this.size || Infinity), rest: null };
      } else {
        this.#recognise(response, response.headers.get('content-encoding') ? 0 : length);
        this.#ranges = false;
        this.#stream = { body, place: 0, end: this.size || Infinity, rest: null };
      }
    } catch (error) {
      body.cancel();
      throw error;
    }
  }

  /** The next bytes of the stream, or null at the end of what was asked for. */
  async #next() {
    const stream = this.#stream;
    if (stream.rest) return stream.rest;
    let answer;
    try {
      answer = await stream.body.read();
    } catch (cause) {
      if (cause.name === 'AbortError') throw cause;
      answer = { done: true };
    }
    if (!answer.done) {
      this.fetched += answer.value.length;
      if (stream.place === 0) refuseOther(answer.value, this.url, this.url);
      return answer.value;
    }
    if (stream.place >= stream.end) return null;
    throw passing(new SeddError('network', `The connection was cut at byte ${stream.place} of ${this.size}: ${this.url}`, {
      hint: 'Load it again: it goes on where it stopped.', url: this.url }));
  }

  /**
   * Fills `buffer`, of which `filled` bytes are there, with the file's bytes from `begin` on; `end` says
   * how far the caller means to read.
   * @param {(filled: number) => void} onBytes
   */
  async read(begin, buffer, filled, end, onBytes) {
    while (filled < buffer.length) {
      try {
        const place = begin + filled;
        // A server that knows no ranges streams from the beginning; what lies before is passed over.
        if (!this.#stream || this.#stream.place > place || (this.#stream.place < place && this.#ranges)) {
          this.close();
          await this.#open(place, end);
        }
        const bytes = await this.#next();
        if (!bytes) {
          this.close();
          continue;
        }
        const stream = this.#stream;
        const skip = Math.min(place - stream.place, bytes.length);
        const part = bytes.subarray(skip, skip + buffer.length - filled);
        buffer.set(part, filled);
        filled += part.length;
        const used = skip + part.length;
        stream.rest = used < bytes.length ? bytes.subarray(used) : null;
        stream.place += used;
        this.#patience.reset();
        onBytes(filled);
      } catch (error) {
        this.close();
        await this.#patience.wait(error);
      }
    }
  }

  /** Asks how long the file is and which; throws changedError where it is not the one that is known. */
  async look() {
    for (;;) {
      try {
        const response = await ask(this.url, { method: 'HEAD', cache: 'no-cache' }, this.#patience.signal);
        this.#recognise(response, response.headers.get('content-encoding') ? 0 : numberOf(response.headers.get('content-length')));
        break;
      } catch (error) {
        if (error.status === 405 || error.status === 501) break; // no HEAD here
        await this.#patience.wait(error);
      }
    }
    if (this.size) return;
    await this.#open(0, 1);
    this.close();
    if (!this.size) throw new SeddError('content', `${this.url} does not say how long it is (Content-Length).`, { hint: 'Serve the file as it is, without compressing it on the way.', url: this.url });
  }

  close() {
    this.#stream?.body.cancel();
    this.#stream = null;
  }
}

/** A Blob behind the same calls. */
export class LocalFile {
  constructor(blob) {
    Object.assign(this, { url: '', etag: '', modified: '', size: blob.size, fetched: 0, blob });
  }

  async read(begin, buffer, filled, end, onBytes) {
    const bytes = new Uint8Array(await this.blob.slice(begin + filled, begin + buffer.length).arrayBuffer());
    if (begin + filled === 0) refuseOther(bytes, this.blob.name ?? 'model.safetensors');
    buffer.set(bytes, filled);
    onBytes(buffer.length);
  }

  async look() {}

  close() {}
}
