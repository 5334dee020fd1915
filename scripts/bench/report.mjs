/** Results as rows for JSON and as tables for people. */
import { MODELS, limitMs, operationsOf } from './works.mjs';

const sorted = (values) => [...values].sort((a, b) => a - b);

/** Linear interpolation between order statistics. */
export function quantile(values, q) {
  const list = sorted(values);
  const at = (list.length - 1) * q;
  const low = Math.floor(at);
  return list[low] + (at - low) * ((list[low + 1] ?? list[low]) - list[low]);
}

/**
 * One row a work, engine, dtype, build and number of threads. `share_of_peak` is the machine's limit, with its best instructions
 * in this browser, over the time; `share_of_set` the same with the instructions the engine was built for.
 */
export function rowOf({ name, work, engine, dtype, kernels, threads, times, load, checked, others, before }, peaks, quick) {
  const median = quantile(times, 0.5);
  return {
    work: name, engine, dtype, kernels, threads, median_ms: median, gops: operationsOf(work, quick) / median / 1e6,
    share_of_peak: limitMs(work, dtype, 'relaxed', peaks[threads], quick) / median,
    share_of_set: limitMs(work, dtype, kernels, peaks[threads], quick) / median,
    quartile_ms: [quantile(times, 0.25), quantile(times, 0.75)], times_ms: times, load_ms: load, checked,
    other_cores: others, other_cores_before: before,
  };
}

const PEERS = (row) => row.engine !== 'sedd-web';

/** The fastest peer's row for the same work and threads, of any dtype (or of f32 for f32). */
export function fastestPeer(rows, row) {
  const peers = rows.filter((item) => PEERS(item) && item.work === row.work && item.threads === row.threads && (row.dtype !== 'f32' || item.dtype === 'f32'));
  return peers.length ? peers.reduce((best, item) => (item.median_ms < best.median_ms ? item : best)) : null;
}

const ms = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const percent = (value) => `${(100 * value).toFixed(0)} %`;
const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');

function speedTable(rows) {
  return table(['work', 'engine', 'dtype', 'kernels', 'threads', 'median ms', 'middle half', 'runs', 'GOP/s', 'of the limit', 'of its instructions', 'times the fastest peer'],
    rows.map((row) => {
      const peer = PEERS(row) ? null : fastestPeer(rows, row);
      return [row.work, row.engine, row.dtype, row.kernels, row.threads, ms(row.median_ms), row.quartile_ms.map(ms).join(' to '), row.times_ms.length,
        row.gops.toPrecision(3), percent(row.share_of_peak), percent(row.share_of_set), peer ? (peer.median_ms / row.median_ms).toFixed(2) : ''];
    }));
}

function peakTable(peaks) {
  const threads = Object.keys(peaks);
  const names = { f32_simd128: 'f32 multiply + add, simd128, GOP/s', f32_relaxed: 'f32 multiply-add, relaxed, GOP/s', int8_simd128: 'int8 widened, simd128, GOP/s',
    int8_relaxed: 'int8 dot product, relaxed, GOP/s', int8_relaxed16: 'int8 dot product of two, relaxed, GOP/s', l1: 'read 16 KiB, GB/s', l2: 'read 1 MiB, GB/s', llc: 'read 8 MiB, GB/s', memory: 'read 256 MiB, GB/s' };
  return table(['limit', ...threads.map((count) => `${count} thread${count > 1 ? 's' : ''}`)],
    Object.entries(names).map(([name, label]) => [label, ...threads.map((count) => peaks[count][name].toFixed(1))]));
}

/** 128 tokens: GPT-2 against k denoise steps of a SEDD of its size, by the fastest row of each. */
function textTable(rows) {
  const SIZES = ['small', '10m', 'nano'];
  const best = (work, threads, own) => rows.filter((row) => row.work === work && row.threads === threads && PEERS(row) !== own)
    .reduce((least, row) => Math.min(least, row.median_ms), Infinity);
  const lines = SIZES.flatMap((size) => [...new Set(rows.map((row) => row.threads))].map((threads) => {
    const [peer, twin, step] = [best(`gpt2-${size}-decode`, threads, false), best(`gpt2-${size}-decode`, threads, true), best(`sedd-${size}-step-128`, threads, true)];
    const text = (value) => (Number.isFinite(value) ? ms(value) : '–');
    const times = (value) => (Number.isFinite(value) ? `${value.toFixed(2)}x` : '–');
    return { known: Number.isFinite(twin) && Number.isFinite(step), cells: [size, threads, text(128 * peer), text(128 * twin), text(8 * step), times((16 * peer) / step),
      times((16 * twin) / step), ((128 * twin) / step).toFixed(1)] };
  })).filter((line) => line.known);
  return lines.length === 0 ? '' : table(['size', 'threads', "fastest peer's GPT-2, ms", 'our GPT-2, ms', 'SEDD in 8 steps, ms', 'against the peer', 'against our GPT-2', 'break-even steps'], lines.map((line) => line.cells));
}

function loadTable(loads) {
  return table(['model', 'engine', 'dtype', 'download, MB', 'open, ms', 'first run, ms', 'peak memory, MiB'],
    loads.map((row) => [row.model, row.engine, row.dtype, (row.bytes / 1e6).toFixed(1), ms(row.open_ms), ms(row.first_ms), row.peak_mib.toFixed(0)]));
}

/** The whole run as Markdown. */
export function markdown({ environment: e, peaks, rows, loads }) {
  const busy = Math.max(...rows.map((row) => row.other_cores ?? 0));
  return `${[
    `${e.processor}, ${e.cores} cores, ${e.memoryGiB} GiB, ${e.system}; ${e.host}; onnxruntime-web ${e.onnxruntimeWeb}, wllama ${e.wllama}; commit ${e.commit}, ${e.date.slice(0, 10)}.`,
    `Contenders took turns; other programs used up to ${busy.toFixed(2)} cores${busy > 0.2 ? ' (**not a quiet machine**: trust ratios, not times)' : ''}.`,
    "Limits of the machine, measured in the same run:", peakTable(peaks),
    'A denoise step runs every row through the vocabulary head; a decode step is one token with the cache. SEDD-web\'s times include the draw.', speedTable(rows),
    ...(textTable(rows) ? ['128 tokens, prompt not counted:', textTable(rows)] : []),
    ...(loads.length ? ['Loading from this machine\'s disk in a fresh browser, one thread:', loadTable(loads)] : []),
  ].join('\n\n')}\n`;
}
