// Measures how often rounding flips a draw: compares runs with fused multiply-add (relaxed) with runs without it (simd128).
// usage: node scripts/flips.mjs [RUNS] [f32|q8]     (needs Node 22 or newer; default: 1000 f32)
import { readFileSync } from 'node:fs';
import { Engine } from '../web/engine/engine.js';
import { Model } from '../web/engine/model.js';

const runs = Number(process.argv[2] ?? 1000);
const dtype = process.argv[3] ?? 'f32';
const read = (name) => readFileSync(new URL(`../models/sedd-nano/${name}`, import.meta.url));
const open = async (wasm) =>
  Model.load(
    await Engine.create({ wasm }),
    { config: read('config.json'), weights: [read('model.safetensors')], tokenizer: read('tokenizer.json') },
    { dtype },
  );
const models = [await open('simd'), await open('relaxed')];

function idsOf(model, seed) {
  const run = model.startRun({ seed, steps: 16, length: 64 });
  while (!run.done) run.advance();
  const { ids } = run;
  run.free();
  return ids;
}

let differing = 0;
for (let seed = 0; seed < runs; seed++) {
  const [plain, fused] = models.map((model) => idsOf(model, seed));
  differing += plain.some((id, i) => id !== fused[i]) ? 1 : 0;
}
console.log(`${dtype}: ${differing} of ${runs} runs (64 tokens, 16 steps) differ between simd128 and relaxed`);
