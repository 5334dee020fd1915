// The report as data: sections of paragraphs, tables and figures, which markdown.mjs and html.mjs write out.
import { TASKS } from '../choices.mjs';
import { claims, promptGaps } from './claims.mjs';
import { duration, figure, fixed, measured, missing, percent, published, range, withError } from './format.mjs';
import { ACCURACY, ACCURACY_TASKS, CORPUS_NAMES, CORPUS_TITLES, GENERATION, PERPLEXITY } from './published.mjs';
import { dotChart, lineChart } from './svg.mjs';

/** @typedef {{caption: string, columns: string[], rows: (string | {text: string, state: string})[][]}} Table the first column names the row */
/** @typedef {{id: string, title: string, text: string[], tables: Table[], figures: {name: string, caption: string, svg: string}[]}} Section */

const or = (row, make) => (row ? measured(...[make(row)].flat()) : missing);

// ---- Likelihood --------------------------------------------------------------------------------

function perplexityTable(results, { sedd, twin }) {
  const corpora = [...new Map(results.of('perplexity').filter((row) => [sedd, twin].includes(row.model)).map((row) => [row.corpus, row.title])).entries()];
  const one = (model, corpus, estimator) => results.of('perplexity', { model, corpus, estimator })[0];
  return {
    caption: 'Nats a token on the same blocks, ± standard error over blocks. SEDD\u2019s values are upper bounds, to which random masks add an error of their own; GPT-2\u2019s are exact.',
    columns: ['', 'SEDD, exact number of masks', 'SEDD, reference estimator', 'GPT-2 twin, blocks', 'GPT-2 twin, sliding', 'gap', 'blocks'],
    rows: corpora.map(([corpus, title]) => {
      const [kmask, reference, blocks, sliding] = [one(sedd, corpus, 'kmask'), one(sedd, corpus, 'reference'), one(twin, corpus, 'blocks'), one(twin, corpus, 'sliding')];
      const value = (row) => or(row, ({ nats, error, noise, ppl }) => [withError(nats, error), `${noise ? `± ${fixed(noise, 3)} by masks, ` : ''}perplexity ${figure(ppl)}`]);
      return [title, value(kmask), value(reference), value(blocks), sliding ? value(sliding) : '–',
        kmask && blocks ? measured(`${percent(kmask.nats / blocks.nats - 1)} %`) : missing, kmask ? `${kmask.blocks}${kmask.all ? ` of ${kmask.all}` : ''}` : ''];
    }),
  };
}

function publishedPerplexity(results) {
  const rows = PERPLEXITY.map(({ model, source, values }) => [`${model}, ${source}`, ...values.map((value) => published(value))]);
  const checkpoints = [...new Map(PERPLEXITY.map(({ model, checkpoint }) => [checkpoint, model])).entries()];
  const ours = checkpoints.map(([checkpoint, model]) => [`${model}, this engine`, ...CORPUS_NAMES.map((corpus) => {
    const row = results.of('perplexity', { model: checkpoint, corpus }).find(({ estimator }) => ['reference', 'blocks'].includes(estimator));
    return or(row, ({ ppl, estimator }) => `${estimator === 'reference' ? '≤ ' : ''}${fixed(ppl)}`);
  })]);
  return { caption: 'Zero-shot perplexity of the official checkpoints, blocks of 1,024 tokens.', columns: ['', ...CORPUS_TITLES], rows: [...rows, ...ours] };
}

function perplexitySection(results, pair) {
  return { id: 'likelihood', title: 'Likelihood', figures: [], tables: [perplexityTable(results, pair), publishedPerplexity(results)], text: [
    'A diffusion model gives an upper bound on the negative log-likelihood. Two estimators of it must agree: one masks an exact number of tokens, stratified over all numbers; the other is the reference code\u2019s score entropy at stratified times. '
    + 'The second lies higher by what the scores are not normalised.',
  ] };
}

// ---- Multiple choice ---------------------------------------------------------------------------

const share = (row, field, interval) => measured(percent(row[field]), `${percent(row[interval][0])} to ${percent(row[interval][1])}`);

function choiceTable(results, { sedd, twin }) {
  const tasks = ['cloze', ...Object.keys(TASKS)];
  const one = (model, task, scoring) => results.of('choice', { model, task, scoring })[0];
  const cell = (row, normalised) => (row ? share(row, normalised ? 'normalised' : 'accuracy', normalised ? 'normalisedInterval' : 'interval') : missing);
  return {
    caption: 'Accuracy in %, with 95 % intervals (Wilson). Normalised: the likelihood divided by the option\u2019s characters (story cloze: tokens), as the usual harness reports it.',
    columns: ['', 'chance', 'SEDD, bound', 'SEDD, bound, normalised', 'SEDD, chain rule', 'GPT-2 twin', 'GPT-2 twin, normalised', 'items'],
    rows: tasks.map((task) => {
      const [bound, chain, exact] = [one(sedd, task, 'bound'), one(sedd, task, 'chain'), one(twin, task, 'exact')];
      const any = bound ?? exact;
      return [any?.title ?? TASKS[task]?.title ?? 'Story cloze', any ? percent(any.chance) : '', cell(bound), cell(bound, true), cell(chain), cell(exact), cell(exact, true), any ? `${any.items} of ${any.all}` : ''];
    }),
  };
}

function publishedChoice(results) {
  const rows = ACCURACY.map(({ model, values }) => [`${model}, third party`, ...values.map((value) => (value ? published(value) : '–'))]);
  const ours = ACCURACY.map(({ model, checkpoint }) => [`${model}, this engine`, ...ACCURACY_TASKS.map((task) => {
    const row = results.of('choice', { model: checkpoint, task }).find(({ scoring }) => scoring !== 'chain');
    return or(row, ({ accuracy, normalised }) => [percent(accuracy), `${percent(normalised)} normalised`]);
  })]);
  return { caption: 'Accuracy of the official checkpoints in %.', columns: ['', ...ACCURACY_TASKS.map((task) => TASKS[task].title)], rows: [...rows, ...ours] };
}

function choiceFigure(results, { sedd, twin }) {
  const rows = ['cloze', ...Object.keys(TASKS)].map((task) => {
    const [bound, exact] = [results.of('choice', { model: sedd, task, scoring: 'bound' })[0], results.of('choice', { model: twin, task, scoring: 'exact' })[0]];
    const dot = (row, kind) => ({ kind, value: row.accuracy * 100, interval: row.interval.map((value) => value * 100) });
    return bound && exact && { label: task === 'cloze' ? 'Story cloze' : TASKS[task].title, chance: bound.chance * 100, dots: [dot(bound, 'sedd'), dot(exact, 'twin')] };
  }).filter(Boolean);
  return rows.length ? [{ name: 'choice', caption: 'Accuracy with 95 % intervals: SEDD above (blue), its twin below (ochre); the upright mark is chance. Models of this size know no science: near chance is what is expected, story endings aside.',
    svg: dotChart({ title: 'Multiple choice', x: 'accuracy, %', rows }) }] : [];
}

function costTable(results) {
  const rows = results.of('choice').filter((row) => row.secondsPerItem && !['sedd-nano', 'gpt2-nano'].includes(row.model));
  if (!rows.length) return [];
  const models = [...new Set(rows.map((row) => `${row.model}, ${row.scoring}${row.samples ? `, ${row.samples} samples` : ''}`))];
  return [{
    caption: 'Seconds an item on one thread at full size (random weights of the official shapes), and what the whole set takes on one thread.',
    columns: ['', ...models],
    rows: Object.keys(TASKS).map((task) => [TASKS[task].title, ...models.map((name) => {
      const row = rows.find((other) => other.task === task && `${other.model}, ${other.scoring}${other.samples ? `, ${other.samples} samples` : ''}` === name);
      return or(row, ({ secondsPerItem, all }) => [figure(secondsPerItem), `all: ${duration(secondsPerItem * all)}`]);
    })]),
  }];
}

const choiceSection = (results, pair) => ({ id: 'choice', title: 'Multiple choice', figures: choiceFigure(results, pair), tables: [choiceTable(results, pair), publishedChoice(results), ...costTable(results)], text: [
  'Each option is scored by its likelihood behind the question. SEDD\u2019s is a bound in which only the option is masked, with the same random numbers for all options of a question, so that their differences are less noisy than their values; '
  + 'the chain rule opens the option from left to right instead. The story cloze asks which of four last sentences ends a held-out story; the other three end other stories.',
] });

// ---- Writing -----------------------------------------------------------------------------------

const seddRows = (results, model) => results.of('generation', { model, kind: 'sedd' }).sort((a, b) => b.temperature - a.temperature || a.steps - b.steps);

function generationTable(results, { sedd, twin, student }) {
  const row = (name, data) => [name, measured(figure(data.ppl), range(data.pplInterval)), measured(fixed(data.entropy)), data.twinPpl ? measured(figure(data.twinPpl)) : '–', measured(fixed(data.distinct[1])),
    measured(percent(data.repetition[1])), measured(fixed(data.selfBleu)), measured(data.divergence.slice(0, 3).map((value) => fixed(value)).join(' / ')), measured(fixed(data.mauve))];
  const real = results.of('generation', { kind: 'held-out' })[0];
  const rows = [
    ...(real ? [row('Held-out text', real)] : []),
    ...seddRows(results, sedd).map((data) => row(`SEDD, ${data.steps} steps${data.temperature === 1 ? '' : `, temperature ${data.temperature}`}`, data)),
    ...seddRows(results, student).map((data) => row(`Student, ${data.steps} steps`, data)),
    ...results.of('generation', { model: twin, kind: 'gpt2' }).sort((a, b) => b.temperature - a.temperature).map((data) => row(`GPT-2 twin, temperature ${data.temperature}`, data)),
  ];
  const judge = (real ?? seddRows(results, sedd)[0])?.judge;
  return { caption: `${real ? `${real.texts} texts of ${real.length} tokens each. ` : ''}Perplexity by the judge (${judge}) on ids with its 95 % interval; entropy within a text, nats; the twin\u2019s perplexity at the same entropy (between its temperatures); different pairs of tokens in the set; `
    + 'repeated pairs within a text, %; self-BLEU; Jensen\u2013Shannon divergence of single tokens / pairs / triples to held-out text (its floor: the first row); MAUVE on the judge\u2019s states.',
  columns: ['', 'perplexity', 'entropy', 'twin at this entropy', 'distinct-2', 'repeated, %', 'self-BLEU', 'divergence', 'MAUVE'], rows };
}

function generationFigures(results, { sedd, twin, student }) {
  const steps = seddRows(results, sedd).filter(({ temperature }) => temperature === 1);
  const taught = seddRows(results, student);
  const tempered = seddRows(results, sedd).filter((row) => steps.some((other) => other.steps === row.steps) && seddRows(results, sedd).some((other) => other.steps === row.steps && other.temperature !== 1));
  const own = results.of('generation', { model: twin, kind: 'gpt2' }).sort((a, b) => a.temperature - b.temperature);
  const real = results.of('generation', { kind: 'held-out' })[0];
  const plain = own.find(({ temperature }) => temperature === 1);
  if (steps.length < 2 || !plain || !real) return [];
  const xTicks = [...new Set([...steps, ...taught].map((row) => row.steps))].sort((a, b) => a - b);
  return [
    { name: 'steps', caption: 'The judge\u2019s perplexity by number of steps, with 95 % intervals. The twin writes one token a step and stands as a line; below it, text that people wrote.',
      svg: lineChart({ title: 'Quality by steps', x: 'denoising steps', y: 'perplexity by the judge', xLog: true, yLog: true, xTicks, series: [
        { label: 'SEDD', kind: 'sedd', points: steps.map((row) => [row.steps, row.ppl]), bars: steps.map((row) => row.pplInterval) },
        ...(taught.length ? [{ label: 'student', kind: 'student', dashed: true, points: taught.map((row) => [row.steps, row.ppl]), bars: taught.map((row) => row.pplInterval) }] : []),
        { label: 'GPT-2 twin', kind: 'twin', level: true, points: [[xTicks[0], plain.ppl]] }, { label: 'held-out text', kind: 'real', level: true, points: [[xTicks[0], real.ppl]] }] }) },
    { name: 'entropy', caption: 'The same texts by their entropy. Low perplexity is cheap where entropy falls: compare at equal entropy. Numbers are steps (SEDD, temperature 1) and temperatures.',
      svg: lineChart({ title: 'Quality at matched entropy', x: 'entropy within a text, nats', y: 'perplexity by the judge', yLog: true, series: [
        { label: 'SEDD by steps', kind: 'sedd', first: true, points: steps.map((row) => [row.entropy, row.ppl]), names: steps.map((row) => String(row.steps)) },
        ...(tempered.length > 1 ? [{ label: 'by temperature', kind: 'sedd', dashed: true, points: tempered.map((row) => [row.entropy, row.ppl]), names: tempered.map((row) => (row.temperature === 1 ? '' : String(row.temperature))) }] : []),
        ...(taught.length ? [{ label: 'student', kind: 'student', dashed: true, points: taught.map((row) => [row.entropy, row.ppl]), names: taught.map((row) => String(row.steps)) }] : []),
        { label: 'GPT-2 twin', kind: 'twin', points: own.map((row) => [row.entropy, row.ppl]), names: own.map((row) => String(row.temperature)) }, { label: 'held-out', kind: 'real', points: [[real.entropy, real.ppl]] }] }) },
  ];
}

const publishedWriting = () => ({ caption: 'What the papers report of the official checkpoints.', columns: ['', 'published', 'on', 'this engine'], rows: GENERATION.map(([what, value, on]) => [what, published(value), on, missing]) });

const generationSection = (results, pair) => ({ id: 'writing', title: 'Writing', figures: generationFigures(results, pair), tables: [generationTable(results, pair), publishedWriting()], text: [
  'A larger GPT-2 judges where the folder models/judge-nano exists, else the twin judges its own texts, which flatters it. It reads ids as they were written. Seeds are consecutive; nothing is picked.',
] });

// ---- Around given text -------------------------------------------------------------------------

function conditionalTable(results, { sedd, twin }) {
  const prompts = [...new Set(results.of('conditional').map((row) => row.prompt))];
  const sized = (prompt) => Number(/\d+$/.exec(prompt)?.[0] ?? 0);
  const order = [...prompts.filter((prompt) => !/^prompt of/.test(prompt)), ...prompts.filter((prompt) => /^prompt of/.test(prompt)).sort((a, b) => sized(a) - sized(b))];
  const row = (name, data) => [name, measured(withError(data.nats, data.error, 2)), measured(figure(data.ppl)), measured(fixed(data.entropy)), data.mauve === undefined ? '–' : measured(fixed(data.mauve)), String(data.texts)];
  return { caption: 'The judge\u2019s nats a token of what was written, together with what follows it, given what stands before. Where something follows, the twin writes eight continuations blindly and keeps the one after which that is likeliest. '
    + 'A window of 128: SEDD writes the whole trained length; as needed: only the tokens that are wanted.',
  columns: ['', 'nats a token', 'perplexity', 'entropy', 'MAUVE', 'texts'],
  rows: order.flatMap((prompt) => [
    ...results.of('conditional', { prompt, kind: 'held-out' }).map((data) => row(`${prompt}: real text`, data)),
    ...results.of('conditional', { prompt, model: sedd }).sort((a, b) => a.steps - b.steps).map((data) => row(`${prompt}: SEDD, ${data.steps} steps, ${typeof data.length === 'number' ? `window of ${data.length}` : data.length}`, data)),
    ...results.of('conditional', { prompt, model: twin }).map((data) => row(`${prompt}: GPT-2 twin${data.tries > 1 ? `, best of ${data.tries}` : ''}`, data))]) };
}

function promptFigure(results, pair) {
  const gaps = promptGaps(results, pair);
  const real = new Map(results.of('conditional', { kind: 'held-out' }).map((row) => [row.prompt, row.nats]));
  if (gaps.length < 2) return [];
  const line = (label, kind, value) => ({ label, kind, points: gaps.map((row) => [row.prompt, value(row)]) });
  return [{ name: 'prompts', caption: 'Nats a token of a continuation by the length of its prompt.',
    svg: lineChart({ title: 'Short and long prompts', x: 'tokens of the prompt', y: 'nats a token by the judge', xLog: true, xTicks: gaps.map((row) => row.prompt), series: [
      { ...line('SEDD', 'sedd', (row) => row.sedd.nats), bars: gaps.map(({ sedd }) => [sedd.nats - 2 * sedd.error, sedd.nats + 2 * sedd.error]) },
      { ...line('GPT-2 twin', 'twin', (row) => row.twin.nats), bars: gaps.map(({ twin }) => [twin.nats - 2 * twin.error, twin.nats + 2 * twin.error]) },
      line('real text', 'real', (row) => real.get(row.sedd.prompt))] }) }];
}

const conditionalSection = (results, pair) => ({ id: 'around', title: 'Around given text', figures: promptFigure(results, pair), tables: [conditionalTable(results, pair)], text: [
  'SEDD fills any holes; GPT-2 only writes on. Prefix, infilling and the sizes 50 + 50 and 25 + 50 + 25 are the papers\u2019.',
] });

// ---- Time --------------------------------------------------------------------------------------

function latencySection(results, { sedd, twin }) {
  const rows = results.of('latency', { model: sedd, twin }).sort((a, b) => a.threads - b.threads || a.length - b.length);
  const steps = rows[0]?.rows.filter((row) => row.steps !== null).map((row) => row.steps) ?? [];
  const longest = rows.filter((row) => row.length === rows.at(-1).length);
  const figures = longest.map((row) => ({ name: `latency-${row.threads}`, caption: `Time of ${row.length} tokens by steps, ${row.threads === 1 ? 'one thread' : `${row.threads} threads`}; the twin\u2019s with its cache as a line. They meet at ${fixed(row.breakEven.steps, 1)} steps.`,
    svg: lineChart({ title: `Latency, ${row.threads} thread${row.threads === 1 ? '' : 's'}`, x: 'denoising steps', y: 'milliseconds', xLog: true, yLog: true, xTicks: steps, series: [
      { label: 'SEDD', kind: 'sedd', points: row.rows.filter((one) => one.steps !== null).map((one) => [one.steps, one.ms]), bars: row.rows.filter((one) => one.steps !== null).map((one) => one.interval) },
      { label: 'GPT-2 twin', kind: 'twin', level: true, points: [[steps[0], row.rows.find((one) => one.steps === null).ms]] }] }) }));
  return { id: 'time', title: 'Time', figures, text: ['The tool\u2019s own comparison (sedd bench --twin): both write whole texts in turns, the twin with its key/value cache; medians. Times in browsers are in scripts/bench/README.md and on the page itself.'],
    tables: [{ caption: 'Milliseconds a text, median; T* is the number of steps at which SEDD takes as long as its twin, with its 95 % interval.', columns: ['', ...steps.map((count) => `${count} steps`), 'GPT-2 twin', 'T*'],
      rows: rows.map((row) => [`${row.length} tokens, ${row.threads} thread${row.threads === 1 ? '' : 's'}`, ...row.rows.map((one) => measured(figure(one.ms))), measured(fixed(row.breakEven.steps, 1), `${fixed(row.breakEven.interval[0], 1)} to ${fixed(row.breakEven.interval[1], 1)}`)]) }] };
}

// ---- All ---------------------------------------------------------------------------------------

function claimSection(results, pair) {
  const list = claims(results, pair);
  return { id: 'claims', title: 'The claims, at this scale', figures: [], text: [], tables: [{ caption: 'What the papers say of models of 100 to 400 million parameters, held against the small pair measured here. These small models decide nothing about the method; they show what the measurement says.',
    columns: ['claim', 'here', 'measured'], rows: list.map(({ claim, verdict, text }) => [claim, measured(verdict), text]) }] };
}

/** @returns {Section[]} */
export const sections = (results, pair) => [claimSection, perplexitySection, choiceSection, generationSection, conditionalSection, latencySection].map((make) => make(results, pair));
