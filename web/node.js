/**
 * sedd-web in Node 20 or newer: the same module, with the engine in a thread. A source may also be a folder on this
 * machine: a path, or a file: URL. A model that is loaded keeps the process alive until `dispose()`.
 *
 *   import { loadSEDD } from 'sedd-web';
 *   await using sedd = await loadSEDD('models/sedd-nano');
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as browser from './client.js';
import { NodeWorker } from './node-worker.js';

export * from './client.js';
export { NodeWorker };

/** Returns the address of a folder on this machine. 'owner/name' means a folder if it exists, otherwise a model on the hub. */
function placed(source) {
  if (typeof source !== 'string' || /^[a-z][a-z+.-]+:/i.test(source)) return source;
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory()) return pathToFileURL(source + path.sep).href;
  if (/^[\w.-]+\/[\w.-]+$/.test(source)) return `hub:${source}`;
  throw new browser.SeddError('io', `${path.resolve(source)} is not a folder on this machine.`, {
    hint: 'Give the path of a folder with config.json, weights and a tokenizer, an address, or hub:owner/name.',
  });
}

const inThread =
  (ask) =>
  async (source, { worker, ...options } = {}) => {
    const place = placed(source);
    return ask(place, { ...options, worker: worker ?? new NodeWorker() });
  };

/** @type {typeof browser.loadSEDD} */
export const loadSEDD = inThread(browser.loadSEDD);
/** @type {typeof browser.loadGPT2} */
export const loadGPT2 = inThread(browser.loadGPT2);
/** @type {typeof browser.plan} */
export const plan = inThread(browser.plan);
