// worker.js in a Node thread, behind the interface of a browser's Worker.
import { Worker as Thread, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

/** What client.js needs of a Worker. `slowAfter`: its clock counts how often it is asked, a millisecond a time, four after so many. */
export class NodeWorker {
  constructor({ slowAfter } = {}) {
    this.thread = new Thread(fileURLToPath(import.meta.url), { workerData: { slowAfter } });
    this.thread.on('message', (data) => this.onmessage?.({ data }));
    this.thread.on('error', (error) => this.onerror?.({ message: error.message }));
  }

  postMessage(data) {
    this.thread.postMessage(data);
  }
  terminate() {
    return this.thread.terminate();
  }
}

if (!isMainThread) {
  if (workerData.slowAfter) {
    let asked = 0;
    let time = 0;
    performance.now = () => (time += asked++ < workerData.slowAfter ? 1 : 4);
  }
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
