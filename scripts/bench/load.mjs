/** Measures what a visitor waits for and pays, each engine in a fresh browser: bytes, the time to open, the first run and peak memory. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { browserHost } from './hosts.mjs';
import { peakMiB } from './machine.mjs';
import { Contender } from './run.mjs';
import { MODELS, loadersFor } from './works.mjs';

const LEFT_OUT = /^scripts\/|tokenizer\.json$|vocab\.json$|merges\.txt$/; // the bench's own files, and tokenizers, which all engines could share

/** Returns the uncompressed bytes of the files that an engine asked for, runtime and weights. */
const bytesOf = (files) =>
  files.filter((file) => !LEFT_OUT.test(file)).reduce((sum, file) => sum + statSync(path.join(ROOT, file)).size, 0);

/** Measures one engine on one model. Returns {model, engine, dtype, bytes, open_ms, first_ms, peak_mib}. */
async function measure(name, item, work) {
  const host = await browserHost();
  try {
    const contender = new Contender(host, name, item, 1, 128);
    const openMs = await contender.load();
    const begin = performance.now();
    await contender.once(
      { ...work, length: work.length && Math.min(work.length, 128), count: work.count && [1] },
      true,
    );
    return {
      model: name,
      engine: item.engine,
      dtype: item.dtype,
      bytes: bytesOf(host.files()),
      open_ms: openMs,
      first_ms: performance.now() - begin,
      peak_mib: peakMiB(),
    };
  } finally {
    await host.close();
  }
}

/**
 * Measures all engines on one model; `work` is the first run. An engine that fails is left out.
 * @param {string} name of the model
 */
export async function measureLoads(name, work, options) {
  const loads = [];
  for (const item of loadersFor(MODELS[name], options)) {
    try {
      loads.push(await measure(name, item, work));
    } catch (error) {
      options.log(`loading ${name} with ${item.engine} ${item.dtype}: ${error.message.split('\n')[0]}`);
    }
  }
  return loads;
}
