// Reports unconditional text: quality, diversity and likeness to real text by steps and temperature.
import { figure, fixed, measured, missing, percent, published, range } from './format.mjs';
import { GENERATION } from './published.mjs';
import { lineChart } from './svg.mjs';

/** Returns a SEDD's rows for one way to choose positions; without a way those of sampling as published. */
const seddRows = (results, model, way) =>
  results
    .of('generation', { model, kind: 'sedd', way })
    .sort((a, b) => b.temperature - a.temperature || a.steps - b.steps);

function generationTable(results, { sedd, twin, student }) {
  const row = (name, data) => [
    name,
    measured(figure(data.ppl), range(data.pplInterval)),
    measured(fixed(data.entropy)),
    data.twinPpl ? measured(figure(data.twinPpl)) : '–',
    measured(fixed(data.distinct[1])),
    measured(percent(data.repetition[1])),
    measured(fixed(data.selfBleu)),
    measured(
      data.divergence
        .slice(0, 3)
        .map((value) => fixed(value))
        .join(' / '),
    ),
  ];
  const real = results.of('generation', { kind: 'held-out' })[0];
  const rows = [
    ...(real ? [row('Held-out text', real)] : []),
    ...seddRows(results, sedd).map((data) =>
      row(`SEDD, ${data.steps} steps${data.temperature === 1 ? '' : `, temperature ${data.temperature}`}`, data),
    ),
    ...seddRows(results, sedd, 'planned').map((data) => row(`SEDD, planned, ${data.steps} steps`, data)),
    ...seddRows(results, student, 'known').map((data) => row(`Student, ${data.steps} steps`, data)),
    ...results
      .of('generation', { model: twin, kind: 'gpt2' })
      .sort((a, b) => b.temperature - a.temperature)
      .map((data) => row(`GPT-2 twin, temperature ${data.temperature}`, data)),
  ];
  const any = seddRows(results, sedd)[0] ?? real;
  return {
    caption:
      `${any ? `Each row has ${any.texts} texts of ${any.length} tokens (held out: ${real?.texts ?? 'none'}); measures of a set use the first ${any.against}. ` : ''}The columns are: the judge\u2019s (${any?.judge}) perplexity on ids with its 95 % interval; the entropy within a text in nats; the twin\u2019s ` +
      `perplexity at the same entropy, interpolated between its temperatures; the share of different pairs of tokens in the set; ` +
      'repeated pairs within a text in %; self-BLEU; and the Jensen\u2013Shannon divergence of single tokens / pairs / triples from ' +
      'held-out text, whose lowest reachable value is in the first row. "Planned" opens masks far apart and few at first, in ' +
      'numbers that are fixed beforehand; the other rows sample as published. The student does the same as "planned", and its ' +
      'network reads only the known tokens and the masks that are about to open.',
    columns: [
      '',
      'perplexity',
      'entropy',
      'twin at this entropy',
      'distinct-2',
      'repeated, %',
      'self-BLEU',
      'divergence',
    ],
    rows,
  };
}

function generationFigures(results, { sedd, twin, student }) {
  const steps = seddRows(results, sedd).filter(({ temperature }) => temperature === 1);
  const planned = seddRows(results, sedd, 'planned');
  const taught = seddRows(results, student, 'known');
  const tempered = seddRows(results, sedd).filter(
    (row) =>
      steps.some((other) => other.steps === row.steps) &&
      seddRows(results, sedd).some((other) => other.steps === row.steps && other.temperature !== 1),
  );
  const own = results.of('generation', { model: twin, kind: 'gpt2' }).sort((a, b) => a.temperature - b.temperature);
  const real = results.of('generation', { kind: 'held-out' })[0];
  const plain = own.find(({ temperature }) => temperature === 1);
  if (steps.length < 2 || !plain || !real) return [];
  const xTicks = [...new Set([...steps, ...taught].map((row) => row.steps))].sort((a, b) => a - b);
  return [
    {
      name: 'steps',
      caption:
        'The judge\u2019s perplexity by number of steps, with 95 % intervals. The twin, which writes one token a step, is a line. ' +
        'The lower line is text by human writers.',
      svg: lineChart({
        title: 'Quality by steps',
        x: 'denoising steps',
        y: 'perplexity by the judge',
        xLog: true,
        yLog: true,
        xTicks,
        series: [
          {
            label: 'SEDD',
            kind: 'sedd',
            points: steps.map((row) => [row.steps, row.ppl]),
            bars: steps.map((row) => row.pplInterval),
          },
          ...(planned.length > 1
            ? [
                {
                  label: 'planned',
                  kind: 'sedd',
                  dashed: true,
                  points: planned.map((row) => [row.steps, row.ppl]),
                  bars: planned.map((row) => row.pplInterval),
                },
              ]
            : []),
          ...(taught.length
            ? [
                {
                  label: 'student',
                  kind: 'student',
                  dashed: true,
                  points: taught.map((row) => [row.steps, row.ppl]),
                  bars: taught.map((row) => row.pplInterval),
                },
              ]
            : []),
          { label: 'GPT-2 twin', kind: 'twin', level: true, points: [[xTicks[0], plain.ppl]] },
          { label: 'held-out text', kind: 'real', level: true, points: [[xTicks[0], real.ppl]] },
        ],
      }),
    },
    {
      name: 'entropy',
      caption:
        'The same texts by their entropy. Perplexity is easily lowered at the cost of entropy, so compare at equal entropy. The ' +
        'numbers are steps (SEDD, temperature 1) and temperatures.',
      svg: lineChart({
        title: 'Quality at matched entropy',
        x: 'entropy within a text, nats',
        y: 'perplexity by the judge',
        yLog: true,
        series: [
          {
            label: 'SEDD by steps',
            kind: 'sedd',
            first: true,
            points: steps.map((row) => [row.entropy, row.ppl]),
            names: steps.map((row) => String(row.steps)),
          },
          ...(tempered.length > 1
            ? [
                {
                  label: 'by temperature',
                  kind: 'sedd',
                  dashed: true,
                  points: tempered.map((row) => [row.entropy, row.ppl]),
                  names: tempered.map((row) => (row.temperature === 1 ? '' : String(row.temperature))),
                },
              ]
            : []),
          ...(taught.length
            ? [
                {
                  label: 'student',
                  kind: 'student',
                  dashed: true,
                  points: taught.map((row) => [row.entropy, row.ppl]),
                  names: taught.map((row) => String(row.steps)),
                },
              ]
            : []),
          {
            label: 'GPT-2 twin',
            kind: 'twin',
            points: own.map((row) => [row.entropy, row.ppl]),
            names: own.map((row) => String(row.temperature)),
          },
          { label: 'held-out', kind: 'real', points: [[real.entropy, real.ppl]] },
        ],
      }),
    },
  ];
}

const publishedWriting = () => ({
  caption: 'The papers\u2019 results for the official checkpoints.',
  columns: ['', 'published', 'on', 'this engine'],
  rows: GENERATION.map(([what, value, on]) => [what, published(value), on, missing]),
});

function judgeText(results, pair) {
  const judge = results.of('generation')[0]?.judge;
  if (judge === pair.twin)
    return 'Without a larger judge the twin judges all texts, its own among them, which it rates too highly. ';
  const row = results.of('perplexity', { model: judge, corpus: 'stories', estimator: 'blocks' })[0];
  const known = row
    ? ` (${judge}: ${row.parameters.toLocaleString('en')} parameters, ${fixed(row.nats, 3)} nats a token on the held-out stories)`
    : '';
  return `A GPT-2 that was trained from its own random weights${known} judges the texts and wrote none of them. `;
}

export function generationSection(results, pair) {
  return {
    id: 'writing',
    title: 'Writing',
    figures: generationFigures(results, pair),
    tables: [generationTable(results, pair), publishedWriting()],
    text: [
      `${judgeText(results, pair)}It reads the ids as they were written. Every text of a set counts; none was selected.`,
    ],
  };
}
