// Compares the engine's probabilities with PyTorch's, for a network that reads only known tokens and opening masks. Skipped if Python has no PyTorch.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as tools from './python.mjs';

const { ROOT, TOOL, python, skip } = tools;
const MODEL = path.join(ROOT, 'models/sedd-nano');
const work = tools.scratch('known');
const call = (file, args) => tools.call(work, file, args);

for (const way of [
  ['--positions', 'planned', '--order', 'spread', '--grid', 'cosine'],
  ['--positions', 'normalised'],
]) {
  test(`the known context is PyTorch's, ${way.join(' ')}`, { skip }, () => {
    const trace = path.join(work, 'run.json');
    call(TOOL, [
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
