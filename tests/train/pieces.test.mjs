// Runs the tests of scripts/train that need one process only: optimisers, prepare.py, packs, states, configurations.
import { test } from 'node:test';
import { call, python, ROOT, skip } from './python.mjs';

test('optimisers, packs, states and configurations', { skip }, () => {
  call(ROOT, python, ['tests/train/pieces.py']);
});
