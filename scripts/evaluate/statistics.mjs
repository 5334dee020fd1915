// Small statistics: means with errors, and the interval of a share.
export const sum = (values) => values.reduce((total, value) => total + value, 0);
export const mean = (values) => sum(values) / values.length;

/** Standard error of the mean; 0 for a single value. */
export function standardError(values) {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1) / values.length);
}

const Z = 1.959964; // 95 %

/** Wilson's 95 % interval of hits / count. */
export function shareInterval(hits, count) {
  const share = hits / count;
  const middle = (share + Z ** 2 / (2 * count)) / (1 + Z ** 2 / count);
  const half = (Z / (1 + Z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** exp of a mean with its 95 % interval. */
export const perplexity = (nats, error) => ({
  ppl: Math.exp(nats),
  pplInterval: [Math.exp(nats - Z * error), Math.exp(nats + Z * error)],
});

/** y at x on the line through points sorted by x; null outside of them. */
export function interpolate(points, x) {
  const sorted = [...points].sort((a, b) => a[0] - b[0]);
  const above = sorted.findIndex((point) => point[0] >= x);
  if (above < 0 || (above === 0 && sorted[0][0] !== x)) return null;
  if (above === 0) return sorted[0][1];
  const [[x0, y0], [x1, y1]] = [sorted[above - 1], sorted[above]];
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/** Numbers in [0, 1) from a seed (mulberry32): which items, which endings; never the models' draws. */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` of the list, evenly spread, all where there are no more. */
export const spread = (list, count) =>
  list.length <= count ? list : Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]);
