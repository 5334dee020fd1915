// Tests the list of runs: repeated runs, merged runs, forgotten runs, and runs that are restored (web/page/runs.js).
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Run, Runs } from '../../web/page/runs.js';
import { History } from '../../web/view/history.js';

/**
 * Returns a finished run of four tokens. `steps` has a list of [position, id] pairs for each step, which fills them in.
 */
function made(steps, { model = 'm', origin = 'live', ...more } = {}) {
  const history = new History({ ids: [9, 9, 9, 9], texts: [null, null, null, null] });
  steps.forEach((pairs, step) =>
    history.add({
      step: step + 1,
      sigma: 1,
      positions: pairs.map(([position]) => position),
      ids: pairs.map(([, id]) => id),
      texts: pairs.map(([, id]) => String(id)),
    }),
  );
  return Object.assign(new Run({ history, options: { seed: '1' }, origin, model, ...more }), { done: true });
}
const FIRST = [
  [
    [0, 1],
    [2, 5],
  ],
  [
    [1, 3],
    [3, 4],
  ],
];

test('a run repeats another when it opens the same tokens in the same steps, in any order within a step', () => {
  const run = made(FIRST);
  const turned = FIRST.map((pairs) => pairs.toReversed());
  assert.ok(run.repeats(made(turned)));
  assert.ok(!run.repeats(made(FIRST, { model: 'other' })));
  assert.ok(!run.repeats(made(FIRST.toReversed())), 'the same text by another way is another run');
  assert.ok(!run.repeats(made([FIRST[0], [[1, 3]]])));
});

test('of two runs that repeat each other the older stays, and counts as live once it was computed', () => {
  const runs = new Runs();
  const recorded = runs.add(made(FIRST, { origin: 'recorded' }));
  const live = runs.add(made(FIRST));
  assert.equal(runs.merge(live), recorded);
  assert.deepEqual([runs.list, runs.current, recorded.origin], [[recorded], recorded, 'live']);
  const other = runs.add(made(FIRST.toReversed()));
  assert.equal(runs.merge(other), other);
  assert.equal(runs.list.length, 2);
});

test('what was forgotten comes back in its old order', () => {
  const runs = new Runs();
  const [root, other] = [runs.add(made(FIRST)), runs.add(made(FIRST.toReversed()))];
  const branch = runs.add(made([FIRST[0], [[1, 7]]], { parent: root, from: 1 }));
  runs.keep(branch);
  assert.deepEqual(runs.list, [root, branch]);
  assert.deepEqual(runs.forgotten, [other]);
  const later = runs.add(made([[[0, 8]]]));
  runs.restore();
  assert.deepEqual(runs.list, [root, other, branch, later]);
  assert.equal(runs.current, later);
  assert.deepEqual(runs.forgotten, []);
});
