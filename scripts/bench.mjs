// Times denoise and decode steps in Chromium: the shipped models, and with --full random weights of full size.
// usage: npm run bench [-- --full --only WORK[,WORK] --json FILE]
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { open } from '../tests/browser/browser.mjs';
import { ROOT } from './build.mjs';

const ROUNDS = 3; // of all cases in turn, so that a slow minute of the machine does not fall on one

/** Multiply-adds of one denoise step over `rows` tokens, or of one decoded token; heads on all rows. */
const products = (rows, hidden, blocks, states) => 2 * rows * (12 * hidden * hidden * blocks + hidden * states) + 4 * rows * rows * hidden * blocks;

const WORKS = {
  'sedd-nano-step-128': { kind: 'sedd', folder: 'models/sedd-nano', length: 128, steps: 24, operations: products(128, 192, 6, 2049) },
  'gpt2-nano-decode': { kind: 'gpt2', folder: 'models/gpt2-nano', length: 120, operations: products(1, 192, 6, 2048) },
  'sedd-10m-step-128': { kind: 'sedd', shape: 'sedd-10m', length: 128, steps: 16, operations: products(128, 256, 8, 4097) },
  'gpt2-10m-decode': { kind: 'gpt2', shape: 'gpt2-10m', length: 120, operations: products(1, 256, 8, 4096) },
  'sedd-small-step-128': { kind: 'sedd', shape: 'sedd-small', length: 128, steps: 6, operations: products(128, 768, 12, 50258) },
  'sedd-small-step-1024': { kind: 'sedd', shape: 'sedd-small', length: 1024, steps: 2, operations: products(1024, 768, 12, 50258) },
  'gpt2-small-decode': { kind: 'gpt2', shape: 'gpt2', length: 32, operations: products(1, 768, 12, 50257) },
};

const flags = process.argv.slice(2);
const value = (flag) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : undefined);
const only = value('--only')?.split(',');
const names = Object.keys(WORKS).filter((name) => (only ? only.includes(name) : flags.includes('--full') || WORKS[name].folder));
if (names.length === 0) {
  console.error(`bench: nothing to time; works are ${Object.keys(WORKS).join(', ')}`);
  process.exit(2);
}

/** The folder of a work's model, generated if it is one of random weights. */
function folderOf({ folder, shape }) {
  if (folder) return folder;
  const made = `build/full/${shape}`;
  if (!existsSync(path.join(ROOT, made, 'model.safetensors'))) {
    spawnSync(process.execPath, ['scripts/generate.mjs', made, '--shape', shape], { cwd: ROOT, stdio: 'inherit' });
  }
  return made;
}

/** Tokenizer files: the model's own, or GPT-2's for random weights. */
const textOf = ({ folder }) => (folder ? { tokenizer: `/${folder}/tokenizer.json` }
  : { tokenizer: '/tests/golden/gpt2-tokenizer/vocab.json', merges: '/tests/golden/gpt2-tokenizer/merges.txt' });

const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, q) => sorted(values)[Math.floor((values.length - 1) * q)];

/** In the page: loads a model once a case and returns the times of its steps, a warm-up run dropped. */
const measure = async ({ kind, folder, length, steps, wasm, dtype, threads, text }) => {
  const { loadGPT2, loadSEDD } = await import('/web/client.js');
  const source = { config: `/${folder}/config.json`, weights: `/${folder}/model.safetensors`, ...text };
  const begin = performance.now();
  const model = await (kind === 'sedd' ? loadSEDD : loadGPT2)(source, { wasm, dtype, threads });
  const load = performance.now() - begin;
  // Thousands of steps leave nearly all rows masked in the first few: the dearest step there is.
  const once = async (count) => {
    const run = kind === 'sedd' ? model.sample({ length, steps: 4000, seed: 1, prompt: '' }) : model.generate({ tokens: length, seed: 1 });
    const times = [];
    try {
      for await (const event of run) {
        if (event.ms) times.push(event.ms);
        if (kind === 'sedd' && times.length === count) run.abort();
      }
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
    return times;
  };
  await once(2);
  const times = await once(steps);
  const used = { threads: model.threads, kernels: model.kernels };
  model.dispose();
  return { times, load, ...used };
};

const { page, close } = await open('web/README.md');
const cases = names.flatMap((name) => ['relaxed', 'simd'].flatMap((wasm) => (WORKS[name].shape?.match(/small|gpt2$/) ? ['q8'] : ['q8', 'f32'])
  .flatMap((dtype) => [1, 2].map((threads) => ({ name, wasm, dtype, threads, times: [] })))));
for (let round = 0; round < ROUNDS; round++) {
  for (const item of cases) {
    const work = WORKS[item.name];
    const result = await page.evaluate(measure, { ...work, folder: folderOf(work), wasm: item.wasm, dtype: item.dtype, threads: item.threads, text: textOf(work) });
    item.times.push(...result.times);
    Object.assign(item, { kernels: result.kernels, threads: result.threads, load: result.load });
  }
}
console.log(`${await page.evaluate(() => navigator.userAgent)}\n`);
await close();

const rows = cases.map(({ name, dtype, kernels, threads, times, load }) => ({
  work: name, engine: 'sedd-web', dtype, kernels, threads, median_ms: quantile(times, 0.5), quartile_ms: [quantile(times, 0.25), quantile(times, 0.75)],
  gops: WORKS[name].operations / quantile(times, 0.5) / 1e6, load_ms: load,
}));
console.log('| work | dtype | kernels | threads | median ms | middle half | GOP/s |\n|---|---|---|---|---|---|---|');
for (const row of rows) {
  const digits = row.median_ms < 1 ? 3 : 1;
  console.log(`| ${row.work} | ${row.dtype} | ${row.kernels} | ${row.threads} | ${row.median_ms.toFixed(digits)} | ${row.quartile_ms.map((ms) => ms.toFixed(digits)).join(' to ')} | ${row.gops.toFixed(0)} |`);
}
if (value('--json')) writeFileSync(value('--json'), `${JSON.stringify(rows, null, 1)}\n`);
