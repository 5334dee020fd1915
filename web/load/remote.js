/**
 * Large files, read by ranges: on servers, where a cut connection is mended from the byte where it stopped,
 * and Blobs behind the same calls.
 */
import { SeddError } from '../errors.js';
import { ask, passing, refuseOther } from './requests.js';

// Bytes a request asks for: a browser reads ahead of a page that computes, without limit, and what it has
// read is in memory, and lost when the connection breaks.
const WINDOW = 16 << 20;
const PIECE = 256 << 10; // bytes a read gives at most

/** A file that is not the one it was; whoever loads begins again. */
export const changedError = (url) =>
  Object.assign(
    new SeddError('content', `${url} changed on the server while it was being downloaded.`, {
      hint: 'Load it again; what had arrived was put away.',
      url,
    }),
    { changed: true },
  );

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
    } catch {
      // WebKit
      this.#reader = stream.getReader();
    }
  }

  async read() {
    if (!this.#buffer) return this.#reader.read();
    const answer = await this.#reader.read(new Uint8Array(this.#buffer));
    this.#buffer = answer.value?.buffer;
    return answer;
  }

  cancel() {
    this.#reader.cancel().catch(() => {});
  }
}

const numberOf = (text) => (/^\d+$/.test(text ?? '') ? Number(text) : 0);
/** Returns the length of the whole file that an answer tells, 0 where it tells none; a compressed length is none. */
function lengthOf({ status, headers }) {
  if (status === 206) return numberOf(/\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
  return headers.get('content-encoding') ? 0 : numberOf(headers.get('content-length'));
}
const strong = (etag) => (etag && !etag.startsWith('W/') ? etag : '');

/**
 * A file that is read piece by piece. `size`, `etag` and `modified` are known after the first bytes, or
 * from before; a server that then says otherwise has another file (changedError).
 */
export class RemoteFile {
  #retryPolicy;
  #stream = null; // {body, place, end, rest}: the answer that is being read
  #cache;
  #ranges = true; // until an answer was the whole file

  /**
   * @param {string} url
   * @param {{retryPolicy: import('./requests.js').RetryPolicy, known?: {size?: number, etag?: string, modified?: string}, stored?: boolean}} options
   *   `stored`: the caller keeps the bytes, so the browser's own cache need not
   */
  constructor(url, { retryPolicy, known = {}, stored = false }) {
    const { size = 0, etag = '', modified = '' } = known;
    Object.assign(this, { url, size, etag, modified, sha256: '' });
    this.fetched = 0;
    this.#retryPolicy = retryPolicy.fresh();
    this.#cache = stored ? 'no-store' : 'default';
  }

  /** The first answer decides which file this is; later ones must agree. */
  #recognise(response, total) {
    const etag = strong(response.headers.get('etag') ?? '');
    const modified = response.headers.get('last-modified') ?? '';
    const other = this.etag && etag ? this.etag !== etag : this.modified && modified && this.modified !== modified;
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
    const response = await ask(
      this.url,
      { headers: this.#headers(place, end), cache: this.#cache },
      this.#retryPolicy.signal,
    );
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const body = new Body(response.body);
    try {
      if (response.status === 206) {
        if (range && Number(range[1]) !== place)
          throw new SeddError('content', `${this.url} answered with other bytes than were asked for.`, {
            url: this.url,
          });
        this.#recognise(response, lengthOf(response));
        this.#stream = {
          body,
          place,
          end: Math.min(range ? Number(range[2]) + 1 : end, this.size || Infinity),
          rest: null,
        };
      } else {
        this.#recognise(response, lengthOf(response));
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
    throw passing(
      new SeddError('network', `The connection was cut at byte ${stream.place} of ${this.size}: ${this.url}`, {
        hint: 'Load it again: it goes on where it stopped.',
        url: this.url,
      }),
    );
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
        // A server that knows no ranges streams from the beginning; what lies before is skipped.
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
        this.#retryPolicy.reset();
        onBytes(filled);
      } catch (error) {
        this.close();
        await this.#retryPolicy.wait(error);
      }
    }
  }

  /**
   * Asks how long the file is and which; throws changedError where it is not the one that is known. By HEAD with a range:
   * browsers then ask for the file as it is, and a compressed length is no length. Where that fails (a signed address may be
   * for GET alone), or may be a web page's answer, by GET. A server of another site that lets a page read no Content-Range
   * still gives its length to a plain HEAD.
   */
  async look() {
    const page = await this.#retryPolicy.run(() => this.#head({ Range: 'bytes=0-0' }));
    if (this.size && page === false) return;
    await this.#retryPolicy.run(() => this.#firstBytes(page ? 64 : 1));
    if (!this.size) await this.#head({});
    if (!this.size)
      throw new SeddError('content', `${this.url} does not say how long it is (Content-Length).`, {
        hint: 'Serve the file as it is, without compressing it on the way.',
        url: this.url,
      });
  }

  async #firstBytes(count) {
    try {
      await this.#open(0, count);
      await this.#next(); // refuses a web page
    } finally {
      this.close();
      this.fetched = 0;
    }
  }

  /** Returns whether the answer to HEAD may be of a web page; null where there is no answer that counts. */
  async #head(headers) {
    let response;
    try {
      response = await ask(this.url, { method: 'HEAD', cache: 'no-cache', headers }, this.#retryPolicy.signal);
    } catch (error) {
      if (error.name === 'AbortError' || (error.retry && error.status !== 501)) throw error;
      return null;
    }
    this.#recognise(response, lengthOf(response));
    return /^$|html/.test(response.headers.get('content-type') ?? '');
  }

  close() {
    this.#stream?.body.cancel();
    this.#stream = null;
  }
}

/** A Blob behind the same calls. */
export class LocalFile {
  constructor(blob) {
    Object.assign(this, {
      url: '',
      etag: '',
      modified: '',
      size: blob.size,
      fetched: 0,
      blob,
      name: blob.name ?? 'model.safetensors',
    });
  }

  async read(begin, buffer, filled, end, onBytes) {
    const body = new Body(this.blob.slice(begin + filled, begin + buffer.length).stream());
    while (filled < buffer.length) {
      const { value } = await body.read().catch((cause) => {
        throw new SeddError('io', `${this.name} cannot be read: ${cause.message}`, {
          hint: 'It may have been moved or changed; choose it again.',
          cause,
        });
      });
      if (begin + filled === 0) refuseOther(value, this.name);
      buffer.set(value, filled);
      filled += value.length;
      onBytes(filled);
    }
  }

  async look() {}

  close() {}
}
