// `sedd bench --twin`: the quality columns against the tool's other commands on the same seeds, and what it refuses.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
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
  const { status, stdout, stderr } = call('bench', 'models/sedd-nano', '--twin', 'models/gpt2-nano', '--judge', 'models/gpt2-nano', '--runs', String(ROUNDS), '--seed', '40', '--json');
  assert.equal(status, 0, stderr);
  const { rows, break_even_steps: star, break_even_interval: [low, high] } = JSON.parse(stdout);
  assert.deepEqual(rows.map(({ steps }) => steps), [4, 8, 16, 32, 64, 128, null]);
  for (const { ms, interval } of rows) assert.ok(interval[0] > 0 && interval[0] <= ms && ms <= interval[1]);
  assert.ok(low > 0 && low <= star && star <= high);

  // the same texts by other commands: rounds take the seeds behind the given one
  const seeds = Array.from({ length: ROUNDS }, (_, i) => String(41 + i));
  const idsOf = (...args) => seeds.map((seed) => JSON.parse(call(...args, '--seed', seed, '--json').stdout).ids);
  const nats = (ids) => JSON.parse(call('nll', 'models/gpt2-nano', '--ids', ids.join(','), '--json').stdout).nats_per_token;
  for (const [row, texts] of [[rows[1], idsOf('sample', 'models/sedd-nano', '--steps', '8')], [rows[6], idsOf('generate', 'models/gpt2-nano', '--prompt', '', '--tokens', '128')]]) {
    for (const ids of texts) assert.equal(ids.length, 128);
    near(row.entropy, mean(texts.map(entropy)), 1e-5);
    near(row.perplexity, Math.exp(mean(texts.map(nats))), 0.006);
  }
});

for (const [name, args, status, words] of [
  ['a twin that is a SEDD', ['--twin', 'models/sedd-nano'], 1, /models\/sedd-nano does not fit: expected a GPT-2 with 2048 tokens and 128 positions or more/],
  ['too few rounds for an interval', ['--twin', 'models/gpt2-nano', '--runs', '5'], 2, /--runs expects/],
  ['a text longer than the twin writes', ['--twin', 'models/gpt2-nano', '--length', '4096'], 1, /does not fit/],
]) {
  test(`${name} is refused`, () => {
    const result = call('bench', 'models/sedd-nano', ...args);
    assert.equal(result.status, status);
    assert.match(result.stderr, words);
  });
}
