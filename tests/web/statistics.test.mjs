// Tests the statistics module against values computed by hand and from tables.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
  breakEven,
  interpolate,
  medianInterval,
  perplexity,
  quantile,
  quartiles,
  shareInterval,
  standardError,
} from '../../web/client/statistics.js';

const near = (value, expected, tolerance = 1e-9) =>
  assert.ok(Math.abs(value - expected) <= tolerance, `${value} is not ${expected}`);

test('break-even is where the lines cross', () => {
  assert.equal(breakEven([4, 8], [40, 80], 60), 6);
  assert.equal(breakEven([4, 8], [40, 80], 20), 2, 'before the first, from (0, 0)');
  assert.equal(breakEven([4, 8], [40, 80], 120), 12, 'after the last, drawn on');
  assert.equal(breakEven([10], [100], 50), 5);
  assert.equal(breakEven([2, 4, 8], [30, 40, 80], 35), 3);
});

test('medians, quartiles and intervals by hand', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.25), 1.75);
  assert.deepEqual(quartiles([4, 1, 3, 2]), { median: 2.5, q1: 1.75, q3: 3.25 });
  assert.deepEqual(quartiles([7]), { median: 7, q1: 7, q3: 7 });
  // Binomial(10, 1/2): P(X <= 1) = 0.0107, P(X <= 2) = 0.0547; so one is left out at each end.
  assert.deepEqual(medianInterval([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), { median: 5.5, low: 2, high: 9 });
  assert.deepEqual(medianInterval([1, 2, 3, 4, 5, 6]), { median: 3.5, low: 1, high: 6 });
  // Binomial(20, 1/2): P(X <= 5) = 0.0207, P(X <= 6) = 0.0577
  const twenty = Array.from({ length: 20 }, (_, i) => i);
  assert.deepEqual([medianInterval(twenty).low, medianInterval(twenty).high], [5, 14]);
});

test('Wilson intervals are those of the tables', () => {
  const [low, high] = shareInterval(8, 10); // 0.4902 to 0.9433
  near(low, 0.490162, 1e-6);
  near(high, 0.943318, 1e-6);
  near(shareInterval(0, 20)[1], 0.161125, 1e-5);
});

test('means have errors, except those of a single value', () => {
  near(standardError([1, 2, 3, 4]), Math.sqrt(5 / 3 / 4));
  assert.ok(Number.isNaN(standardError([3])) && Number.isNaN(standardError([])));
  near(perplexity(Math.log(20), 0.1).pplInterval[1], 20 * Math.exp(0.1959964));
});

test('interpolation works between points and gives nothing outside of them', () => {
  const points = [
    [3, 30],
    [1, 10],
  ];
  near(interpolate(points, 2), 20);
  near(interpolate(points, 1), 10);
  assert.equal(interpolate(points, 3.5), null);
  assert.equal(interpolate(points, 0.5), null);
  assert.equal(interpolate([], 1), null);
});
