// Compares the engine's log-probabilities with PyTorch's for an MDLM as scripts/train writes it. Skipped if Python has no PyTorch.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import * as tools from './python.mjs';

const { ROOT, TOOL, python, skip } = tools;
const work = tools.scratch('mdlm');
const SIGMA = 0.7;

test('the engine reads an MDLM that scripts/train writes, with the same log-probabilities', { skip }, () => {
  const folder = path.join(work, 'model');
  const { ids, logprob } = JSON.parse(tools.call(work, python, [path.join(ROOT, 'tests/train/mdlm.py'), folder]));
  const info = JSON.parse(tools.call(work, TOOL, ['info', folder]));
  assert.deepEqual([info.family, info.time_free, info.tokens, info.mask_id], ['MDLM', true, 61, 61]);
  const { logscore } = JSON.parse(tools.call(work, TOOL, ['score', folder, '--ids', ids.join(','), '--sigma', SIGMA]));
  const masks = ids.flatMap((id, i) => (id === info.mask_id ? [i] : []));
  assert.equal(masks.length, logprob.length);
  // A normalised model's log-score is its log-probability less ln(e^sigma - 1).
  const far = masks.map((place, i) =>
    logprob[i].map((value, y) => Math.abs(logscore[place][y] + Math.log(Math.expm1(SIGMA)) - value)),
  );
  assert.ok(Math.max(...far.flat()) < 1e-4, `the largest difference is ${Math.max(...far.flat())}`);
  assert.equal(logscore[0][ids[0]], 0);
  assert.equal(logscore[0][1], -Infinity);
});
