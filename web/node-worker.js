/**
 * Runs worker.js in a thread of Node, with the interface of a browser's Worker. In the thread, `fetch` also reads file:
 * addresses, with ranges, as from a server.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker as Thread, isMainThread, parentPort, workerData } from 'node:worker_threads';

export class NodeWorker {
  /** @type {((event: {data: any}) => void) | null} */ onmessage = null;
  /** @type {((event: {message: string}) => void) | null} */ onerror = null;
  onmessageerror = null;

  /** @param {{setup?: string | null}} [options] `setup`: address of a module that the thread imports first */
  constructor({ setup = null } = {}) {
    this.thread = new Thread(new URL(import.meta.url), { workerData: { seddWeb: true, setup } });
    this.thread.on('message', (data) => this.onmessage?.({ data }));
    this.thread.on('error', (error) => this.onerror?.({ message: error.message }));
  }

  /** @param {unknown} data */
  postMessage(data) {
    this.thread.postMessage(data);
  }

  terminate() {
    return this.thread.terminate();
  }
}

/** Answers a request for a file as a server would. @param {URL} url @param {RequestInit} init */
async function fetchFile(url, { method = 'GET', headers, signal } = {}) {
  signal?.throwIfAborted();
  const file = fileURLToPath(url);
  const { size, mtime } = await stat(file).then(
    (found) => (found.isFile() ? found : { size: -1, mtime: new Date(0) }),
    () => ({ size: -1, mtime: new Date(0) }),
  );
  if (size < 0) return new Response(null, { status: 404, statusText: 'Not Found' });
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(new Headers(headers).get('range') ?? '') ?? [];
  const [start, end] = from ? [Number(from), Math.min(to ? Number(to) : Infinity, size - 1)] : [0, size - 1];
  const answer = { 'accept-ranges': 'bytes', 'last-modified': mtime.toUTCString() };
  if (from && start >= size) return new Response(null, { status: 416, headers: answer });
  if (from) answer['content-range'] = `bytes ${start}-${end}/${size}`;
  answer['content-length'] = String(end - start + 1);
  const body = method === 'HEAD' || size === 0 ? null : Readable.toWeb(createReadStream(file, { start, end, signal }));
  return new Response(/** @type {any} */ (body), { status: from ? 206 : 200, headers: answer });
}

/** Gives the thread the globals of a browser's worker and starts the worker. @param {string | null} setup */
async function start(setup) {
  const scope = /** @type {any} */ (globalThis);
  const { fetch } = scope;
  scope.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    return url.protocol === 'file:' ? fetchFile(url, init) : fetch(input, init);
  };
  // Node reads up to 1,000 messages from one port before it looks at another, which browsers do not.
  scope.MessageChannel = class {
    port1 = { onmessage: null };
    port2 = { postMessage: () => setImmediate(() => this.port1.onmessage()) };
  };
  const waiting = [];
  let listener = null;
  scope.postMessage = (data) => parentPort.postMessage(data);
  scope.addEventListener = (_, added) => {
    listener = added;
    for (const data of waiting) added({ data });
  };
  parentPort.on('message', (data) => (listener ? listener({ data }) : waiting.push(data)));
  if (setup) await import(setup);
  await import('./worker.js');
}

if (!isMainThread && workerData?.seddWeb) await start(workerData.setup);
