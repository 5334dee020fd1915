// Runs the checks of a golden folder in wasm (npm test builds the modules). Needs Node 22 or newer, since Node 20 computes the relaxed dot product incorrectly.
// usage: node scripts/golden.mjs DIR [--kernels scalar|simd128|relaxed|relaxed16] [--threads N]
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Model } from '../web/engine/model.js';
import { compareWithGolden, goldenEngine } from '../tests/web/golden-module.mjs';

const [folder, ...flags] = process.argv.slice(2);
const value = (flag, fallback) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : fallback);
if (!folder || folder.startsWith('--')) {
  console.error('usage: node scripts/golden.mjs DIR [--kernels scalar|simd128|relaxed|relaxed16] [--threads N]');
  process.exit(2);
}
try {
  const read = (name) => readFileSync(path.join(folder, name));
  const kernels = value('--kernels', 'relaxed');
  const engine = await goldenEngine({
    wasm: kernels.startsWith('relaxed') ? 'relaxed' : 'simd',
    kernels,
    threads: Number(value('--threads', 1)),
  });
  // The golden models have no tokenizer, and the checks work with any.
  const tokenizer = readFileSync(new URL('../models/sedd-nano/tokenizer.json', import.meta.url));
  const model = await Model.load(engine, {
    config: read('config.json'),
    weights: [read('model.safetensors')],
    tokenizer,
  });
  const { failed, report } = compareWithGolden(engine, model, read('golden.json'), read('golden.safetensors'));
  console.log(`${report}${folder}, wasm, kernels ${engine.kernels}: ${failed === 0 ? 'all passed' : 'FAILED'}`);
  process.exitCode = failed === 0 ? 0 : 1;
  if (engine.threads > 1) process.exit();
} catch (error) {
  console.error(`golden: ${error.message}`);
  process.exit(1);
}
