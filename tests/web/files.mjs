// Gives tests the shipped models as sources, and clients of them in Node threads.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGPT2, loadSEDD } from '../../web/client.js';
import { NodeWorker } from './node-worker.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const file = (folder, name) => new File([readFileSync(path.join(ROOT, folder, name))], name);
/** Returns the files of a model folder. */
export const filesOf = (folder) =>
  ['config.json', 'model.safetensors', 'tokenizer.json'].map((name) => file(folder, name));

export const seddInNode = ({ worker = new NodeWorker(), ...options } = {}) =>
  loadSEDD(filesOf('models/sedd-nano'), { worker, ...options });
export const gpt2InNode = ({ worker = new NodeWorker(), ...options } = {}) =>
  loadGPT2(filesOf('models/gpt2-nano'), { worker, ...options });
