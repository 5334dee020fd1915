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
      'The judge\u2019s nats a token of what was written, together with what follows it, given what stands before. Where ' +
      'something follows, the twin writes eight continuations blindly and keeps the one after which that is likeliest. ' +
      'A window of 128: SEDD writes the whole trained length; as needed: only the tokens that are wanted.',
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
      caption: 'Nats a token of a continuation by the length of its prompt.',
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
    'SEDD fills any holes; GPT-2 only writes on. Prefix, infilling and the sizes 50 + 50 and 25 + 50 + 25 are the papers\u2019.',
  ],
});
