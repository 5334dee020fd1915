// Statistics and MAUVE against values from elsewhere.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { frontierArea, kMeans, mauve } from '../../scripts/evaluate/mauve.mjs';
import {
  generator,
  interpolate,
  perplexity,
  shareInterval,
  spread,
  standardError,
} from '../../scripts/evaluate/statistics.mjs';

const near = (value, expected, tolerance = 1e-9) =>
  assert.ok(Math.abs(value - expected) <= tolerance, `${value} is not ${expected}`);

test('Wilson intervals are those of the tables', () => {
  const [low, high] = shareInterval(8, 10); // 0.4902 to 0.9433
  near(low, 0.490162, 1e-6);
  near(high, 0.943318, 1e-6);
  near(shareInterval(0, 20)[1], 0.161125, 1e-5);
});

test('means, intervals, lines', () => {
  near(standardError([1, 2, 3, 4]), Math.sqrt(5 / 3 / 4));
  near(perplexity(Math.log(20), 0.1).pplInterval[1], 20 * Math.exp(0.1959964));
  near(
    interpolate(
      [
        [3, 30],
        [1, 10],
      ],
      2,
    ),
    20,
  );
  assert.equal(
    interpolate(
      [
        [1, 10],
        [3, 30],
      ],
      3.5,
    ),
    null,
  );
  assert.deepEqual(spread([1, 2, 3, 4, 5, 6], 3), [1, 3, 5]);
  assert.notEqual(generator(1)(), generator(2)());
});

// Values from numpy with 100,000 mixtures; 25 leave a little of the area out.
test('the frontier\u2019s area is the divergence frontier\u2019s', () => {
  near(frontierArea([0.5, 0.5], [0.5, 0.5]), 1, 1e-12);
  near(frontierArea([0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]), 1, 1e-12);
  for (const [p, q, area] of [
    [[0.5, 0.5], [0.6, 0.4], 0.99836],
    [[0.5, 0.5], [0.9, 0.1], 0.67127],
    [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], 0.21846],
    [[0.5, 0.5, 0], [0, 0.5, 0.5], 0.09204],
  ])
    near(frontierArea(p, q), area, 0.005);
});

const cloud = (seed, count, centre) => {
  const random = generator(seed);
  return Array.from({ length: count }, () => centre.map((value) => value + random() - 0.5));
};

test('k-means finds clouds that lie apart', () => {
  const labels = kMeans(
    [...cloud(1, 20, [9, 0]), ...cloud(2, 20, [0, 9]), ...cloud(3, 20, [-9, -9])].map((v) => Float64Array.from(v)),
    3,
    5,
  );
  for (const part of [0, 20, 40]) assert.equal(new Set(labels.slice(part, part + 20)).size, 1);
  assert.equal(new Set(labels).size, 3);
});

test('MAUVE is near 1 for the same kind of text, near 0 for another, and between for a mixture', () => {
  const same = mauve(cloud(1, 100, [1, 1, 5, 0]), cloud(2, 100, [1, 1, 5, 0]), 0);
  const apart = mauve(cloud(1, 100, [1, 1, 5, 0]), cloud(2, 100, [-5, 1, 1, 0]), 0);
  const half = mauve(cloud(1, 100, [1, 1, 5, 0]), [...cloud(2, 50, [1, 1, 5, 0]), ...cloud(3, 50, [-5, 1, 1, 0])], 0);
  assert.ok(same > 0.8, `${same}`);
  assert.ok(apart < 0.02, `${apart}`);
  assert.ok(half > apart + 0.05 && half < same - 0.05, `${half}`);
});
