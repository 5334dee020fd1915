// Tests time budgets with a simulated clock: how many steps are chosen, how a run that falls behind continues, and what is reported.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Budget, thinned } from '../../web/worker/budget.js';

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

test('a budget below one evaluation still gives one step, and is reported as exceeded', () => {
  const { time, now } = clock();
  const budget = new Budget(5, now);
  time.now += 10;
  budget.note(10);
  assert.equal(budget.steps(64, true), 1);
  time.now += 20;
  assert.deepEqual(budget.finish(), {
    askedMs: 5,
    kept: false,
    reason: 'The run took 30 ms; one evaluation takes 10.0 ms here.',
  });
});

test('a run that falls behind continues from the same noise in as many steps as fit', () => {
  const { time, now } = clock();
  const budget = new Budget(1000, now);
  budget.note(10);
  assert.equal(budget.behind(90), false);
  time.now = 400;
  for (let i = 0; i < 40; i++) budget.note(20);
  assert.equal(budget.behind(50), true, '600 ms do not hold 50 evaluations of 20 ms');
  assert.equal(budget.behind(29), false, 'they hold 29, without a reserve');
  assert.equal(budget.fitting, 27, 'and 27 with one');
  const rest = thinned({ steps: 80, position: 30 }, budget.fitting, true);
  assert.deepEqual(rest, { steps: 42, position: 16 }, '26 steps and the denoiser');
  assert.ok(Math.abs(rest.position / rest.steps - 30 / 80) < 0.5 / rest.steps);
  budget.change(30, rest.steps);
  const { kept, reason, changes } = budget.finish();
  assert.deepEqual([kept, changes], [true, [{ after: 30, steps: 42 }]]);
  assert.match(reason, /Fewer steps after step 30\./);
});

test('one slow evaluation does not decide the pace, and the last step opens all masks', () => {
  const { time, now } = clock();
  const budget = new Budget(1000, now);
  for (let i = 0; i < 20; i++) budget.note(10);
  budget.note(60);
  time.now = 500;
  assert.equal(budget.behind(24), false);
  time.now = 910;
  assert.deepEqual([budget.behind(5), budget.fitting], [true, 4]);
  time.now = 999;
  assert.deepEqual([budget.behind(2), budget.behind(1), budget.fitting], [true, false, 1]);
  assert.deepEqual(thinned({ steps: 8, position: 3 }, 1, true), { steps: 1, position: 1 }, 'the denoiser at once');
  assert.deepEqual(
    thinned({ steps: 8, position: 4 }, 1, false),
    { steps: 2, position: 1 },
    'or the last step, where there is none',
  );
});

test('a shortened run continues at the noise of the present step, within half a step, and resume finds the same place', () => {
  for (let steps = 1; steps <= 40; steps++) {
    for (let position = 0; position < steps; position++) {
      for (let ahead = 1; ahead < steps - position; ahead++) {
        const rest = thinned({ steps, position }, ahead, false);
        assert.equal(rest.steps - rest.position, ahead);
        assert.equal(
          rest.position,
          Math.round((position * rest.steps) / steps),
          JSON.stringify({ steps, position, ahead, rest }),
        );
      }
    }
  }
});
