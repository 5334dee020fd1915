// The report on time: milliseconds by steps, length and threads, and the break-even number of steps.
import { figure, fixed, measured } from './format.mjs';
import { lineChart } from './svg.mjs';

export function latencySection(results, { sedd, twin }) {
  const rows = results.of('latency', { model: sedd, twin }).sort((a, b) => a.threads - b.threads || a.length - b.length);
  const steps = rows[0]?.rows.filter((row) => row.steps !== null).map((row) => row.steps) ?? [];
  const longest = rows.filter((row) => row.length === rows.at(-1).length);
  const figures = longest.map((row) => ({
    name: `latency-${row.threads}`,
    caption: `Time of ${row.length} tokens by steps, ${row.threads === 1 ? 'one thread' : `${row.threads} threads`}; the twin\u2019s with its cache as a line. They meet at ${fixed(row.breakEven.steps, 1)} steps.`,
    svg: lineChart({
      title: `Latency, ${row.threads} thread${row.threads === 1 ? '' : 's'}`,
      x: 'denoising steps',
      y: 'milliseconds',
      xLog: true,
      yLog: true,
      xTicks: steps,
      series: [
        {
          label: 'SEDD',
          kind: 'sedd',
          points: row.rows.filter((one) => one.steps !== null).map((one) => [one.steps, one.ms]),
          bars: row.rows.filter((one) => one.steps !== null).map((one) => one.interval),
        },
        { label: 'GPT-2 twin', kind: 'twin', level: true, points: [[steps[0], row.rows.find((one) => one.steps === null).ms]] },
      ],
    }),
  }));
  return {
    id: 'time',
    title: 'Time',
    figures,
    text: [
      'The tool\u2019s own comparison (sedd bench --twin): both write whole texts in turns, the twin with its key/value cache; ' +
        'medians. Times in browsers are in scripts/bench/README.md and on the page itself.',
    ],
    tables: [
      {
        caption: 'Milliseconds a text, median; T* is the number of steps at which SEDD takes as long as its twin, with its 95 % interval.',
        columns: ['', ...steps.map((count) => `${count} steps`), 'GPT-2 twin', 'T*'],
        rows: rows.map((row) => [
          `${row.length} tokens, ${row.threads} thread${row.threads === 1 ? '' : 's'}`,
          ...row.rows.map((one) => measured(figure(one.ms))),
          measured(fixed(row.breakEven.steps, 1), `${fixed(row.breakEven.interval[0], 1)} to ${fixed(row.breakEven.interval[1], 1)}`),
        ]),
      },
    ],
  };
}
