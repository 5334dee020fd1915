/**
 * Requests files from servers. Each way in which a server fails has its own sentence. Temporary failures (a cut
 * connection, a busy server) are retried after a wait.
 */
import { SeddError, abortError } from '../errors.js';

const WAIT_MAX = 60; // longest wait in seconds that a server may ask for
const LARGEST = 64 << 20; // bytes of the largest small file; config.json is much smaller

/** Marks an error as temporary. `after` is the wait in seconds that the server asked for. */
export const passing = (error, after) => Object.assign(error, { retry: true, after });

/* ---- Responses ---- */

const STATUS = {
  401: [
    'asks who you are (401): it is private, or there is no such model',
    'Check the name; a private model has to be downloaded by hand and dropped on the page.',
  ],
  403: [
    'refuses (403): it is not open to everybody',
    'Accept its terms where it is published, download it there and drop the files on the page.',
  ],
  404: [
    'is not there (404)',
    'Check the address; a model is config.json, its weights (model.safetensors or pytorch_model.bin) and a tokenizer.',
  ],
  416: ['is shorter than expected (416)', 'It may have been replaced; load it again.'],
  429: ['is asked too often (429)', 'Wait a while and load it again; what has arrived is kept.'],
};

/** Returns the seconds of a Retry-After header, which may be a date. */
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

const blocked = new Set(); // origins that the page's content security policy has blocked
globalThis.addEventListener?.('securitypolicyviolation', (event) => {
  if (URL.canParse?.(event.blockedURI)) blocked.add(new URL(event.blockedURI).origin);
});

/** Returns true if a GET of one byte succeeds. Some servers refuse HEAD but not GET. */
async function answers(url, init) {
  const limit = new AbortController();
  try {
    await fetch(url, { ...init, headers: { Range: 'bytes=0-0' }, signal: limit.signal });
    return true;
  } catch {
    return false;
  } finally {
    limit.abort(); // stops the rest of a file from a server without ranges
  }
}

/** Finds the cause of a failed request. A browser reports "failed" for all of them; a second request distinguishes a missing CORS permission from a broken connection. */
async function explain(url, cause, signal) {
  const { origin } = new URL(url);
  const error = (message, hint) => new SeddError('network', message, { hint, url, cause });
  if (signal?.aborted) return abortError();
  if (globalThis.navigator?.onLine === false)
    return error(`${url} cannot be fetched: this device is offline.`, 'Models that were loaded before work offline.');
  if (origin !== globalThis.location?.origin) {
    await new Promise((resolve) => {
      setTimeout(resolve);
    }); // the browser reports a violation of the policy after the failure
    if (blocked.has(origin)) {
      return error(
        `This page's content security policy does not let it fetch from ${origin}.`,
        `Add ${origin} to connect-src, or serve the model beside the page.`,
      );
    }
    if ((await answers(url, { mode: 'no-cors' })) && !(await answers(url, {}))) {
      return error(
        `${url} does not let pages of other sites read it (CORS).`,
        'Its server must send Access-Control-Allow-Origin; or download the files and drop them on the page.',
      );
    }
  }
  return passing(
    error(`${url} could not be fetched: ${cause.message}`, 'Check the connection; what has arrived is kept.'),
  );
}

/** Decides how often a request is repeated, and after which wait. Arriving bytes restore the full number of tries. */
export class RetryPolicy {
  #used = 0;

  /** @param {{retries?: number, signal?: AbortSignal, onWait?: (seconds: number) => void}} [options] */
  constructor({ retries = 4, signal, onWait = () => {} } = {}) {
    this.retries = retries;
    this.signal = signal;
    this.onWait = onWait;
  }

  /** Returns the policy of another request, with its own count. */
  fresh() {
    return new RetryPolicy(this);
  }

  /** Repeats `work` until it succeeds or fails permanently. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  async run(work) {
    for (const policy = this.fresh(); ; ) {
      try {
        return await work();
      } catch (error) {
        await policy.wait(error);
      }
    }
  }

  reset() {
    this.#used = 0;
  }

  /** Waits before the next try, or throws the error if there is none left. */
  async wait(error) {
    const seconds = error.after ?? 0.5 * 2 ** this.#used;
    if (!error.retry || this.#used++ >= this.retries || seconds > WAIT_MAX) throw error;
    this.onWait(seconds);
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      this.signal?.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          reject(abortError());
        },
        { once: true },
      );
    });
  }
}

/** Sends a request. Every status except 2xx is an error. If a redirect led to an expired address, the request is sent once more. */
export async function ask(url, init, signal) {
  let response;
  try {
    response = await fetch(url, { ...init, signal });
    if (response.status === 403 && response.redirected && init.method !== 'HEAD') {
      response.body?.cancel().catch(() => {});
      response = await fetch(url, { ...init, cache: 'reload', signal });
    }
  } catch (cause) {
    throw cause.name === 'AbortError' ? cause : await explain(url, cause, signal);
  }
  if (response.ok) return response;
  response.body?.cancel().catch(() => {});
  throw statusError(url, response);
}

/** Returns null for an error that means that the file does not exist, however the server says so. Throws other errors. */
export function absent(error) {
  if (error.retry || !(error.status < 500 || error.page)) throw error;
  return null;
}

/* ---- Content ---- */

/** Throws if the bytes are a web page or a Git LFS pointer instead of a file of a model. */
export function refuseOther(bytes, name, url = '') {
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart().toLowerCase();
  if (/^<(!doctype|!--|\?xml|html|head|body|title|meta|script)/.test(start)) {
    const error = new SeddError('content', `${name} is a web page, not the requested file.`, {
      hint: 'The address may lead to a login or an error page.',
      url,
    });
    throw Object.assign(error, { page: true });
  }
  if (start.startsWith('version https://git-lfs')) {
    throw new SeddError('content', `${name} is a Git LFS pointer, not the file itself.`, {
      hint: 'Fetch the large file with "git lfs pull", or use its download address.',
      url,
    });
  }
}

/** Fetches a small file as a whole. @param {string} url @param {RetryPolicy} retryPolicy @returns {Promise<Uint8Array>} */
export function fetchWhole(url, retryPolicy) {
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1));
  const limit = name === 'config.json' ? 1 << 20 : LARGEST;
  return retryPolicy.run(async () => {
    const response = await ask(url, {}, retryPolicy.signal);
    const bytes = await response.arrayBuffer().then(
      (buffer) => new Uint8Array(buffer),
      (cause) => {
        throw cause.name === 'AbortError'
          ? cause
          : passing(new SeddError('network', `${url} was cut off.`, { url, cause }));
      },
    );
    if (bytes.length > limit)
      throw new SeddError('content', `${url} has ${bytes.length} bytes; at most ${limit} are expected.`, { url });
    refuseOther(bytes, url, url);
    return bytes;
  });
}
