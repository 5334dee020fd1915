// Writes selftest.json into model folders: the golden numbers for selfTest(), computed with the scalar kernels.
// usage: node scripts/selftest.mjs FOLDER...      (needs npm run build)
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Engine } from '../web/engine/engine.js';
import { Model } from '../web/engine/model.js';
import { vectorsOf } from '../web/worker/selftest.js';

const folders = process.argv.slice(2);
if (folders.length === 0 || folders[0].startsWith('--')) {
  console.error('usage: node scripts/selftest.mjs FOLDER...');
  process.exit(2);
}
try {
  for (const folder of folders) {
    const read = (name) => readFileSync(path.join(folder, name));
    const engine = await Engine.create({ wasm: 'simd', kernels: 'scalar' });
    const model = await Model.load(engine, {
      config: read('config.json'),
      weights: [read('model.safetensors')],
      tokenizer: read('tokenizer.json'),
    });
    writeFileSync(path.join(folder, 'selftest.json'), `${JSON.stringify(vectorsOf(model))}\n`);
    console.log(`${folder}/selftest.json written`);
  }
} catch (error) {
  console.error(`selftest: ${error.message}`);
  process.exit(1);
}
