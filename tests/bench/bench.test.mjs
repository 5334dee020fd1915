// The bench on the shipped models, one round: fails when an engine computes something wrong, never because of time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { check, difference } from '../../scripts/bench/check.mjs';
import { browserHost } from '../../scripts/bench/hosts.mjs';
import { fastestPeer, markdown, quantile, rowOf } from '../../scripts/bench/report.mjs';
import { runModel } from '../../scripts/bench/run.mjs';
import { MODELS, WORKS, limitMs, operationsOf } from '../../scripts/bench/works.mjs';

const OPTIONS = { quick: true, peers: true, node: false, rounds: 1, patience: 0, log: () => {} };
const PEAKS = { 1: { f32_simd128: 60, f32_relaxed: 60, int8_simd128: 100, int8_relaxed: 250, int8_relaxed16: 150, l1: 140, l2: 100, llc: 90, memory: 30 } };
const rows = [];
let host;

before(async () => { host = await browserHost(); });
after(async () => { await host.close(); });

for (const [model, name] of [['sedd-nano', 'sedd-nano-step-128'], ['gpt2-nano', 'gpt2-nano-decode']]) {
  test(`${name}: every engine gives the reference's logits and a time`, async () => {
    const results = await runModel(host, model, [[name, WORKS[name]]], 1, OPTIONS);
    const engines = new Set(results.map(({ engine }) => engine));
    assert.deepEqual([...engines], model === 'sedd-nano' ? ['sedd-web', 'onnxruntime-web'] : ['sedd-web', 'onnxruntime-web', 'wllama']);
    for (const result of results) {
      assert.match(result.checked, /standard deviations|of the reference|in the reference/);
      const row = rowOf(result, PEAKS, true);
      for (const field of ['median_ms', 'gops', 'share_of_peak']) assert.ok(Number.isFinite(row[field]) && row[field] > 0, `${row.engine} ${row.dtype}: ${field} is ${row[field]}`);
      rows.push(row);
    }
  });
}

test('the report names every row', () => {
  const text = markdown({ environment: { processor: 'P', cores: 2, date: '2026-01-01' }, peaks: PEAKS, rows, loads: [] });
  for (const row of rows) assert.ok(text.includes(`| ${row.work} | ${row.engine} | ${row.dtype} |`));
});

test('a wrong result ends the bench', async () => {
  const wrong = { call: async (number, method, ids, sigma) => (await right(ids, sigma)).map((value, i) => (i % 50 === 0 ? value + 1 : value)) };
  const opened = await host.open('sedd-web', { folder: 'models/sedd-nano', rows: 128, wasm: 'simd', dtype: 'f32', threads: 1, tokenizer: 'models/sedd-nano/tokenizer.json' });
  const right = (ids, sigma) => host.call(opened.number, 'scores', ids, sigma);
  const contender = { engine: 'sedd-web', dtype: 'f32' };
  await assert.rejects(check(wrong, contender, MODELS['sedd-nano'], 'sedd-nano'), /sedd-nano: sedd-web f32 differs from the reference by/);
  await check({ call: (number, method, ids, sigma) => right(ids, sigma) }, contender, MODELS['sedd-nano'], 'sedd-nano');
  await host.closeOne(opened.number);
});

test('numbers of the report', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(difference([1, 2, 3], [1, 2, 3]), 0);
  assert.ok(Math.abs(difference([2, 3, 4], [1, 2, 3]) - Math.sqrt(3 / 2)) < 1e-12);
  assert.throws(() => difference([], []), /expected 0/);
  // 2 * 128 * (12 * 768^2 * 12 + 768 * 50258) + 4 * 128^2 * 768 * 12
  assert.equal(operationsOf(WORKS['sedd-small-step-128'], true), 32228376576);
  // 124 MB of weights at 30 GB/s take longer than 0.25 G operations at 250 GOP/s
  const limit = limitMs(WORKS['gpt2-small-decode'], 'int8', 'relaxed', PEAKS[1], true);
  assert.ok(Math.abs(limit - (12 * 768 * 768 * 12 + 768 * 50257) / 30e6) < 1e-9);
  const row = (engine, dtype, median_ms) => ({ work: 'w', threads: 1, engine, dtype, median_ms });
  const list = [row('sedd-web', 'f32', 9), row('onnxruntime-web', 'int8', 2), row('onnxruntime-web', 'f32', 5)];
  assert.equal(fastestPeer(list, list[0]).median_ms, 5); // f32 against f32
  assert.equal(fastestPeer(list, row('sedd-web', 'int8', 1)).median_ms, 2);
});
