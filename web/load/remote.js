/**
 * Reads large files by ranges. A connection to a server that is cut resumes at the byte where it stopped. Blobs
 * have the same interface.
 */
import { SeddError } from '../errors.js';
import { ask, passing, refuseOther } from './requests.js';

// Bytes of one request. While a page computes, a browser reads ahead without limit. What it has read fills memory
// and is lost when the connection breaks.
const WINDOW = 16 << 20;
const PIECE = 256 << 10; // most bytes of one read

/** Returns the error for a file that has changed, after which the load starts again. */
export const changedError = (url) =>
  Object.assign(
    new SeddError('content', `${url} changed on the server while it was being downloaded.`, {
      hint: 'Load it again; what had arrived was put away.',
      url,
    }),
    { changed: true },
  );

/**
 * Reads the bytes of a response into one reused buffer, if the browser supports that. Otherwise the browser
 * allocates an array for each read, and up to 60 MB of garbage accumulate. The result of `read` is valid until the next call.
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
/** Returns the length of the whole file by the headers of a response, or 0 if they do not tell it. The length of compressed data does not count. */
function lengthOf({ status, headers }) {
  if (status === 206) return numberOf(/\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
  return headers.get('content-encoding') ? 0 : numberOf(headers.get('content-length'));
}
const strong = (etag) => (etag && !etag.startsWith('W/') ? etag : '');

/**
 * A file that is read piece by piece. `size`, `etag` and `modified` are given or known after the first bytes. If the
 * server later reports other values, the file has changed (changedError).
 */
export class RemoteFile {
  #retryPolicy;
  #stream = null; // {body, place, end, rest}: the response that is being read
  #cache;
  #ranges = true; // false once the server has sent the whole file for a range

  /**
   * @param {string} url
   * @param {{retryPolicy: import('./requests.js').RetryPolicy, known?: {size?: number, etag?: string, modified?: string}, stored?: boolean}} options
   *   `stored`: the caller stores the bytes, so they bypass the browser's cache
   */
  constructor(url, { retryPolicy, known = {}, stored = false }) {
    const { size = 0, etag = '', modified = '' } = known;
    Object.assign(this, { url, size, etag, modified, sha256: '' });
    this.fetched = 0;
    this.#retryPolicy = retryPolicy.fresh();
    this.#cache = stored ? 'no-store' : 'default';
  }

  /** Takes size and version of the file from the first response, and checks that later ones agree. */
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

  /** Returns the header If-Range for files of the same origin. Across origins it needs a permission of its own, so only the ETag of the response is compared. */
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
          throw new SeddError('content', `${this.url} answered with other bytes than those requested.`, {
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

  /** Returns the next bytes of the stream, or null at the end of the requested range. */
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
   * Fills `buffer`, which already has `filled` bytes, with the file's bytes from `begin` on. `end` is the place up to
   * which the caller will read.
   * @param {(filled: number) => void} onBytes
   */
  async read(begin, buffer, filled, end, onBytes) {
    while (filled < buffer.length) {
      try {
        const place = begin + filled;
        // A server without ranges sends the file from its beginning; the bytes before `begin` are skipped.
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
   * Asks the server for size and version of the file, and throws changedError if they are not the known ones. It sends HEAD with
   * a range, for which browsers accept no compression, because the length of compressed data is useless. If that fails (a signed
   * address may allow GET only) or may have reached a web page, it sends GET. A server of another site may hide Content-Range;
   * a plain HEAD then still gives the length.
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
      await this.#next(); // throws for a web page
    } finally {
      this.close();
      this.fetched = 0;
    }
  }

  /** Returns true if the response to HEAD may belong to a web page, or null without a usable response. */
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

/** A Blob with the interface of RemoteFile. */
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
