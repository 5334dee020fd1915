// Formats numbers for the tables, and makes cells that say where a figure comes from.
export const measured = (text, note) => ({ text, state: 'measured', note });
export const published = (text) => ({ text, state: 'published' });
export const missing = { text: '', state: 'missing' };
export const STATES = { measured: 'measured here', published: 'published', missing: 'not yet' };

/** Returns three or four significant digits, or a dash for a number that is missing or unknown (NaN, null in JSON). */
export function figure(value, digits = 3) {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 10 ** digits) return Math.round(value).toLocaleString('en');
  return Number(value).toPrecision(digits);
}

export const fixed = (value, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : '–');
export const percent = (share) => fixed(share * 100, 1);
/** Returns a value with its error, or without it where a single value gives no error. */
export const withError = (value, error, digits = 3, errorDigits = digits) =>
  Number.isFinite(error) ? `${fixed(value, digits)} ± ${fixed(error, errorDigits)}` : fixed(value, digits);
export const range = ([low, high], digits = 3) => `${figure(low, digits)} to ${figure(high, digits)}`;
export const duration = (seconds) =>
  seconds < 100
    ? `${figure(seconds, 2)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${figure(seconds / 3600, 2)} h`;

/** Returns a cell made from a row, or "not yet" without a row. `make` returns its text, or its text and note. */
export const or = (row, make) => (row ? measured(...[make(row)].flat()) : missing);
