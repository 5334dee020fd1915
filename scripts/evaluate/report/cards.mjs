// Makes card.json of a model's folder: the figures that the page and the model cards show. Shape: scripts/evaluate/README.md.
import { best, configOf } from '../ways.mjs';

const rounded = (value, digits = 4) =>
  typeof value === 'number'
    ? Number(value.toPrecision(digits))
    : Array.isArray(value)
      ? value.map((part) => rounded(part, digits))
      : value;
const drop = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const quality = (row) => ({
  ppl: rounded(row.ppl),
  pplInterval: rounded(row.pplInterval),
  entropy: rounded(row.entropy),
  distinct2: rounded(row.distinct[1]),
  selfBleu: rounded(row.selfBleu),
});

function measuredBy(row) {
  return {
    date: row.date,
    commit: row.commit,
    machine: row.machine,
    judge: row.judge,
    texts: row.texts,
    length: row.length,
    temperature: 1,
  };
}

/** Returns the table of a model's sweep, best first, with the defaults that follow from it, or undefined if these weights were not swept. */
export function sweepOf(results, model, sha256) {
  const rows = results.of('sweep', { model, sha256 }).sort((a, b) => a.nats - b.nats);
  const real = rows.find(({ kind }) => kind === 'held-out');
  if (!real) return undefined;
  const tried = rows.filter((row) => row !== real);
  const chosen = best(tried, real);
  const values = (row) => ({
    ppl: rounded(row.ppl),
    pplInterval: rounded(row.pplInterval),
    entropy: rounded(row.entropy),
    entropyError: rounded(row.entropyError, 2),
    repeated: rounded(row.repeated),
    repeatedError: rounded(row.repeatedError, 2),
  });
  const { date, commit, judge, length } = real;
  return drop({
    measured: { date, commit, judge, texts: tried[0]?.texts, length },
    defaults: chosen ? configOf(chosen) : undefined,
    real: values(real),
    settings: tried.map((row) => ({ ...configOf(row), ...values(row) })),
  });
}

/** @param {import('../store.mjs').Results} results @returns {object | null} null where nothing of the model was measured */
export function card(results, folder, pair) {
  const any = [...results.rows.values()].find((row) => row.model === folder && row.table !== 'sweep');
  if (!any) return null;
  const way = folder === pair.student ? 'known' : undefined; // the way a student was trained for
  const sedd = results
    .of('generation', { model: folder, kind: 'sedd', temperature: 1, way })
    .sort((a, b) => a.steps - b.steps);
  const planned = results
    .of('generation', { model: folder, kind: 'sedd', temperature: 1, way: 'planned' })
    .sort((a, b) => a.steps - b.steps);
  const own = results.of('generation', { model: folder, kind: 'gpt2', temperature: 1 })[0];
  const twin = results.of('generation', { model: pair.twin, kind: 'gpt2', temperature: 1 })[0];
  const real = results.of('generation', { kind: 'held-out' })[0];
  const stories = (model, estimator) => results.of('perplexity', { model, corpus: 'stories', estimator })[0];
  const latency = results
    .of('latency', { model: way ? folder : pair.sedd, twin: pair.twin, threads: 1, host: 'tool' })
    .sort((a, b) => b.length - a.length)[0];
  const time = (steps) => rounded(latency?.rows.find((row) => row.steps === steps)?.ms);
  const bound = stories(folder, 'kmask');
  const exact = stories(pair.twin, 'blocks');
  const nats = stories(folder, 'blocks');
  const chain = stories(folder, 'chain');
  const likelihood = (row) =>
    row && { nats: rounded(row.nats, 5), error: rounded(row.error, 2), ppl: rounded(row.ppl), tokens: row.tokens };
  return drop({
    format: 'sedd-card',
    version: 1,
    model: { folder, kind: sedd.length || bound ? 'sedd' : 'gpt2', parameters: any.parameters, sha256: any.sha256 },
    measured:
      sedd.length || own ? measuredBy(sedd[0] ?? own) : { date: any.date, commit: any.commit, machine: any.machine },
    steps: sedd.length
      ? sedd.map((row) => drop({ steps: row.steps, ...quality(row), ms: time(row.steps) }))
      : undefined,
    planned: planned.length ? planned.map((row) => ({ steps: row.steps, ...quality(row) })) : undefined,
    own: own && { ...quality(own), ms: time(null) },
    twin:
      sedd.length && twin
        ? drop({
            folder: pair.twin,
            ...quality(twin),
            ms: time(null),
            nats: rounded(exact?.nats, 5),
            parameters: twin.parameters,
          })
        : undefined,
    heldOut: real && { ppl: rounded(real.ppl), entropy: rounded(real.entropy) },
    bound: likelihood(bound),
    chain: likelihood(chain),
    exact: likelihood(nats),
    breakEven:
      (folder === pair.sedd || folder === pair.student) && latency
        ? { steps: rounded(latency.breakEven.steps, 3), interval: rounded(latency.breakEven.interval, 3) }
        : undefined,
    sweep: sweepOf(results, folder, any.sha256),
  });
}
