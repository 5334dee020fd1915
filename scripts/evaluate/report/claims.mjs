// Compares the papers' claims with the measurements. The sentences are made from the rows, so they change with the rows. The text of a
// claim is one sentence for the table; its note is a paragraph beside the table.
import { figure, fixed, percent } from './format.mjs';

/** Returns the error of a sum or difference; NaN where one of the errors is not known (null in JSON). */
const combined = (...errors) => Math.hypot(...errors.map((error) => error ?? NaN));

const by = (rows, field, value) => rows.find((row) => row[field] === value);

/** Compares SEDD's bound with its twin's exact likelihood on held-out stories. */
export function likelihood(results, { sedd, twin }) {
  const bound = results.of('perplexity', { model: sedd, corpus: 'stories', estimator: 'kmask' })[0];
  const exact = results.of('perplexity', { model: twin, corpus: 'stories', estimator: 'blocks' })[0];
  if (!bound || !exact) return null;
  const chain = results.of('perplexity', { model: sedd, corpus: 'stories', estimator: 'chain' })[0];
  const gap = bound.nats / exact.nats - 1;
  const error = combined(bound.error, bound.noise);
  return {
    claim: 'Likelihood near GPT-2\u2019s',
    verdict: gap < 0.02 ? 'holds here' : 'does not hold here',
    text:
      `On held-out stories SEDD\u2019s bound is ${fixed(bound.nats, 3)} nats a token (± ${fixed(error, 3)} by windows and masks), ` +
      `${chain ? `its exact value from left to right is ${fixed(chain.nats, 3)}, ` : ''}and its ` +
      `twin\u2019s exact value is ${fixed(exact.nats, 3)}: ` +
      `${gap > 0 ? `a gap of ${percent(gap)} %` : `${percent(-gap)} % better`}, or perplexity ${figure(bound.ppl)} against ${figure(exact.ppl)}.`,
    note: 'A bound never shows a model as better than it is, but may show it as worse.',
  };
}

/** Gives T* and the quality of a text of that many steps. */
export function latency(results, { sedd, twin, student }) {
  const rows = results.of('latency', { model: sedd, twin, host: 'tool' }).filter((row) => row.threads === 1);
  const longest = rows.sort((a, b) => b.length - a.length)[0];
  if (!longest) return null;
  const taught = results.of('latency', { model: student, twin, host: 'tool', threads: 1, length: longest.length })[0];
  const { steps, interval } = longest.breakEven;
  const own = longest.rows.find((row) => row.steps === null);
  const fastest = longest.rows.find((row) => row.steps !== null);
  const quality = (model, limit) =>
    results
      .of('generation', { model, temperature: 1 })
      .filter((row) => row.steps <= limit)
      .sort((a, b) => a.ppl - b.ppl)[0];
  const at = quality(student, taught?.breakEven.steps ?? steps) ?? quality(sedd, steps);
  const beside = results.of('generation', { model: twin, temperature: 1 })[0];
  const worth =
    at && beside
      ? `With ${at.steps} steps${at.model === student ? ' of the student' : at.way ? `, ${at.way}` : ''}, texts have a perplexity of ${figure(at.ppl)} by the judge, and the twin\u2019s own texts ${figure(beside.ppl)} ` +
        `(entropy ${fixed(at.entropy)} and ${fixed(beside.entropy)}).`
      : '';
  const reading = taught
    ? 'The student\u2019s network reads only the known tokens and the masks that are about to open.'
    : '';
  return {
    claim: 'Lower latency than GPT-2 with its cache',
    verdict:
      fastest.ms >= own.ms && !(taught?.rows[0].ms < own.ms)
        ? 'does not hold here'
        : at && beside && at.ppl <= beside.ppl
          ? 'holds here'
          : 'holds in time, not at equal quality',
    text:
      `On one thread a text of ${longest.length} tokens takes the twin ${figure(own.ms)} ms and SEDD ${figure(fastest.ms)} ms in ` +
      `${fastest.steps} steps; the times are equal at ${fixed(steps, 1)} steps ` +
      `(95 % interval ${fixed(interval[0], 1)} to ${fixed(interval[1], 1)})${taught ? `, and at ${fixed(taught.breakEven.steps, 1)} steps of the student` : ''}.`,
    note: [worth, reading].filter(Boolean).join(' '),
  };
}

/** Compares the gap to the twin after short and long prompts. */
export function prompts(results, { sedd, twin }) {
  const rows = promptGaps(results, { sedd, twin });
  if (rows.length < 2) return null;
  const [short, long] = [rows[0], rows.at(-1)];
  const change = short.gap - long.gap;
  const error = combined(short.error, long.error);
  const verdict =
    change > 2 * error ? 'holds here' : change < -2 * error ? 'the opposite holds here' : 'not seen within the errors';
  return {
    claim: 'Weaker after short prompts',
    verdict,
    text:
      `By the same judge, SEDD\u2019s continuations are ${fixed(short.gap)} ± ${fixed(short.error)} nats a token worse than the ` +
      `twin\u2019s after ${short.prompt} tokens and ${fixed(long.gap)} ± ${fixed(long.error)} worse after ${long.prompt}.`,
  };
}

/** Returns SEDD's nats minus the twin's, by prompt length, in windows of the trained length. */
export function promptGaps(results, { sedd, twin }) {
  return results
    .of('conditional', { model: sedd })
    .filter((row) => /^prompt of \d+$/.test(row.prompt) && typeof row.length === 'number')
    .map((row) => {
      const other = by(results.of('conditional', { model: twin }), 'prompt', row.prompt);
      return (
        other && {
          prompt: Number(row.prompt.slice(10)),
          gap: row.nats - other.nats,
          error: combined(row.error, other.error),
          sedd: row,
          twin: other,
        }
      );
    })
    .filter(Boolean)
    .sort((a, b) => a.prompt - b.prompt);
}

/** Compares entropy and repetition at few and many steps. */
export function diversity(results, { sedd }) {
  const rows = results
    .of('generation', { model: sedd, temperature: 1, way: undefined })
    .sort((a, b) => a.steps - b.steps);
  if (rows.length < 2) return null;
  const [few, many] = [rows[0], rows.at(-1)];
  const change = few.entropy - many.entropy;
  const sure = change > 2 * combined(few.entropyError, many.entropyError);
  return {
    claim: 'More steps, less diversity',
    verdict: sure ? 'holds here' : 'not seen within the errors',
    text:
      `From ${few.steps} to ${many.steps} steps the entropy within a text goes from ${fixed(few.entropy)} to ${fixed(many.entropy)}, ` +
      `repeated pairs of tokens go from ${percent(few.repetition[1])} % to ${percent(many.repetition[1])} %, and ` +
      `the judge\u2019s perplexity goes from ${figure(few.ppl)} to ${figure(many.ppl)}.`,
  };
}

export const claims = (results, pair) =>
  [likelihood, latency, prompts, diversity].map((make) => make(results, pair)).filter(Boolean);
