// Runs the bench on the shipped models for one round. It fails when an engine computes a wrong result or none, never because of a time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WrongResult, check, difference } from '../../scripts/bench/check.mjs';
import { browserHost } from '../../scripts/bench/hosts.mjs';
import { fastestPeer, markdown } from '../../scripts/bench/report.mjs';
import { merge, rowOf } from '../../scripts/bench/rows.mjs';
import { quantile } from '../../web/client/statistics.js';
import { Contender, Turns, runModel } from '../../scripts/bench/run.mjs';
import { runVisits } from '../../scripts/bench/visit.mjs';
import { WORKS, limitMs, operationsOf } from '../../scripts/bench/works.mjs';
import { runTexts } from '../../scripts/bench/writing.mjs';

const OPTIONS = { quick: false, peers: true, node: false, rounds: 1, quietSeconds: 0, log: () => {} };
const PEAKS = {
  1: {
    f32_simd128: 60,
    f32_relaxed: 60,
    int8_simd128: 100,
    int8_relaxed: 250,
    int8_relaxed16: 150,
    l1: 140,
    l2: 100,
    llc: 90,
    memory: 30,
  },
};
const ENVIRONMENT = {
  processor: 'P',
  cores: 2,
  memoryGiB: 4,
  host: 'H',
  onnxruntimeWeb: '1',
  wllama: '1',
  litert: '1',
  commit: 'abc',
  date: '2026-01-01',
};
const OWN = { engine: 'sedd-web', dtype: 'f32', wasm: 'simd' };
const reportOf = (rows, more) => ({ environment: ENVIRONMENT, peaks: PEAKS, rows, loads: [], ...more });
const rowsOf = (results) => results.map((result) => rowOf(result, PEAKS, false));
const rows = [];
let host;

before(async () => {
  host = await browserHost();
});
after(async () => {
  await host.close();
});

for (const [model, name] of [
  ['sedd-nano', 'sedd-nano-step-128'],
  ['gpt2-nano', 'gpt2-nano-decode'],
]) {
  test(`${name}: every engine gives the reference's logits and a time`, async () => {
    const [results, ...more] = await Array.fromAsync(runModel(host, model, [[name, WORKS[name]]], 1, OPTIONS));
    assert.equal(more.length, 0);
    const engines = new Set(results.map(({ engine }) => engine));
    assert.deepEqual(
      [...engines],
      ['sedd-web', 'litert.js', 'onnxruntime-web', ...(model === 'gpt2-nano' ? ['wllama'] : [])],
    );
    for (const row of rowsOf(results)) {
      assert.equal(row.failed, undefined, `${row.engine} ${row.dtype}`);
      assert.match(row.checked, /standard deviations|of the reference|in the reference/);
      for (const field of ['median_ms', 'gops', 'share_of_peak'])
        assert.ok(
          Number.isFinite(row[field]) && row[field] > 0,
          `${row.engine} ${row.dtype}: ${field} is ${row[field]}`,
        );
      rows.push(row);
    }
  });
}

test('texts-nano: both models write whole texts, and the table follows from their times', async () => {
  const [results] = await Array.fromAsync(runTexts(host, 'texts-nano', 1, { ...OPTIONS, rounds: 2 }));
  const texts = rowsOf(results);
  for (const row of texts) assert.equal(row.failed, undefined, `${row.engine} ${row.dtype}`);
  const of = (way, steps) => texts.find((row) => row.way === way && row.steps === steps).median_ms;
  assert.ok(of('published', 8) > of('published', 2) && of('planned', 8) > of('planned', 2));
  const line = markdown(reportOf(texts))
    .split('\n')
    .find((text) => text.startsWith('| nano | 1 | planned |'))
    .split('|')
    .map((cell) => cell.trim());
  const twin = texts.find((row) => row.writer === 'gpt2' && row.engine === 'sedd-web').median_ms;
  assert.equal(line[8], `${(twin / of('planned', 8)).toFixed(2)}x`);
  rows.push(...texts);
});

test('first-step: a second visit comes from the store, and its parts add up', async () => {
  const results = await runVisits('first-step', 1, { ...OPTIONS, peers: false });
  const [row] = rowsOf(results);
  assert.equal(row.failed, undefined);
  const { scripts, fetch, compile, load, first } = row.visits[0];
  for (const part of [scripts, fetch, compile, load, first]) assert.ok(part >= 0, JSON.stringify(row.visits[0]));
  assert.ok(Math.abs(scripts + fetch + compile + load + first - row.median_ms) < 1e-6);
  rows.push(row);
});

test('the report names every row', () => {
  const text = markdown(reportOf(rows));
  for (const row of rows.filter(({ work }) => WORKS[work]))
    assert.ok(text.includes(`| ${row.work} | ${row.engine} | ${row.dtype} |`));
  assert.match(text, /\| first-step \| sedd-web \| 1 \| \d+ \|/);
});

test('merged parts give the report of the whole run, with the later measurement and the better limit', () => {
  const whole = merge([reportOf(rows)]);
  assert.deepEqual(whole.rows, rows);
  const pieces = [rows.slice(0, 3).map((row) => ({ ...row, median_ms: 1e6 })), rows.slice(0, 5), rows.slice(5)].map(
    (part) => reportOf(part),
  );
  assert.equal(markdown(merge(pieces)), markdown(whole));
  const faster = { 1: { ...PEAKS[1], int8_relaxed: 500, memory: 10 } };
  const [row] = merge([reportOf(rows.slice(0, 1)), reportOf([], { peaks: faster })]).rows;
  assert.equal(row.share_of_peak, rows[0].share_of_peak / 2);
  assert.throws(
    () => merge([reportOf([]), reportOf([], { environment: { ...ENVIRONMENT, processor: 'Q' } })]),
    /differ in processor: P and Q/,
  );
  assert.equal(
    merge([reportOf([]), reportOf([], { environment: { ...ENVIRONMENT, commit: 'def' } })]).environment.commit,
    'abc, def',
  );
});

test('a wrong result ends the bench', async () => {
  const contender = new Contender(host, 'sedd-nano', OWN, 1, 128);
  await contender.ready(() => {});
  const right = (...args) => contender.call(...args);
  const wrong = {
    ...contender,
    call: async (...args) => (await right(...args)).map((value, i) => (i % 50 === 0 ? value + 1 : value)),
  };
  await assert.rejects(check(wrong, 'sedd-nano'), /sedd-nano: sedd-web f32 differs from the reference by/);
  await assert.rejects(
    new Turns({ ready: () => check(wrong, 'sedd-nano') }, OPTIONS).guard(() => {}),
    WrongResult,
  );
  assert.match(await check(contender, 'sedd-nano'), /differs by/);
  await contender.drop();
});

test('a page that crashes loses its row and is opened again for the next work', async () => {
  const contender = new Contender(host, 'sedd-nano', OWN, 1, 128);
  const other = new Contender(host, 'sedd-nano', OWN, 1, 128);
  const [broken, fine, again] = [contender, other, contender].map((item) => new Turns(item, OPTIONS));
  const step = (item) => item.once(WORKS['sedd-nano-step-128'], true);
  await broken.take(async () => {
    const running = step(contender);
    contender.page.goto('chrome://crash').catch(() => {});
    return running;
  });
  await fine.take(() => step(other));
  await again.take(() => step(contender));
  assert.match(broken.failed, /crash|closed/i);
  assert.deepEqual([broken.times.length, fine.times.length, again.times.length], [0, 1, 1]);
  const [row] = rowsOf([
    { ...OWN, name: 'sedd-nano-step-128', kernels: 'simd128', threads: 1, times: [], failed: broken.failed },
  ]);
  assert.ok(markdown(reportOf([row])).includes(`| 1 | ${broken.failed} |`));
  assert.equal(fastestPeer([{ ...row, engine: 'wllama' }], row), null);
  for (const item of [contender, other]) await item.drop();
});

test('a run that takes too long is ended, and its row states the limit', async () => {
  const impatient = await browserHost({ limit: 2 });
  const contender = new Contender(impatient, 'sedd-nano', OWN, 1, 1024);
  const turns = new Turns(contender, OPTIONS);
  await turns.take(() => contender.call('write', { length: 1024, steps: 4000 }));
  assert.equal(turns.failed, 'over 2 s');
  await impatient.close();
});

test('turns end with their budget, and a first run that uses all of it counts', async (t) => {
  let clock = 1;
  t.mock.method(performance, 'now', () => clock);
  const wait = (ms) => {
    clock += ms;
    return ms;
  };
  const turns = new Turns({ ready() {} }, { ...OPTIONS, budget: 0.1 });
  await turns.takeFirst(() => wait(30));
  for (let i = 0; i < 9; i++) await turns.take(() => wait(40));
  assert.deepEqual(turns.times, [40, 40]);
  const slow = new Turns({ ready() {} }, { ...OPTIONS, budget: 0.1 });
  await slow.takeFirst(() => wait(80));
  await slow.take(() => wait(80));
  assert.deepEqual(slow.times, [80]);
});

test('the arithmetic of the report', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(difference([1, 2, 3], [1, 2, 3]), 0);
  assert.ok(Math.abs(difference([2, 3, 4], [1, 2, 3]) - Math.sqrt(3 / 2)) < 1e-12);
  assert.throws(() => difference([], []), /expected 0/);
  // 2 * 128 * (12 * 768^2 * 12 + 768 * 50258) + 4 * 128^2 * 768 * 12
  assert.equal(operationsOf(WORKS['sedd-small-step-128'], true), 32228376576);
  // Reading 124 MB of weights at 30 GB/s takes longer than 0.25 G operations at 250 GOP/s.
  const limit = limitMs(WORKS['gpt2-small-decode'], 'int8', 'relaxed', PEAKS[1], true);
  assert.ok(Math.abs(limit - (12 * 768 * 768 * 12 + 768 * 50257) / 30e6) < 1e-9);
  const row = (engine, dtype, median_ms) => ({ work: 'w', threads: 1, engine, dtype, median_ms });
  const list = [row('sedd-web', 'f32', 9), row('onnxruntime-web', 'int8', 2), row('onnxruntime-web', 'f32', 5)];
  assert.equal(fastestPeer(list, list[0]).median_ms, 5); // f32 is compared with f32
  assert.equal(fastestPeer(list, row('sedd-web', 'int8', 1)).median_ms, 2);
});
