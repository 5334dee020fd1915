// Numbers as the tables write them, and cells that say where a figure comes from.
export const measured = (text, note) => ({ text, state: 'measured', note });
export const published = (text) => ({ text, state: 'published' });
export const missing = { text: '', state: 'missing' };
export const STATES = { measured: 'measured here', published: 'published', missing: 'not yet' };

/** Three or four digits that mean something. */
export function figure(value, digits = 3) {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 10 ** digits) return Math.round(value).toLocaleString('en');
  return Number(value).toPrecision(digits);
}

export const fixed = (value, digits = 2) => (value === undefined || value === null ? '–' : value.toFixed(digits));
export const percent = (share) => fixed(share * 100, 1);
export const withError = (value, error, digits = 3) => `${fixed(value, digits)} ± ${fixed(error, digits)}`;
export const range = ([low, high], digits = 3) => `${figure(low, digits)} to ${figure(high, digits)}`;
export const duration = (seconds) =>
  seconds < 100
    ? `${figure(seconds, 2)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${figure(seconds / 3600, 2)} h`;

/** A cell made from a row, or "not yet" without one; `make` gives its text, or text and note. */
export const or = (row, make) => (row ? measured(...[make(row)].flat()) : missing);
