/** Turns results into rows for JSON, and merges the reports of a run's parts. */
import { quantile } from '../../web/client/statistics.js';
import { limitMs, operationsOf, WORKS } from './works.mjs';

/** Returns the rate in operations and its shares of the machine's limits, for works that have them. */
function shares({ work: name, dtype, kernels, threads, median_ms: median, quick }, peaks) {
  const work = WORKS[name];
  const of = (set) => limitMs(work, dtype, set, peaks[threads], quick) / median;
  return { gops: operationsOf(work, quick) / median / 1e6, share_of_peak: of('relaxed'), share_of_set: of(kernels) };
}

/**
 * Returns one row for each work, engine, dtype, build and number of threads (for whole texts also writer, way and steps). `failed` says why a
 * row has no times. `share_of_peak` is the least time that the machine's best instructions in this browser allow, divided by the measured
 * time. `share_of_set` uses the instructions that the engine was built for.
 */
export function rowOf(
  { name, engine, dtype, kernels, threads, times, failed, loadMs, checked, others, before, more },
  peaks,
  quick,
) {
  const row = { work: name, engine, dtype, kernels, threads, ...more, quick };
  const about = { load_ms: loadMs, checked, other_cores: others, other_cores_before: before };
  if (failed) return { ...row, failed, median_ms: null, ...about };
  const timed = { ...row, median_ms: quantile(times, 0.5) };
  return {
    ...timed,
    ...(WORKS[name] && shares(timed, peaks)),
    quartile_ms: [quantile(times, 0.25), quantile(times, 0.75)],
    times_ms: times,
    ...about,
  };
}

/** Returns the key that equal measurements share, for a row or a load. */
const keyOf = ({ work, model, engine, dtype, kernels, threads, writer, way, steps, failed }) =>
  [work, model, engine, dtype, failed ? '' : kernels, threads, writer, way, steps].join(' ');
const later = (lists) => [...new Map(lists.flat().map((item) => [keyOf(item), item])).values()];

/** Returns the best of several measured limits, since a limit is a rate without disturbance. */
function bestLimits(list) {
  const peaks = {};
  for (const measured of list) {
    for (const [threads, rates] of Object.entries(measured)) {
      peaks[threads] ??= {};
      for (const [name, rate] of Object.entries(rates))
        peaks[threads][name] = Math.max(rate, peaks[threads][name] ?? 0);
    }
  }
  return peaks;
}

const MACHINE = ['processor', 'cores', 'memoryGiB', 'host', 'onnxruntimeWeb', 'wllama', 'litert'];

function environmentOf(environments) {
  const last = environments.at(-1);
  for (const name of MACHINE) {
    const other = environments.find((item) => item[name] !== last[name]);
    if (other) throw new Error(`pieces of one run differ in ${name}: ${other[name]} and ${last[name]}`);
  }
  return { ...last, commit: [...new Set(environments.flatMap(({ commit }) => commit.split(', ')))].join(', ') };
}

/**
 * Merges the reports of a run's parts. Takes the later of two equal measurements and the better of two limits, and computes the shares again.
 * @param {{environment: object, peaks: object, rows: object[], loads: object[]}[]} reports oldest first
 */
export function merge(reports) {
  const peaks = bestLimits(reports.map((report) => report.peaks));
  const rows = later(reports.map((report) => report.rows)).map((row) =>
    WORKS[row.work] && !row.failed ? { ...row, ...shares(row, peaks) } : row,
  );
  return {
    environment: environmentOf(reports.map((report) => report.environment)),
    peaks,
    rows,
    loads: later(reports.map((report) => report.loads)),
  };
}
