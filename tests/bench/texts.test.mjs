// Times whole texts in wasm: every requested row is there, more steps take longer, and T* follows from the rows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const call = (...args) =>
  spawnSync(process.execPath, ['scripts/bench/texts.mjs', 'models/sedd-nano', 'models/gpt2-nano', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });

test('whole texts are timed beside the twin', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'texts-'));
  const { status, stderr } = call(
    '--wasm',
    'simd',
    '--length',
    '48',
    '--steps',
    '1,8',
    '--rounds',
    '6',
    '--positions',
    'planned',
    '--order',
    'spread',
    '--json',
    path.join(folder, 'out.json'),
  );
  assert.equal(status, 0, stderr);
  const { rows, sampling, breakEven, kernels } = JSON.parse(readFileSync(path.join(folder, 'out.json'), 'utf8'));
  rmSync(folder, { recursive: true });
  assert.equal(kernels, 'simd128');
  assert.deepEqual(sampling, { positions: 'planned', order: 'spread' });
  assert.deepEqual(
    rows.map(({ steps }) => steps),
    [1, 8, null],
  );
  for (const { median, low, high } of rows) assert.ok(low > 0 && low <= median && median <= high);
  assert.ok(rows[1].low > 2 * rows[0].low, 'eight evaluations take longer than one');
  assert.ok(breakEven.low > 0 && breakEven.low <= breakEven.high);
});

test('an unknown option is refused', () => {
  const { status, stderr } = call('--stepz', '4');
  assert.equal(status, 2);
  assert.match(stderr, /usage: node scripts\/bench\/texts.mjs/);
});
