// MAUVE (Pillutla et al. 2021): how alike two sets of texts are, from vectors of their last hidden states. Both sets are put into
// k clusters together; P and Q are the sets' histograms; the divergence frontier of mixtures R = lP + (1-l)Q is drawn by
// (exp(-c KL(Q|R)), exp(-c KL(P|R))), c = 5, and the area under it is the score: 1 for equal sets, 0 for apart ones.
// As the published code: vectors of length 1, k = a tenth of the smaller set, 25 mixtures, the best of several k-means. Not as it: no
// PCA before the clusters (it serves speed).
import { generator } from './statistics.mjs';

const SCALE = 5;
const MIXTURES = 25;
const RESTARTS = 5;
const ROUNDS = 100;

const unit = (vector) => {
  const length = Math.hypot(...vector) || 1;
  return Float64Array.from(vector, (value) => value / length);
};

function distance(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] - b[i]) ** 2;
  return total;
}

/** Starting centres far from each other (k-means++). */
function seedCentres(points, k, random) {
  const centres = [points[Math.floor(random() * points.length)]];
  const nearest = points.map((point) => distance(point, centres[0]));
  while (centres.length < k) {
    let left = random() * nearest.reduce((total, value) => total + value, 0);
    let chosen = nearest.findIndex((value) => (left -= value) < 0);
    if (chosen < 0) chosen = points.length - 1;
    centres.push(points[chosen]);
    points.forEach((point, i) => {
      nearest[i] = Math.min(nearest[i], distance(point, points[chosen]));
    });
  }
  return centres;
}

function assign(points, centres) {
  let error = 0;
  const labels = points.map((point) => {
    let best = 0;
    let least = Infinity;
    centres.forEach((centre, k) => {
      const value = distance(point, centre);
      if (value < least) [best, least] = [k, value];
    });
    error += least;
    return best;
  });
  return { labels, error };
}

/** Means of the clusters; an empty one keeps its centre. */
function centresOf(points, labels, before) {
  const sums = before.map((centre) => new Float64Array(centre.length));
  const counts = before.map(() => 0);
  points.forEach((point, i) => {
    counts[labels[i]]++;
    for (let d = 0; d < point.length; d++) sums[labels[i]][d] += point[d];
  });
  return sums.map((total, k) => (counts[k] ? total.map((value) => value / counts[k]) : before[k]));
}

/** @returns {number[]} cluster of each point, the best of several starts */
export function kMeans(points, k, seed) {
  let best = { labels: [], error: Infinity };
  for (let restart = 0; restart < RESTARTS; restart++) {
    let centres = seedCentres(points, k, generator(seed + restart));
    let found = assign(points, centres);
    for (let round = 0, before = Infinity; round < ROUNDS && found.error < before; round++) {
      before = found.error;
      centres = centresOf(points, found.labels, centres);
      found = assign(points, centres);
    }
    if (found.error < best.error) best = found;
  }
  return best.labels;
}

const divergence = (p, r) => p.reduce((total, value, i) => total + (value > 0 ? value * Math.log(value / r[i]) : 0), 0);

/** Area under the divergence frontier of two histograms. */
export function frontierArea(p, q) {
  const points = [
    [0, 1],
    [1, 0],
  ];
  for (let i = 1; i <= MIXTURES; i++) {
    const share = i / (MIXTURES + 1);
    const r = p.map((value, k) => share * value + (1 - share) * q[k]);
    points.push([Math.exp(-SCALE * divergence(q, r)), Math.exp(-SCALE * divergence(p, r))]);
  }
  points.sort(([ax, ay], [bx, by]) => ax - bx || by - ay);
  let area = 0;
  for (let i = 1; i < points.length; i++)
    area += ((points[i][0] - points[i - 1][0]) * (points[i][1] + points[i - 1][1])) / 2;
  return area;
}

/** @param {number[][]} a vectors of one set @param {number[][]} b of the other */
export function mauve(a, b, seed = 0) {
  const k = Math.max(2, Math.round(Math.min(a.length, b.length) / 10));
  const labels = kMeans([...a, ...b].map(unit), k, seed);
  const histogram = (part) =>
    Array.from({ length: k }, (_, label) => part.filter((value) => value === label).length / part.length);
  return frontierArea(histogram(labels.slice(0, a.length)), histogram(labels.slice(a.length)));
}
