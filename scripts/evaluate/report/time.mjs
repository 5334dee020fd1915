// Reports time: milliseconds by steps, length and threads, in the tool and in a browser, and the break-even number of steps.
import { figure, fixed, measured } from './format.mjs';
import { lineChart } from './svg.mjs';

const threadsOf = ({ threads }) => (threads === 1 ? 'one thread' : `${threads} threads`);
const seddOf = ({ rows }) => rows.filter(({ steps }) => steps !== null);
const twinOf = ({ rows }) => rows.find(({ steps }) => steps === null);

const chart = (row) => ({
  name: `latency-${row.host === 'tool' ? 'tool' : 'browser'}-${row.threads}`,
  caption:
    `Time of a text of ${row.length} tokens by steps, in ${row.host === 'tool' ? 'the tool' : row.host}, on ${threadsOf(row)}. The line is the ` +
    `twin\u2019s time with its cache. The times are equal at ${fixed(row.breakEven.steps, 1)} steps.`,
  svg: lineChart({
    title: `Latency, ${row.host}, ${threadsOf(row)}`,
    x: 'denoising steps',
    y: 'milliseconds',
    xLog: true,
    yLog: true,
    xTicks: seddOf(row).map(({ steps }) => steps),
    series: [
      {
        label: 'SEDD',
        kind: 'sedd',
        points: seddOf(row).map(({ steps, ms }) => [steps, ms]),
        bars: seddOf(row).map(({ interval }) => interval),
      },
      { label: 'GPT-2 twin', kind: 'twin', level: true, points: [[seddOf(row)[0].steps, twinOf(row).ms]] },
    ],
  }),
});

function table(rows, caption) {
  const steps = rows.length ? seddOf(rows[0]).map((one) => one.steps) : [];
  return {
    caption,
    columns: ['', ...steps.map((count) => `${count} steps`), 'GPT-2 twin', 'T*', 'kernels'],
    rows: rows.map((row) => [
      `${row.host === 'tool' ? 'Tool' : row.host}, ${row.length} tokens, ${threadsOf(row)}`,
      ...row.rows.map((one) => measured(figure(one.ms))),
      measured(
        fixed(row.breakEven.steps, 1),
        `${fixed(row.breakEven.interval[0], 1)} to ${fixed(row.breakEven.interval[1], 1)}`,
      ),
      row.kernels,
    ]),
  };
}

const rowsOf = (results, model, twin) =>
  results
    .of('latency', { model, twin })
    .sort((a, b) => (b.host === 'tool') - (a.host === 'tool') || a.threads - b.threads || a.length - b.length);

export function latencySection(results, { sedd, twin, student }) {
  const rows = rowsOf(results, sedd, twin);
  const taught = rowsOf(results, student, twin);
  const longest = Math.max(...rows.map(({ length }) => length));
  const figures = rows.filter(({ length, threads }) => length === longest && threads === 1).map(chart);
  return {
    id: 'time',
    title: 'Time',
    figures,
    tables: [
      table(
        rows,
        'Median milliseconds a text. T* is the number of steps at which SEDD takes as long as its twin, with its 95 % interval.',
      ),
      ...(taught.length
        ? [
            table(
              taught,
              'The same for the student, whose network reads only the known tokens and the masks that are about to open.',
            ),
          ]
        : []),
    ],
    text: [
      'Both models write whole texts in turns after a warm-up; GPT-2 uses its key/value cache. The same rules hold natively ' +
        '(the sedd tool) and in a browser (the module\u2019s compare).',
    ],
  };
}
