// Checks seeds, the selection of items, the rules of a sweep, times of texts and training curves.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { curveOf } from '../../scripts/evaluate/curve.mjs';
import { summary } from '../../scripts/evaluate/latency.mjs';
import { evenly, generator, seedOf } from '../../scripts/evaluate/random.mjs';
import { grid } from '../../scripts/evaluate/sweep.mjs';
import { WAY_NAMES, best, configOf } from '../../scripts/evaluate/ways.mjs';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-numbers-'));
test.after(() => rmSync(folder, { recursive: true }));

test('sets of neighbouring seeds share no text, and every seed passes through JSON', () => {
  const seeds = [0, 1, 2, 3].flatMap((seed) => Array.from({ length: 500 }, (_, i) => seedOf(seed, i)));
  assert.equal(new Set(seeds).size, seeds.length);
  assert.ok(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0));
  assert.equal(seedOf(7, 3), seedOf(7, 3));
  assert.notEqual(seedOf(7, 3, 0), seedOf(7, 3));
  assert.ok(new Set(seeds.map((seed) => seed % 1024)).size > 800, 'the low bits are mixed');
});

test('selected items are evenly spread, and generators of different seeds differ', () => {
  assert.deepEqual(evenly([1, 2, 3, 4, 5, 6], 3), [1, 3, 5]);
  assert.deepEqual(evenly([1, 2], 3), [1, 2]);
  assert.notEqual(generator(1)(), generator(2)());
});

test('T* and its interval follow from every round, and medians from each column', () => {
  const twin = [60, 60, 60, 60, 60, 120];
  const { rows, breakEven } = summary([4, 8], [twin.map(() => 40), twin.map(() => 80)], twin);
  assert.deepEqual(rows, [
    { steps: 4, ms: 40, interval: [40, 40] },
    { steps: 8, ms: 80, interval: [80, 80] },
    { steps: null, ms: 60, interval: [60, 120] },
  ]);
  assert.deepEqual(breakEven, { steps: 6, interval: [6, 12] });
});

test('a sweep tries every setting of a SEDD, and settings without steps of a GPT-2', () => {
  const plan = { steps: [8, 16], temperatures: [0.8, 1], topPs: [0.9, 1], ways: ['published', 'planned'] };
  const settings = grid({ kind: 'sedd' }, plan);
  assert.equal(new Set(settings.map((setting) => JSON.stringify(setting))).size, 16);
  assert.deepEqual(settings[0], { steps: 8, temperature: 0.8, topP: 0.9 });
  assert.equal(settings.at(-1).way, 'planned');
  assert.deepEqual(grid({ kind: 'gpt2' }, { ...plan, temperatures: [1] }), [
    { temperature: 1, topP: 0.9 },
    { temperature: 1, topP: 1 },
  ]);
});

test('the best of a sweep is as varied as real text; dull or repetitive text is never chosen', () => {
  const real = { entropy: 4.06, repeated: 0.13 };
  const row = (name, nats, entropy, repeated) => ({ name, nats, entropy, repeated });
  const dull = row('dull', 1, 3.9, 0.1);
  const repetitive = row('repetitive', 1.1, 4.1, 0.2);
  const good = row('good', 3.6, 4.07, 0.12);
  const worse = row('worse', 3.9, 4.2, 0.05);
  assert.equal(best([dull, worse, repetitive, good], real), good);
  assert.equal(best([row('equal', 9, 4.06, 0.13)], real).name, 'equal');
  assert.equal(best([dull, repetitive], real), null);
});

test('a setting is written as generation_config.json has it', () => {
  assert.deepEqual(configOf({ steps: 64, temperature: 0.9, topP: 1 }), { steps: 64, temperature: 0.9, top_p: 1 });
  assert.deepEqual(configOf({ steps: 8, way: 'known', temperature: 1, topP: 0.95 }), {
    steps: 8,
    positions: 'planned',
    order: 'spread',
    grid: 'cosine',
    context: 'known',
    temperature: 1,
    top_p: 0.95,
  });
  const ways = WAY_NAMES.map((way) => JSON.stringify(configOf({ steps: 8, way, temperature: 1, topP: 1 })));
  assert.equal(new Set(ways).size, WAY_NAMES.length, 'no two ways are the same');
  assert.deepEqual(configOf({ temperature: 0.7, topP: 0.9 }), { temperature: 0.7, top_p: 0.9 });
});

/** Writes the folder of a run with its log. */
function run(name, entries) {
  mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, name, 'log.jsonl'), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return path.join(folder, name);
}

test('a curve has the last value for every number of tokens, and the tokens of continued runs add up', () => {
  const first = run('first', [
    { step: 0, tokens: 0, bound: { nats_per_token: 7.6 } },
    { step: 10, tokens: 100, loss: 5 },
    { step: 10, tokens: 100, bound: { nats_per_token: 4 } },
    { step: 20, tokens: 200, bound: { nats_per_token: 3.5 } },
    { step: 10, tokens: 100, bound: { nats_per_token: 3.9 } }, // logged again by a resumed run
    { step: 25, tokens: 250, loss: 3.4 },
  ]);
  const second = run('second', [
    { step: 0, tokens: 0, bound: { nats_per_token: 3.4 } },
    { step: 10, tokens: 100, bound: 3.1 },
  ]);
  const points = [
    [100, 3.9],
    [200, 3.5],
    [250, 3.4],
    [350, 3.1],
  ];
  assert.deepEqual(curveOf([first, path.join(second, 'log.jsonl')], 'sedd'), points);
  const twin = run('twin', [{ step: 5, tokens: 50, nll: { nats_per_token: 2.1 } }]);
  assert.deepEqual(curveOf([twin], 'gpt2'), [[50, 2.1]]);
  assert.throws(() => curveOf([twin], 'sedd'), /no entry has "bound"; expected a sedd's log/);
  const broken = run('broken', [{ step: 5, tokens: 'many', bound: { nats_per_token: 2 } }]);
  assert.throws(() => curveOf([broken], 'sedd'), /line 1, field "tokens": expected a number of tokens, found "many"/);
  const poisoned = run('poisoned', [{ tokens: 5, bound: { nats_per_token: null } }]);
  assert.throws(() => curveOf([poisoned], 'sedd'), /field "bound": expected nats a token/);
});
