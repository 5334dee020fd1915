// `sedd bench --twin`: the quality columns against the tool's other commands on the same seeds, and what it refuses.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const ROUNDS = 6;
const call = (...args) => spawnSync(path.join(ROOT, 'build/native/sedd'), args, { cwd: ROOT, encoding: 'utf8' });

function entropy(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return -[...counts.values()].reduce((sum, count) => sum + (count / ids.length) * Math.log(count / ids.length), 0);
}

const mean = (values) => values.reduce((a, b) => a + b) / values.length;
const near = (a, b, tolerance) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not within ${tolerance} of ${b}`);

test('time, perplexity, entropy and the break-even number of steps', () => {
  const { status, stdout, stderr } = call(
    'bench',
    'models/sedd-nano',
    '--twin',
    'models/gpt2-nano',
    '--judge',
    'models/gpt2-nano',
    '--runs',
    String(ROUNDS),
    '--seed',
    '40',
    '--json',
  );
  assert.equal(status, 0, stderr);
  const {
    rows,
    break_even_steps: star,
    break_even_interval: [low, high],
  } = JSON.parse(stdout);
  assert.deepEqual(
    rows.map(({ steps }) => steps),
    [4, 8, 16, 32, 64, 128, null],
  );
  for (const { ms, interval } of rows) assert.ok(interval[0] > 0 && interval[0] <= ms && ms <= interval[1]);
  assert.ok(low > 0 && low <= star && star <= high);

  // the same texts by other commands: rounds take the seeds behind the given one
  const seeds = Array.from({ length: ROUNDS }, (_, i) => String(41 + i));
  const idsOf = (...args) => seeds.map((seed) => JSON.parse(call(...args, '--seed', seed, '--json').stdout).ids);
  const nats = (ids) =>
    JSON.parse(call('nll', 'models/gpt2-nano', '--ids', ids.join(','), '--json').stdout).nats_per_token;
  for (const [row, texts] of [
    [rows[1], idsOf('sample', 'models/sedd-nano', '--steps', '8')],
    [rows[6], idsOf('generate', 'models/gpt2-nano', '--prompt', '', '--tokens', '128')],
  ]) {
    for (const ids of texts) assert.equal(ids.length, 128);
    near(row.entropy, mean(texts.map(entropy)), 1e-5);
    near(row.perplexity, Math.exp(mean(texts.map(nats))), 0.006);
  }
});

test('a sweep makes curves, and the twin is compared where entropies are equal', () => {
  const way = ['--positions', 'fixed', '--order', 'spread'];
  const { status, stdout, stderr } = call(
    'bench',
    'models/sedd-nano',
    '--twin',
    'models/gpt2-nano',
    '--judge',
    'models/gpt2-nano',
    '--runs',
    String(ROUNDS),
    '--seed',
    '70',
    '--steps',
    '4,16',
    '--sweep',
    ...way,
    '--json',
  );
  assert.equal(status, 0, stderr);
  const { rows, sweep } = JSON.parse(stdout);
  assert.deepEqual(
    rows.map(({ steps, evaluations }) => [steps, evaluations]),
    [
      [4, 4],
      [16, 16],
      [null, 128],
    ],
  );
  const at = (steps, temperature) => sweep.find((row) => row.steps === steps && row.temperature === temperature);
  for (const row of rows) {
    for (const key of ['perplexity', 'perplexity_error', 'entropy', 'twin_perplexity'])
      assert.equal(row[key], at(row.steps, 1)[key], key);
  }
  const ids = Array.from(
    { length: ROUNDS },
    (_, i) =>
      JSON.parse(
        call(
          'sample',
          'models/sedd-nano',
          '--steps',
          '16',
          ...way,
          '--temperature',
          '0.7',
          '--seed',
          String(71 + i),
          '--json',
        ).stdout,
      ).ids,
  );
  near(at(16, 0.7).entropy, mean(ids.map(entropy)), 1e-5);
  // the twin's curve at this entropy, from the two of its points that enclose it
  const twin = sweep.filter((row) => row.steps === null).sort((a, b) => a.entropy - b.entropy);
  const point = sweep.find(({ steps, entropy: h }) => steps !== null && h > twin[0].entropy && h < twin.at(-1).entropy);
  const above = twin.findIndex((row) => row.entropy >= point.entropy);
  const [low, high] = [twin[above - 1], twin[above]];
  const share = (point.entropy - low.entropy) / (high.entropy - low.entropy);
  near(
    point.twin_perplexity / Math.exp(Math.log(low.perplexity) * (1 - share) + Math.log(high.perplexity) * share),
    1,
    0.005,
  );
});

test('a hole in real text: the rest is kept, and what is behind it is judged, too', () => {
  const judge = 'models/gpt2-nano';
  const { status, stdout, stderr } = call(
    'bench',
    'models/sedd-nano',
    '--twin',
    judge,
    '--judge',
    judge,
    '--runs',
    String(ROUNDS),
    '--seed',
    '20',
    '--steps',
    '2',
    '--real',
    'models/validation.ids',
    '--hole',
    '32',
    '--json',
  );
  assert.equal(status, 0, stderr);
  const {
    rows: [two, twin],
    real,
    hole,
  } = JSON.parse(stdout);
  assert.equal(hole, 32);
  assert.equal(twin.evaluations, 32);
  const ids = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').split(',').map(Number);
  const natsBehind = (text, first) => {
    const all = (part) =>
      JSON.parse(call('nll', judge, '--ids', part.join(','), '--json').stdout).nats_per_token * part.length;
    return (all(text) - all(text.slice(0, first))) / (text.length - first);
  };
  const windows = Array.from({ length: ROUNDS }, (_, i) => ids.slice(128 * i, 128 * (i + 1)));
  near(real.perplexity / Math.exp(mean(windows.map((window) => natsBehind(window, 48)))), 1, 0.003);
  near(real.entropy, mean(windows.map((window) => entropy(window.slice(48, 80)))), 1e-5);
  const written = windows.map((window, i) => {
    const held = window.flatMap((id, place) => (place < 48 || place >= 80 ? [`${place}:${id}`] : []));
    return JSON.parse(
      call('sample', 'models/sedd-nano', '--steps', '2', '--seed', String(21 + i), '--hold', held.join(','), '--json')
        .stdout,
    ).ids;
  });
  near(two.perplexity / Math.exp(mean(written.map((text) => natsBehind(text, 48)))), 1, 0.003);
});

for (const [name, args, status, words] of [
  [
    'a twin that is a SEDD',
    ['--twin', 'models/sedd-nano'],
    1,
    /models\/sedd-nano does not fit: expected a GPT-2 with 2048 tokens and 128 positions or more/,
  ],
  ['too few rounds for an interval', ['--twin', 'models/gpt2-nano', '--runs', '5'], 2, /--runs expects/],
  [
    'numbers of steps that do not grow',
    ['--twin', 'models/gpt2-nano', '--steps', '8,4'],
    2,
    /each above the one before, not 8,4/,
  ],
  [
    'an order without positions that have one',
    ['--twin', 'models/gpt2-nano', '--order', 'spread'],
    1,
    /order needs positions planned or bounded/,
  ],
  ['a hole in no text', ['--twin', 'models/gpt2-nano', '--hole', '4'], 2, /--hole needs --real/],
  [
    'text of another vocabulary',
    ['--twin', 'models/gpt2-nano', '--real', 'models/sedd-nano/config.json'],
    2,
    /whole numbers with commas/,
  ],
  ['a text longer than the twin writes', ['--twin', 'models/gpt2-nano', '--length', '4096'], 1, /does not fit/],
]) {
  test(`${name} is refused`, () => {
    const result = call('bench', 'models/sedd-nano', ...args);
    assert.equal(result.status, status);
    assert.match(result.stderr, words);
  });
}
