// Times the shipped models in Chromium: a denoise step and a decode step, each build, dtype and thread count.
// usage: npm run bench [-- --json FILE]
import { writeFileSync } from 'node:fs';
import { open } from '../tests/browser/browser.mjs';

const RUNS = 5; // of each case, alternating; medians are over the steps of all of them

const cases = [];
for (const wasm of ['relaxed', 'simd']) {
  for (const dtype of ['q8', 'f32']) {
    for (const threads of [1, 2]) cases.push({ wasm, dtype, threads });
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const quartiles = (values) => [0.25, 0.75].map((q) => [...values].sort((a, b) => a - b)[Math.floor(values.length * q)]);

/** In the page: loads both models for a case and returns step times. */
const measure = async ({ wasm, dtype, threads, runs }) => {
  const { loadGPT2, loadSEDD } = await import('/web/client.js');
  const sedd = await loadSEDD('/models/sedd-nano', { wasm, dtype, threads });
  const gpt2 = await loadGPT2('/models/gpt2-nano', { wasm, dtype, threads });
  const times = { sedd: [], gpt2: [] };
  for (let i = 0; i <= runs; i++) {
    const first = await sedd.sample({ steps: 32, seed: i }).result;
    const second = await gpt2.generate({ tokens: 120, seed: i, prompt: 'Once upon a time' }).result;
    if (i > 0) { // the first run warms up
      times.sedd.push(...first.times);
      times.gpt2.push(...second.times);
    }
  }
  const used = sedd.threads;
  sedd.dispose();
  gpt2.dispose();
  return { ...times, threads: used };
};

const { page, close } = await open('web/README.md');
const version = await page.evaluate(() => navigator.userAgent);
const rows = [];
for (const item of cases) {
  const times = await page.evaluate(measure, { ...item, runs: RUNS });
  for (const [work, name] of [['sedd', 'denoise step, 128 tokens'], ['gpt2', 'decode step, one token']]) {
    const [low, high] = quartiles(times[work]);
    rows.push({ work: name, kernels: item.wasm, dtype: item.dtype, threads: times.threads, median_ms: median(times[work]), quartile_ms: [low, high] });
  }
}
await close();

console.log(`${version}\n\n| work | kernels | dtype | threads | median ms | middle half |\n|---|---|---|---|---|---|`);
for (const row of rows) {
  console.log(`| ${row.work} | ${row.kernels} | ${row.dtype} | ${row.threads} | ${row.median_ms.toFixed(2)} | ${row.quartile_ms.map((ms) => ms.toFixed(2)).join(' to ')} |`);
}
const file = process.argv[process.argv.indexOf('--json') + 1];
if (process.argv.includes('--json')) writeFileSync(file, `${JSON.stringify(rows, null, 1)}\n`);
