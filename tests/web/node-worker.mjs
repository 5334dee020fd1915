// worker.js in a Node thread, behind the interface of a browser's Worker.
import { Worker as Thread, isMainThread, parentPort } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

/** What client.js needs of a Worker. */
export class NodeWorker {
  constructor() {
    this.thread = new Thread(fileURLToPath(import.meta.url));
    this.thread.on('message', (data) => this.onmessage?.({ data }));
    this.thread.on('error', (error) => this.onerror?.({ message: error.message }));
  }

  postMessage(data) { this.thread.postMessage(data); }
  terminate() { return this.thread.terminate(); }
}

if (!isMainThread) {
  // Node reads up to 1,000 messages from one port before it looks at another, which browsers do not.
  globalThis.MessageChannel = class {
    port1 = { onmessage: null };
    port2 = { postMessage: () => setImmediate(() => this.port1.onmessage()) };
  };
  const waiting = [];
  let listener = null;
  globalThis.postMessage = (data) => parentPort.postMessage(data);
  globalThis.addEventListener = (_, added) => {
    listener = added;
    for (const data of waiting) added({ data });
  };
  parentPort.on('message', (data) => (listener ? listener({ data }) : waiting.push(data)));
  await import('../../web/worker.js');
}
