/** What a visitor waits for and pays: bytes, opening, the first run and peak memory, each engine in a fresh browser. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { browserHost } from './hosts.mjs';
import { peakMiB } from './machine.mjs';
import { folderOf, peerFile } from './models.mjs';
import { jobOf, once } from './run.mjs';
import { MODELS, contendersFor } from './works.mjs';

const OWN_SCRIPTS = ['client', 'worker', 'engine', 'model', 'source', 'features', 'errors', 'protocol'];
const RUNTIMES = {
  'sedd-web': ({ wasm }) => [`web/wasm/sedd-${wasm}.wasm`, `web/wasm/sedd-${wasm}.js`, ...OWN_SCRIPTS.map((name) => `web/${name}.js`)],
  'onnxruntime-web': () => ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'].map((name) => `node_modules/onnxruntime-web/dist/${name}`),
  wllama: () => ['index.js', 'wasm/wllama.wasm'].map((name) => `node_modules/@wllama/wllama/esm/${name}`),
};

const sizeOf = (file) => statSync(path.join(ROOT, file)).size;

/** Bytes of runtime and weights as the files are, not compressed; tokenizers left out, they are the same for all. */
function downloadOf(model, item) {
  const weights = item.engine === 'sedd-web' ? `${folderOf(model)}/model.safetensors` : peerFile(model, item.dtype);
  return [weights, ...RUNTIMES[item.engine](item)].reduce((sum, file) => sum + sizeOf(file), 0);
}

/** @param {object[]} works the first work of each model is the first run */
export async function measureLoads(works, options) {
  const loads = [];
  for (const name of new Set(works.map((work) => work.model))) {
    const model = MODELS[name];
    const work = works.find((item) => item.model === name);
    for (const item of contendersFor(model, { ...options, quick: true }).filter(({ wasm }) => wasm !== 'simd')) {
      const host = await browserHost();
      try {
        const opened = await host.open(item.engine, jobOf(model, item, 1, 128));
        const begin = performance.now();
        await once(host, { ...item, number: opened.number }, { ...work, length: work.length && Math.min(work.length, 128), count: work.count && [1] }, true);
        loads.push({ model: name, engine: item.engine, dtype: item.dtype, bytes: downloadOf(model, item), open_ms: opened.ms, first_ms: performance.now() - begin, peak_mib: peakMiB() });
      } finally {
        await host.close();
      }
    }
  }
  return loads;
}
