/**
 * The statistics of every experiment: the page's comparison, scripts/bench and scripts/evaluate. The interval of a
 * median lies between order statistics, which is valid for any distribution; other intervals are normal or Wilson's.
 * The spread of a single value is NaN, never 0.
 */

const Z = 1.959964; // the normal distribution's 97.5 % point

/** @param {number[]} values */
export const sum = (values) => values.reduce((total, value) => total + value, 0);

/** @param {number[]} values */
export const mean = (values) => sum(values) / values.length;

/** Returns the standard error of the mean, NaN for fewer than two values. @param {number[]} values */
export function standardError(values) {
  if (values.length < 2) return NaN;
  const middle = mean(values);
  return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1) / values.length);
}

/** @param {number[]} values */
const ascending = (values) => [...values].sort((a, b) => a - b);

/**
 * Returns the value below which a share of the values lies, interpolated between order statistics.
 * @param {number[]} values
 * @param {number} share
 */
export function quantile(values, share) {
  const sorted = ascending(values);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** Returns the median and the middle half. @param {number[]} values @returns {{median: number, q1: number, q3: number}} */
export const quartiles = (values) => ({
  median: quantile(values, 0.5),
  q1: quantile(values, 0.25),
  q3: quantile(values, 0.75),
});

/**
 * Returns how many values can be dropped at each end so that the others span the median with 95 %; 0 for fewer than 9.
 * @param {number} n
 */
function leaveOut(n) {
  let term = 2 ** -n; // probability of exactly `out` of n values below the median
  let below = term;
  let out = 0;
  for (; below <= 0.025; below += term) term *= (n - out) / ++out;
  return Math.max(0, out - 1);
}

/** Returns the median with its 95 % interval. @param {number[]} values @returns {{median: number, low: number, high: number}} */
export function medianInterval(values) {
  const sorted = ascending(values);
  const out = leaveOut(sorted.length);
  return { median: quantile(sorted, 0.5), low: sorted[out], high: sorted[sorted.length - 1 - out] };
}

/**
 * Returns the number of steps that take as long as the twin in one round: on the line through (0, 0) and the measured
 * (steps, ms), extended beyond the last point.
 * @param {number[]} steps ascending @param {number[]} ms @param {number} twinMs
 */
export function breakEven(steps, ms, twinMs) {
  let [place, time, slope] = [0, 0, 0];
  for (let i = 0; i < steps.length; i++) {
    slope = (ms[i] - time) / (steps[i] - place);
    if (ms[i] >= twinMs || i + 1 === steps.length) break;
    [place, time] = [steps[i], ms[i]];
  }
  return place + (twinMs - time) / Math.max(slope, 1e-9);
}

/** Returns Wilson's 95 % interval of the share hits / count. @param {number} hits @param {number} count */
export function shareInterval(hits, count) {
  const share = hits / count;
  const middle = (share + Z ** 2 / (2 * count)) / (1 + Z ** 2 / count);
  const half = (Z / (1 + Z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Returns the perplexity of a mean of nats with its 95 % interval. @param {number} nats @param {number} error */
export const perplexity = (nats, error) => ({
  ppl: Math.exp(nats),
  pplInterval: [Math.exp(nats - Z * error), Math.exp(nats + Z * error)],
});

/** Returns y at x on the line through points in any order; null outside of them. @param {[number, number][]} points @param {number} x */
export function interpolate(points, x) {
  const sorted = [...points].sort((a, b) => a[0] - b[0]);
  const above = sorted.findIndex((point) => point[0] >= x);
  if (above < 0 || (above === 0 && sorted[0][0] !== x)) return null;
  if (above === 0) return sorted[0][1];
  const [[x0, y0], [x1, y1]] = [sorted[above - 1], sorted[above]];
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
