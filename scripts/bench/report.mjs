/** Formats a report as Markdown tables. */
import { breakEven, medianInterval, quantile } from '../../web/client/statistics.js';
import { TEXT_STEPS, TEXT_TOKENS, TEXTS, VISITS, WAYS, WORKS } from './works.mjs';

const peer = (row) => row.engine !== 'sedd-web';

/** Returns the fastest peer's row for the same work and threads. An f32 row is compared with f32 only, any other row with every dtype. */
export function fastestPeer(rows, row) {
  const peers = rows.filter(
    (item) =>
      peer(item) &&
      !item.failed &&
      item.work === row.work &&
      item.threads === row.threads &&
      (row.dtype !== 'f32' || item.dtype === 'f32'),
  );
  return peers.length ? peers.reduce((best, item) => (item.median_ms < best.median_ms ? item : best)) : null;
}

const ms = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const wholePercent = (value) => `${(100 * value).toFixed(0)} %`;
const times = (value) => `${value.toFixed(2)}x`;
const table = (head, rows) =>
  [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');

function speedTable(rows) {
  return table(
    [
      'work',
      'engine',
      'dtype',
      'kernels',
      'threads',
      'median ms',
      'middle half',
      'runs',
      'GOP/s',
      'of the limit',
      'of its instructions',
      'times the fastest peer',
    ],
    rows.map((row) => {
      const about = [row.work, row.engine, row.dtype, row.kernels, row.threads];
      if (row.failed) return [...about, row.failed, '', '', '', '', '', ''];
      const other = peer(row) ? null : fastestPeer(rows, row);
      return [
        ...about,
        ms(row.median_ms),
        row.quartile_ms.map(ms).join(' to '),
        row.times_ms.length,
        row.gops.toPrecision(3),
        wholePercent(row.share_of_peak),
        wholePercent(row.share_of_set),
        other ? (other.median_ms / row.median_ms).toFixed(2) : '',
      ];
    }),
  );
}

function peakTable(peaks) {
  const threads = Object.keys(peaks);
  const names = {
    f32_simd128: 'f32 multiply + add, simd128, GOP/s',
    f32_relaxed: 'f32 multiply-add, relaxed, GOP/s',
    int8_simd128: 'int8 widened, simd128, GOP/s',
    int8_relaxed: 'int8 dot product, relaxed, GOP/s',
    int8_relaxed16: 'int8 dot product of two, relaxed, GOP/s',
    l1: 'read 16 KiB, GB/s',
    l2: 'read 1 MiB, GB/s',
    llc: 'read 8 MiB, GB/s',
    memory: 'read 256 MiB, GB/s',
  };
  return table(
    ['limit', ...threads.map((count) => `${count} thread${count > 1 ? 's' : ''}`)],
    Object.entries(names).map(([name, label]) => [label, ...threads.map((count) => peaks[count][name].toFixed(1))]),
  );
}

/* ---- Whole texts ---- */

/** Returns the lines of one size at one number of threads, one for each way to write. Returns none where GPT-2's row is missing. */
function textLines(name, rows, threads) {
  const here = rows.filter((row) => row.work === name && row.threads === threads && !row.failed);
  const twin = here.find((row) => row.writer === 'gpt2' && !peer(row));
  const other = twin && fastestPeer(here, twin);
  return Object.keys(WAYS).flatMap((way) => {
    const runs = TEXT_STEPS.map((steps) => here.find((row) => row.way === way && row.steps === steps));
    if (!twin || runs.includes(undefined)) return [];
    const sedd = runs.at(-1).median_ms;
    const even = medianInterval(
      twin.times_ms.map((twinMs, i) =>
        breakEven(
          TEXT_STEPS,
          runs.map((row) => row.times_ms[i]),
          twinMs,
        ),
      ),
    );
    return [
      [
        name.replace('texts-', ''),
        threads,
        way,
        ms(sedd),
        other ? `${ms(other.median_ms)} (${other.engine}, ${other.dtype})` : '–',
        ms(twin.median_ms),
        other ? times(other.median_ms / sedd) : '–',
        times(twin.median_ms / sedd),
        `${even.median.toFixed(1)} (${even.low.toFixed(1)} to ${even.high.toFixed(1)})`,
      ],
    ];
  });
}

/** Returns the table of whole texts: the ratios to the peer and to our own GPT-2, and the number of steps at which SEDD takes as long as that GPT-2. */
function textTable(rows) {
  const threads = [...new Set(rows.map((row) => row.threads))];
  const lines = Object.keys(TEXTS).flatMap((name) => threads.flatMap((count) => textLines(name, rows, count)));
  return lines.length === 0
    ? ''
    : table(
        [
          'size',
          'threads',
          `SEDD in ${TEXT_STEPS.at(-1)} steps`,
          'ms',
          "fastest peer's GPT-2, ms",
          'our GPT-2, ms',
          'against the peer',
          'against our GPT-2',
          'break-even steps',
        ],
        lines,
      );
}

/* ---- Visits and loading ---- */

function visitTable(rows) {
  const visits = rows.filter((row) => VISITS[row.work]);
  const middle = (row, part) =>
    quantile(
      row.visits.map((visit) => visit[part]),
      0.5,
    ).toFixed(0);
  return visits.length === 0
    ? ''
    : table(
        [
          'work',
          'engine',
          'threads',
          'scripts, ms',
          "fetch wasm (and the peer's weights)",
          'compile',
          'load',
          'first step',
          'from the call to load',
          'total, ms',
          'middle half',
          'visits',
        ],
        visits.map((row) =>
          row.failed
            ? [row.work, row.engine, row.threads, row.failed, '', '', '', '', '', '', '', '']
            : [
                row.work,
                row.engine,
                row.threads,
                ...['scripts', 'fetch', 'compile', 'load', 'first', 'sinceLoad'].map((part) => middle(row, part)),
                row.median_ms.toFixed(0),
                row.quartile_ms.map((value) => value.toFixed(0)).join(' to '),
                row.times_ms.length,
              ],
        ),
      );
}

function loadTable(loads) {
  return loads.length === 0
    ? ''
    : table(
        ['model', 'engine', 'dtype', 'download, MB', 'open, ms', 'first run, ms', 'peak memory, MiB'],
        loads.map((row) => [
          row.model,
          row.engine,
          row.dtype,
          (row.bytes / 1e6).toFixed(1),
          ms(row.open_ms),
          ms(row.first_ms),
          row.peak_mib.toFixed(0),
        ]),
      );
}

const section = (words, text) => (text ? [words, text] : []);

const optionsText = (options) =>
  Object.entries(options)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Returns the whole run as Markdown. */
export function markdown({ environment: e, peaks, rows, loads }) {
  const busy = Math.max(0, ...rows.map((row) => row.other_cores ?? 0));
  const works = rows.filter((row) => WORKS[row.work]);
  return `${[
    `${e.processor}, ${e.cores} cores, ${e.memoryGiB} GiB, ${e.system}; ${e.host}; LiteRT.js ${e.litert}, onnxruntime-web ${e.onnxruntimeWeb}, wllama ${e.wllama}; commit ${e.commit}, ${e.date.slice(0, 10)}.`,
    `Contenders took turns; other programs used up to ${busy.toFixed(2)} cores${busy > 0.2 ? ' (**not a quiet machine**: trust ratios, not times)' : ''}.`,
    ...section(
      'Relaxed SIMD instructions in the modules:',
      Object.entries(e.relaxed ?? {})
        .map(([engine, found]) => `- ${engine}: ${found}`)
        .join('\n'),
    ),
    ...section('Limits of the machine, measured in the same run:', peakTable(peaks)),
    ...section(
      "A denoising step runs every row through the vocabulary head; a decode step is one token with the cache. SEDD-web's times include the draw.",
      works.length ? speedTable(works) : '',
    ),
    ...section(
      `Whole texts of ${TEXT_TOKENS} tokens, int8. GPT-2 uses its cache; the peers are LiteRT.js and onnxruntime-web. ${Object.entries(
        WAYS,
      )
        .map(([way, options]) => `*${way}*: ${optionsText(options)}`)
        .join('; ')}; *published* ends with the denoiser. ` +
        'Break-even is the number of steps that take as long as our GPT-2, with its 95 % interval.',
      textTable(rows),
    ),
    ...section(
      'A second visit, from the address of a page to the first denoising step of sedd-nano with 128 tokens. The caches are warm; the browser asks the server whether files have changed.',
      visitTable(rows),
    ),
    ...section("Loads from this machine's disk in a fresh browser, on one thread:", loadTable(loads)),
  ].join('\n\n')}\n`;
}
