// A network that reads only known tokens and opening masks: the engine's probabilities are PyTorch's. Skipped where Python has no PyTorch.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const MODEL = path.join(ROOT, 'models/sedd-nano');
const python = [process.env.PYTHON, 'python3', '/usr/bin/python3']
  .filter(Boolean)
  .find((name) => spawnSync(name, ['-c', 'import torch, numpy']).status === 0);
const work = mkdtempSync(path.join(os.tmpdir(), 'sedd-known-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

const call = (file, args) => {
  const result = spawnSync(file, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  assert.equal(result.status, 0, result.stderr.slice(-2000));
  return result.stdout;
};

for (const way of [
  ['--positions', 'fixed', '--order', 'spread', '--grid', 'cosine'],
  ['--positions', 'normalised'],
]) {
  test(`the known context is PyTorch's, ${way.join(' ')}`, {
    skip: python ? false : 'Python has no torch and numpy',
  }, () => {
    const trace = path.join(work, 'run.json');
    call(path.join(ROOT, 'build/native/sedd'), [
      'sample',
      MODEL,
      '--dtype',
      'f32',
      '--steps',
      '6',
      '--seed',
      '8',
      '--temperature',
      '1',
      '--top-p',
      '1',
      ...way,
      '--context',
      'known',
      '--hold',
      '0:5,40:17,41:300,127:9',
      '--trace',
      trace,
    ]);
    const { events } = JSON.parse(readFileSync(trace, 'utf8'));
    const torch = JSON.parse(call(python, [path.join(ROOT, 'tests/train/known.py'), MODEL, trace]));
    const pairs = events.flatMap(({ confidence = [] }, i) => confidence.map((own, j) => [own, torch[i][j]]));
    assert.equal(pairs.length, 124);
    // A trace has four digits; log-scores of the exported models agree to 1e-4 (pipeline.test.mjs).
    const far = Math.max(...pairs.map(([own, theirs]) => Math.abs(own / theirs - 1)));
    assert.ok(far < 1e-3, `the largest difference is a share of ${far}`);
  });
}
