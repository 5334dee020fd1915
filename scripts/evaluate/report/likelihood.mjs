// The report on likelihood: bounds and exact values on the same blocks, and the published perplexities.
import { figure, fixed, measured, missing, or, percent, published, withError } from './format.mjs';
import { CORPUS_NAMES, CORPUS_TITLES, PERPLEXITY } from './published.mjs';

function perplexityTable(results, { sedd, twin }) {
  const corpora = [
    ...new Map(
      results
        .of('perplexity')
        .filter((row) => [sedd, twin].includes(row.model))
        .map((row) => [row.corpus, row.title]),
    ).entries(),
  ];
  const one = (model, corpus, estimator) => results.of('perplexity', { model, corpus, estimator })[0];
  return {
    caption:
      'Nats a token on the same blocks, ± standard error over blocks. SEDD\u2019s values are upper bounds, to which random ' +
      'masks add an error of their own; GPT-2\u2019s are exact.',
    columns: [
      '',
      'SEDD, exact number of masks',
      'SEDD, reference estimator',
      'GPT-2 twin, blocks',
      'GPT-2 twin, sliding',
      'gap',
      'blocks',
    ],
    rows: corpora.map(([corpus, title]) => {
      const [kmask, reference, blocks, sliding] = [
        one(sedd, corpus, 'kmask'),
        one(sedd, corpus, 'reference'),
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
    ...values.map((value) => published(value)),
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

export function perplexitySection(results, pair) {
  return {
    id: 'likelihood',
    title: 'Likelihood',
    figures: [],
    tables: [perplexityTable(results, pair), publishedPerplexity(results)],
    text: [
      'A diffusion model gives an upper bound on the negative log-likelihood. Two estimators of it must agree: one masks an ' +
        'exact number of tokens, stratified over all numbers; the other is the reference code\u2019s score entropy at stratified ' +
        'times. ' +
        'The second lies higher by what the scores are not normalised.',
    ],
  };
}
