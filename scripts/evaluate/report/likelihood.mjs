// Reports likelihood: bounds and exact values on the same blocks, the training curves, and the published perplexities.
import { figure, fixed, measured, missing, or, percent, published, withError } from './format.mjs';
import { CORPUS_NAMES, CORPUS_TITLES, PERPLEXITY, RATIO } from './published.mjs';
import { lineChart } from './svg.mjs';

function perplexityTable(results, { sedd, twin }) {
  const corpora = [
    ...new Map(
      results
        .of('perplexity')
        .filter((row) => [sedd, twin].includes(row.model))
        .map((row) => [row.corpus, row.title]),
    ).entries(),
  ];
  const lambda = results.of('perplexity', { model: sedd, estimator: 'lambda' }).length > 0; // RADD's, for its family only
  const one = (model, corpus, estimator) => results.of('perplexity', { model, corpus, estimator })[0];
  return {
    caption:
      'Nats a token on the same blocks, ± the standard error over blocks. SEDD\u2019s first two values are upper bounds, to ' +
      'which random masks add their own error. Its third value, with tokens opened from left to right, and GPT-2\u2019s values are exact.',
    columns: [
      '',
      'SEDD, exact number of masks',
      'SEDD, reference estimator',
      ...(lambda ? ['SEDD, lambda-DCE'] : []),
      'SEDD, left to right',
      'GPT-2 twin, blocks',
      'GPT-2 twin, sliding',
      'gap',
      'blocks',
    ],
    rows: corpora.map(([corpus, title]) => {
      const [kmask, reference, chain, blocks, sliding] = [
        one(sedd, corpus, 'kmask'),
        one(sedd, corpus, 'reference'),
        one(sedd, corpus, 'chain'),
        one(twin, corpus, 'blocks'),
        one(twin, corpus, 'sliding'),
      ];
      const value = (row) =>
        or(row, ({ nats, error, noise, ppl }) => [
          withError(nats, error),
          `${noise ? `± ${fixed(noise, 3)} by masks, ` : ''}perplexity ${figure(ppl)}`,
        ]);
      return [
        title,
        value(kmask),
        value(reference),
        ...(lambda ? [value(one(sedd, corpus, 'lambda'))] : []),
        value(chain),
        value(blocks),
        sliding ? value(sliding) : '–',
        kmask && blocks ? measured(`${percent(kmask.nats / blocks.nats - 1)} %`) : missing,
        kmask ? `${kmask.blocks}${kmask.all ? ` of ${kmask.all}` : ''}` : '',
      ];
    }),
  };
}

function publishedPerplexity(results) {
  const rows = PERPLEXITY.map(({ model, source, values }) => [
    `${model}, ${source}`,
    ...values.map((value) => (value ? published(value) : '–')),
  ]);
  const checkpoints = [...new Map(PERPLEXITY.map(({ model, checkpoint }) => [checkpoint, model])).entries()];
  const ours = checkpoints.map(([checkpoint, model]) => [
    `${model}, this engine`,
    ...CORPUS_NAMES.map((corpus) => {
      const row = results
        .of('perplexity', { model: checkpoint, corpus })
        .find(({ estimator }) => ['reference', 'blocks'].includes(estimator));
      return or(row, ({ ppl, estimator }) => `${estimator === 'reference' ? '≤ ' : ''}${fixed(ppl)}`);
    }),
  ]);
  return {
    caption: 'Zero-shot perplexity of the official checkpoints, blocks of 1,024 tokens.',
    columns: ['', ...CORPUS_TITLES],
    rows: [...rows, ...ours],
  };
}

/** Returns the points that are distinguishable on a logarithmic axis, and the last point. */
function apart(points) {
  let before = 0;
  return points.filter(([tokens], i) => {
    const far = tokens >= 1.15 * before || i + 1 === points.length;
    if (far) before = tokens;
    return far;
  });
}

function curveFigure(results) {
  const of = (kind) => results.of('curve', { kind })[0]?.points;
  const lines = [
    ['SEDD, bound', 'sedd'],
    ['GPT-2 twin', 'twin'],
  ].flatMap(([label, kind]) => {
    const points = of(kind === 'twin' ? 'gpt2' : kind);
    return points ? [{ label, kind, points: apart(points) }] : [];
  });
  if (!lines.length) return [];
  const gap = RATIO.diffusion / RATIO.autoregressive - 1;
  return [
    {
      name: 'curve',
      caption:
        'Nats a token on held-out text, by training tokens seen. At GPT-2\u2019s size a masked diffusion model is ' +
        `${percent(gap)} % worse than an autoregressive model of equal training (${RATIO.diffusion} against ${RATIO.autoregressive} nats, ${RATIO.on}).`,
      svg: lineChart({
        title: 'Training curves',
        x: 'training tokens',
        y: 'nats a token',
        xLog: true,
        series: lines,
      }),
    },
  ];
}

export function perplexitySection(results, pair) {
  return {
    id: 'likelihood',
    title: 'Likelihood',
    figures: curveFigure(results),
    tables: [perplexityTable(results, pair), publishedPerplexity(results)],
    text: [
      'A diffusion model gives an upper bound on the negative log-likelihood. Two estimators of it must agree. One masks an ' +
        'exact number of tokens, stratified over all numbers. The other is the reference code\u2019s score entropy at stratified ' +
        'times; it is higher to the extent that the scores are not normalised. With a single order of opening, the chain rule ' +
        'gives the exact likelihood: from left to right, with one network evaluation a token. The bound is the mean over all orders.',
    ],
  };
}
