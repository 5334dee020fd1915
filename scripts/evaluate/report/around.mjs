// Reports text around given text: prefixes, infilling, prompts by length.
import { promptGaps } from './claims.mjs';
import { figure, fixed, measured, withError } from './format.mjs';
import { lineChart } from './svg.mjs';

function conditionalTable(results, { sedd, twin }) {
  const prompts = [...new Set(results.of('conditional').map((row) => row.prompt))];
  const sized = (prompt) => Number(/\d+$/.exec(prompt)?.[0] ?? 0);
  const order = [
    ...prompts.filter((prompt) => !/^prompt of/.test(prompt)),
    ...prompts.filter((prompt) => /^prompt of/.test(prompt)).sort((a, b) => sized(a) - sized(b)),
  ];
  const row = (name, data) => [
    name,
    measured(withError(data.nats, data.error, 2)),
    measured(figure(data.ppl)),
    measured(fixed(data.entropy)),
    String(data.texts),
  ];
  return {
    caption:
      'The judge\u2019s nats a token of the written tokens and the text after them, given the text before. The twin cannot see ' +
      'the text after a hole, so it writes eight continuations and keeps the one after which that text is likeliest. With ' +
      '"window of 128" SEDD writes the whole trained length, with "as needed" only the missing tokens.',
    columns: ['', 'nats a token', 'perplexity', 'entropy', 'texts'],
    rows: order.flatMap((prompt) => [
      ...results.of('conditional', { prompt, kind: 'held-out' }).map((data) => row(`${prompt}: real text`, data)),
      ...results
        .of('conditional', { prompt, model: sedd })
        .sort((a, b) => a.steps - b.steps)
        .map((data) =>
          row(
            `${prompt}: SEDD, ${data.steps} steps, ${typeof data.length === 'number' ? `window of ${data.length}` : data.length}`,
            data,
          ),
        ),
      ...results
        .of('conditional', { prompt, model: twin })
        .map((data) => row(`${prompt}: GPT-2 twin${data.tries > 1 ? `, best of ${data.tries}` : ''}`, data)),
    ]),
  };
}

function promptFigure(results, pair) {
  const gaps = promptGaps(results, pair);
  const real = new Map(results.of('conditional', { kind: 'held-out' }).map((row) => [row.prompt, row.nats]));
  if (gaps.length < 2) return [];
  const line = (label, kind, value) => ({ label, kind, points: gaps.map((row) => [row.prompt, value(row)]) });
  return [
    {
      name: 'prompts',
      caption: 'Nats a token of continuations, by the length of the prompt.',
      svg: lineChart({
        title: 'Short and long prompts',
        x: 'tokens of the prompt',
        y: 'nats a token by the judge',
        xLog: true,
        xTicks: gaps.map((row) => row.prompt),
        series: [
          {
            ...line('SEDD', 'sedd', (row) => row.sedd.nats),
            bars: gaps.map(({ sedd }) => [sedd.nats - 2 * sedd.error, sedd.nats + 2 * sedd.error]),
          },
          {
            ...line('GPT-2 twin', 'twin', (row) => row.twin.nats),
            bars: gaps.map(({ twin }) => [twin.nats - 2 * twin.error, twin.nats + 2 * twin.error]),
          },
          line('real text', 'real', (row) => real.get(row.sedd.prompt)),
        ],
      }),
    },
  ];
}

export const conditionalSection = (results, pair) => ({
  id: 'around',
  title: 'Around given text',
  figures: promptFigure(results, pair),
  tables: [conditionalTable(results, pair)],
  text: [
    'SEDD fills holes at any place; GPT-2 only continues a text. The tasks prefix and infilling and the sizes 50 + 50 and ' +
      '25 + 50 + 25 are those of the papers.',
  ],
});
