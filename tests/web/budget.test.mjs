// A time budget on a clock of its own: how many steps are chosen, when the denoiser comes early, what is reported.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Budget } from '../../web/budget.js';

function clock() {
  const time = { now: 0 };
  return { time, now: () => time.now };
}

test('the steps that fit are chosen, with a reserve and the denoiser counted', () => {
  const { time, now } = clock();
  const budget = new Budget(1000, now);
  time.now += 10;
  budget.note(10);
  assert.equal(budget.steps(500, true), 89, '990 ms hold 90 evaluations of 11 ms, one of them the denoiser');
  assert.equal(budget.steps(500, false), 90);
  assert.equal(budget.steps(20, true), 20, 'never more than asked');
  assert.match(new Budget(1, now).report.kept ? 'kept' : '', /kept/);
});

test('a budget below one evaluation still gives one step, and says that it was not kept', () => {
  const { time, now } = clock();
  const budget = new Budget(5, now);
  time.now += 10;
  budget.note(10);
  assert.equal(budget.steps(64, true), 1);
  time.now += 20;
  assert.deepEqual(budget.finish(), { askedMs: 5, kept: false, reason: 'The run took 30 ms, although it made as few evaluations as it can: one takes 10.0 ms here.' });
});

test('a run that falls behind ends with the denoiser in time', () => {
  const { time, now } = clock();
  const budget = new Budget(100, now);
  budget.note(10);
  assert.equal(budget.late(9), false);
  time.now = 70;
  budget.note(20);
  assert.equal(budget.late(5), true, '30 ms hold one evaluation of 22 ms, not two');
  assert.equal(budget.late(1), false, 'the last one is the denoiser itself');
  budget.cut(3, 8);
  time.now = 92;
  const { kept, reason, cutAfter } = budget.finish();
  assert.deepEqual([kept, cutAfter], [true, 3]);
  assert.match(reason, /Steps became slower \(20\.0 ms\), so the denoiser came after step 3 of 8/);
});
