/**
 * Sends calls to one worker. An abort rejects the call at once. The worker drops a waiting call when its turn comes,
 * and stops a running one after the current evaluation, or within it if both share memory.
 */
import { SeddError, abortError, unpackError } from '../errors.js';
import { spawn, unloadedError } from '../spawn.js';

const GONE = 'Reload the page, or load the model again; the browser may have run out of memory.';

/**
 * @typedef {object} Call
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {(event: any) => void} onEvent
 * @property {() => void} cleanup
 */

export class Connection {
  /** @type {Worker} */ #worker;
  #next = 1;
  /** @type {Map<number, Call>} */ #calls = new Map();
  /** @type {unknown} */ #ended = null;
  /** @type {(device: import('../client.js').DeviceInfo) => void} */ onDevice = () => {};
  /** @type {Int32Array | null} flag of the worker's engine: 1 cancels its computation */ cancelFlag = null;

  /** @param {Worker} [worker] */
  constructor(worker) {
    this.#worker = worker ?? spawn();
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onmessageerror = () =>
      this.end(new SeddError('worker', 'A message from the worker could not be read.', { hint: GONE }));
    this.#worker.onerror = (event) => {
      event.preventDefault?.();
      this.end(
        event.message
          ? new SeddError('worker', `The worker stopped: ${event.message}.`, { hint: GONE })
          : unloadedError(),
      );
    };
  }

  #receive({ id, event, value, error, closed, device }) {
    if (device) this.onDevice(device);
    if (closed) this.end(new SeddError('worker', 'The worker was ended.', { hint: GONE }));
    const call = this.#calls.get(id);
    if (!call) return;
    if (event) call.onEvent(event);
    else if (error) this.#settle(id).reject(unpackError(error));
    else this.#settle(id).resolve(value);
  }

  #settle(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call.cleanup();
    return call;
  }

  /**
   * @param {string} method
   * @param {unknown[]} args
   * @param {{signal?: AbortSignal, onEvent?: (event: any) => void}} [options]
   * @returns {{result: Promise<any>, abort: () => void, hold: (paused: boolean) => void}}
   */
  call(method, args, { signal, onEvent = () => {} } = {}) {
    const refused = this.#ended ?? (signal?.aborted && abortError());
    if (refused) return { result: Promise.reject(refused), abort() {}, hold() {} };
    const id = this.#next++;
    const abort = () => {
      if (!this.#calls.has(id)) return;
      this.#worker.postMessage({ id, abort: true });
      const [first] = this.#calls.keys();
      if (this.cancelFlag && id === first) Atomics.store(this.cancelFlag, 0, 1);
      this.#settle(id).reject(abortError());
    };
    const result = new Promise((resolve, reject) => {
      signal?.addEventListener('abort', abort, { once: true });
      this.#calls.set(id, { resolve, reject, onEvent, cleanup: () => signal?.removeEventListener('abort', abort) });
    });
    try {
      this.#worker.postMessage({ id, method, args });
    } catch (cause) {
      this.#settle(id).reject(
        new SeddError('argument', `An option of ${method} cannot be sent to the worker: ${cause.message}.`, {
          hint: 'Give plain values.',
          cause,
        }),
      );
    }
    return {
      result,
      abort,
      hold: (hold) => {
        if (this.#calls.has(id)) this.#worker.postMessage({ id, hold });
      },
    };
  }

  /** Ends the worker after `grace` ms. All present and future calls reject with `error` at once. */
  end(
    error = /** @type {unknown} */ (
      new SeddError('disposed', 'This model has been disposed of.', { hint: 'Load it again.' })
    ),
    grace = 0,
  ) {
    if (this.#ended) return;
    this.#ended = error;
    if (grace > 0) setTimeout(() => this.#worker.terminate(), grace);
    else this.#worker.terminate();
    for (const { reject, cleanup } of this.#calls.values()) {
      cleanup();
      reject(error);
    }
    this.#calls.clear();
  }
}
