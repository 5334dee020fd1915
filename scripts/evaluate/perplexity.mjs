// Measures perplexity on the same blocks: the bound of a SEDD or one of its family by all estimators that it has and its exact value from
// left to right, and GPT-2's exact value by blocks and with a sliding window.
import { corpusBlocks, heldOut } from './corpora.mjs';
import { mean, perplexity, standardError, sum } from '../../web/client/statistics.js';
import { seedOf } from './random.mjs';

/** Returns one estimate from the nats a token of blocks of equal size, with the estimator's own sampling error (0 for exact values). */
function estimateOf(answers, more) {
  const nats = answers.map((answer) => answer.nats);
  const noise = Math.sqrt(sum(answers.map(({ stderr = 0 }) => (stderr ?? NaN) ** 2))) / answers.length;
  const error = standardError(nats);
  return {
    nats: mean(nats),
    error,
    noise,
    ...perplexity(mean(nats), error),
    blocks: nats.length,
    tokens: answers.reduce((total, { tokens }) => total + tokens, 0),
    ...more,
  };
}

/** Returns the estimators of a model's bound, with their samples. The reference estimator is SEDD's, MDLM's and DUO's own; kmask and lambda are RADD's. */
function estimatorsOf({ masks, info }, { samples, referenceSamples }) {
  return [
    ...(masks ? [['kmask', samples]] : []),
    ['reference', referenceSamples],
    ...(masks && info.family !== 'SEDD' ? [['lambda', samples]] : []),
  ];
}

async function bounds(context, model, name, blocks, row) {
  const { settings, record } = context;
  for (const [estimator, samples] of estimatorsOf(model, settings)) {
    // Each block has its own masks, because the errors of equal masks would not average out.
    const requests = blocks.map(({ ids }, i) => ({
      op: 'bound',
      ids,
      samples,
      estimator,
      seed: seedOf(settings.seed, i),
      about: { corpus: name, block: i },
    }));
    const answers = await model.ask(`${name}, ${estimator} ${samples}`, requests);
    record({ table: 'perplexity', ...row, estimator, samples, ...estimateOf(answers) });
  }
}

/** Records SEDD's exact value for opening each block from left to right. */
async function chain(context, model, name, blocks, row) {
  const requests = blocks.map(({ ids }, i) => ({ op: 'chain', ids, about: { corpus: name, block: i } }));
  const answers = await model.ask(`${name}, chain rule`, requests);
  context.record({ table: 'perplexity', ...row, estimator: 'chain', ...estimateOf(answers) });
}

/** Records GPT-2's value by blocks and with a sliding window, which also reads the block before. Both count the same tokens. */
async function exact(context, model, name, blocks, row) {
  const { record } = context;
  const bos = await model.endOfText();
  const requests = blocks.map(({ ids }, i) => ({ op: 'nll', ids, bos, about: { corpus: name, block: i } }));
  record({
    table: 'perplexity',
    ...row,
    estimator: 'blocks',
    ...estimateOf(await model.ask(`${name}, blocks`, requests)),
  });
  if (!blocks.some(({ before }) => before.length)) return;
  const stride = Math.max(1, Math.floor(model.length / 2));
  const answers = await model.ask(
    `${name}, sliding`,
    blocks.map(({ ids, before }, i) => ({
      op: 'nll',
      ids: [...before, ...ids],
      bos,
      stride,
      parts: true,
      about: { corpus: name, block: i },
    })),
  );
  const own = answers.map(({ parts }, i) => ({
    nats: mean(parts.slice(blocks[i].before.length)),
    tokens: blocks[i].ids.length,
  }));
  record({ table: 'perplexity', ...row, estimator: 'sliding', stride, ...estimateOf(own) });
}

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { settings, data, windows } = context;
  for (const model of new Set([context.sedd, context.twin, context.student, context.judge].filter(Boolean))) {
    const own = model === context.sedd || model === context.twin; // a student and a judge are measured only in what they were trained for
    for (const name of ['stories', ...(own ? settings.corpora : [])]) {
      if (name !== 'stories' && !data && !name.startsWith('text:')) continue;
      if (name === 'stories' && !context.fits(model)) continue;
      const { title, blocks, total } =
        name === 'stories'
          ? {
              title: 'Stories (held out)',
              blocks: heldOut(windows, context.length, model.info.tokens).map((ids) => ({ ids, before: [] })),
              total: undefined,
            }
          : await corpusBlocks(model, name, data, settings.blocks);
      const row = {
        ...model.identity(),
        corpus: name,
        title,
        length: name === 'stories' ? context.length : model.length,
        all: total,
        seed: settings.seed,
      };
      if (model.kind === 'gpt2') await exact(context, model, name, blocks, row);
      else {
        await bounds(context, model, name, blocks, row);
        if (model.masks && settings.chainCorpora.includes(name)) await chain(context, model, name, blocks, row);
      }
    }
  }
}
