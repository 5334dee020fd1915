// Runs the evaluation on small sets with the shipped models, stops a run and continues it, and makes the report.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { Context, defaults } from '../../scripts/evaluate/context.mjs';
import { generate } from '../../scripts/generate.mjs';
import { seedOf } from '../../scripts/evaluate/random.mjs';
import { Results } from '../../scripts/evaluate/store.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-evaluate-run-'));
test.after(() => rmSync(folder, { recursive: true }));

const TOOL = path.join(ROOT, 'build/native/sedd');
const all = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').trim().split(',').map(Number);
const WINDOWS = 12;
const LENGTH = JSON.parse(readFileSync(path.join(ROOT, 'models/sedd-nano/config.json'), 'utf8')).model.length;

/** Makes a folder with a few held-out windows and the tokenizer that their ids belong to. */
const models = path.join(folder, 'models');
mkdirSync(path.join(models, 'sedd-nano'), { recursive: true });
cpSync(path.join(ROOT, 'models/sedd-nano/tokenizer.json'), path.join(models, 'sedd-nano/tokenizer.json'));
writeFileSync(path.join(models, 'few.ids'), all.slice(0, WINDOWS * LENGTH).join(','));

const flags = (name, ...more) => [
  '--windows',
  path.join(models, 'few.ids'),
  '--store',
  path.join(folder, `${name}.answers`),
  '--results',
  path.join(folder, `${name}.jsonl`),
  ...more,
];
const evaluate = (args) => spawnSync(process.execPath, ['scripts/evaluate', ...args], { cwd: ROOT, encoding: 'utf8' });
const rows = (name) =>
  readFileSync(path.join(folder, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const ok = (result) => assert.equal(result.status, 0, result.stderr);

test('a stopped run whose last line is cut continues to the same result', async () => {
  const args = (name) => [
    'perplexity',
    ...flags(name, '--samples', '12', '--workers', '1', '--judge', 'none', '--student', 'none'),
  ];
  ok(evaluate(args('whole')));
  const child = spawn(process.execPath, ['scripts/evaluate', ...args('cut')], { cwd: ROOT, stdio: 'ignore' });
  const file = path.join(folder, 'cut.answers');
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);
  while (lines() < 4 && child.exitCode === null)
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  child.kill('SIGKILL');
  await new Promise((resolve) => {
    child.on('exit', resolve);
  });
  const before = lines();
  assert.ok(before >= 4 && before < 4 * WINDOWS, `${before} answers were stored when it was stopped`);
  appendFileSync(file, '{"key":"half a li');
  const again = evaluate(args('cut'));
  ok(again);
  assert.match(again.stderr, /known/);
  const numbers = (name) =>
    rows(name).map(({ model, estimator, nats, error, noise, tokens }) => ({
      model,
      estimator,
      nats,
      error,
      noise,
      tokens,
    }));
  assert.deepEqual(numbers('cut'), numbers('whole'));
  assert.equal(numbers('whole').length, 4, 'two estimators, the chain rule and the twin');
  assert.equal(lines(), 4 * WINDOWS, 'no answer is stored twice');
});

test('the two estimators of the bound agree within their errors and calibration, and are above the twin', () => {
  const [twin, kmask, reference] = ['blocks', 'kmask', 'reference'].map((estimator) =>
    rows('whole').find((row) => row.estimator === estimator),
  );
  assert.ok(
    Math.abs(kmask.nats - reference.nats) < 4 * Math.hypot(kmask.noise, reference.noise) + 0.04,
    `${kmask.nats} and ${reference.nats}`,
  );
  assert.ok(kmask.nats > twin.nats);
  const chain = rows('whole').find((row) => row.estimator === 'chain');
  assert.ok(chain.noise === 0 && chain.nats > twin.nats && Math.abs(chain.nats - kmask.nats) < 0.3, `${chain.nats}`);
  assert.equal(twin.tokens, WINDOWS * LENGTH);
});

/** Returns the folder of a random model of another family, with the shipped tokenizer. */
function randomModel(family) {
  const place = path.join(folder, `${family}-nano`);
  generate(place, { shape: `${family}-nano` });
  cpSync(path.join(ROOT, 'models/sedd-nano/tokenizer.json'), path.join(place, 'tokenizer.json'));
  return place;
}

test('RADD\u2019s and MDLM\u2019s estimators agree on their models, beside the chain rule and a GPT-2', () => {
  writeFileSync(path.join(models, 'two.ids'), all.slice(0, 2 * LENGTH).join(','));
  for (const family of ['mdlm', 'radd']) {
    const more = ['--windows', path.join(models, 'two.ids'), '--sedd', randomModel(family), '--judge', 'none'];
    ok(evaluate(['perplexity', ...flags(family, '--samples', '16', ...more)]));
    const found = Object.fromEntries(rows(family).map((row) => [row.estimator, row]));
    assert.deepEqual(Object.keys(found).sort(), ['chain', 'kmask', 'lambda', 'reference']);
    for (const estimator of ['reference', 'lambda']) {
      const distance = Math.abs(found[estimator].nats - found.kmask.nats);
      const noise = Math.hypot(found[estimator].noise, found.kmask.noise);
      assert.ok(distance < 5 * noise + 0.05, `${family}, ${estimator}: ${distance} with errors of ${noise}`);
    }
    assert.ok(found.chain.noise === 0 && found.chain.nats > 5);
  }
});

test('a DUO has one estimator, writes at temperature 1, and has no choices to make', () => {
  const duo = randomModel('duo');
  const more = ['--windows', path.join(models, 'two.ids'), '--sedd', duo];
  ok(evaluate(['perplexity', ...flags('duo', '--samples', '4', '--judge', 'none', ...more)]));
  assert.deepEqual(
    rows('duo').map(({ model, estimator }) => [model, estimator]),
    [['duo-nano', 'reference']],
  );
  ok(evaluate(['choice', ...flags('duo', ...more)]));
  ok(evaluate(['generation', ...flags('duo', '--texts', '4', '--steps', '2', ...more)]));
  const written = rows('duo').filter((row) => row.table === 'generation' && row.model === 'duo-nano');
  assert.deepEqual(
    written.map(({ steps, temperature, texts }) => [steps, temperature, texts]),
    [[2, 1, 4]],
  );
});

test('GPT-2\u2019s score of an option is the likelihood of the whole less that of the context; results name chance and interval', () => {
  const data = path.join(folder, 'data');
  mkdirSync(data);
  const items = [
    { query: 'Once upon a time there was a little', choices: ['girl.', 'zebra of lead.'], gold: 0 },
    { query: 'The dog ran, therefore', choices: ['he was happy.', 'he was a spoon tree.'], gold: 0 },
  ];
  writeFileSync(path.join(data, 'copa.jsonl'), items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  ok(
    evaluate([
      'choice',
      ...flags('choice', '--data', data, '--tasks', 'copa', '--scorings', 'bound,chain', '--workers', '2'),
    ]),
  );
  const copa = rows('choice').filter((row) => row.task === 'copa');
  assert.deepEqual(
    copa.map(({ kind, model, scoring }) => [model, scoring]),
    [
      ['gpt2-nano', 'exact'],
      ['sedd-nano', 'bound'],
      ['sedd-nano', 'chain'],
    ],
  );
  assert.ok(
    copa.every(({ chance, items: count, interval }) => chance === 0.5 && count === 2 && interval[0] < interval[1]),
  );
  assert.equal(copa[0].accuracy, 1, 'the twin knows its stories');
  const answers = readFileSync(path.join(folder, 'choice.answers'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { answer } = answers.find(({ model, task, item }) => model === 'gpt2-nano' && task === 'copa' && item === 0);
  const total = (text) => {
    writeFileSync(path.join(folder, 'text'), text);
    const { nats_per_token: nats, tokens } = JSON.parse(
      spawnSync(TOOL, ['nll', 'models/gpt2-nano', '--file', path.join(folder, 'text'), '--json'], {
        cwd: ROOT,
        encoding: 'utf8',
      }).stdout,
    );
    return nats * tokens;
  };
  const expected = total(`${items[0].query} ${items[0].choices[1]}`) - total(items[0].query);
  assert.ok(Math.abs(answer.nats[1] - expected) < 1e-3, `${answer.nats[1]} and ${expected}`);
  const cloze = rows('choice').find(({ task, scoring }) => task === 'cloze' && scoring === 'exact');
  assert.ok(cloze.items > 6 && cloze.chance === 0.25);
});

test('texts are written, judged and reported', () => {
  const file = path.join(folder, 'report.jsonl');
  writeFileSync(
    file,
    ['whole', 'choice'].map((name) => readFileSync(path.join(folder, `${name}.jsonl`), 'utf8')).join(''),
  );
  ok(evaluate(['generation', ...flags('report', '--texts', '4')]));
  const written = rows('report').filter((row) => row.table === 'generation');
  assert.ok(
    written.every(
      ({ ppl, entropy, divergence, texts }) => ppl > 1 && entropy > 2 && divergence.length === 4 && texts === 4,
    ),
  );
  const real = written.find(({ kind }) => kind === 'held-out');
  const few = written.find(({ kind, steps }) => kind === 'sedd' && steps === 4);
  assert.ok(few.ppl > 3 * real.ppl, 'four steps of the small model are far from real text');
});

const tool = (...args) => spawnSync(TOOL, args, { cwd: ROOT, encoding: 'utf8' });
const json = (...args) => JSON.parse(tool(...args, '--json').stdout);

function entropyOf(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return -[...counts.values()].reduce((sum, count) => sum + (count / ids.length) * Math.log(count / ids.length), 0);
}

test('entropy and perplexity of a set are those of the tool\u2019s other commands with the texts\u2019 seeds', () => {
  const written = rows('report').filter((row) => row.table === 'generation');
  for (const [row, write] of [
    [
      written.find(({ model, steps, way }) => model === 'sedd-nano' && steps === 8 && !way),
      (seed) => json('sample', 'models/sedd-nano', '--steps', '8', '--seed', seed).ids,
    ],
    [
      written.find(({ kind, temperature }) => kind === 'gpt2' && temperature === 1),
      (seed) => json('generate', 'models/gpt2-nano', '--prompt', '', '--tokens', String(LENGTH), '--seed', seed).ids,
    ],
  ]) {
    const texts = [0, 1, 2, 3].map((i) => write(String(seedOf(0, i))));
    const nats = texts.map((ids) => json('nll', 'models/judge-nano', '--ids', ids.join(',')).nats_per_token);
    const mean = (values) => values.reduce((a, b) => a + b) / values.length;
    assert.ok(Math.abs(row.entropy - mean(texts.map(entropyOf))) < 1e-5);
    assert.ok(Math.abs(row.nats - mean(nats)) < 1e-4, `${row.nats} and ${mean(nats)}`);
  }
});

test('the tool gives the chain rule\u2019s value, and no standard error of one sample', () => {
  const ids = all.slice(0, 20);
  const chain = json('bound', 'models/sedd-nano', '--ids', ids.join(','), '--chain');
  const request = { op: 'choice', options: [{ ids, given: 0 }], scoring: 'chain' };
  const { stdout } = spawnSync(TOOL, ['eval', 'models/sedd-nano'], {
    cwd: ROOT,
    encoding: 'utf8',
    input: `${JSON.stringify(request)}\n${JSON.stringify({ op: 'chain', ids, parts: true })}\n${JSON.stringify({ op: 'bound', ids, samples: 1 })}\n`,
  });
  const [choice, evaluated, single] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(Math.abs(chain.nats_per_token * ids.length - choice.nats[0]) < 1e-4);
  assert.ok(Math.abs(evaluated.nats - chain.nats_per_token) < 1e-6 && evaluated.parts.length === ids.length);
  assert.equal(chain.stderr, 0);
  assert.equal(single.stderr, null);
  const one = ['bound', 'models/sedd-nano', '--ids', ids.join(','), '--samples', '1'];
  assert.equal(json(...one).stderr, null);
  assert.match(tool(...one).stdout, /standard error unknown \(one sample\), 20 tokens/);
  const refused = tool('bound', 'models/sedd-nano', '--ids', '1,2', '--chain', '--samples', '4');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /the chain rule is exact and takes no --samples/);
});

/** Files that only rows of the shipped models may change. */
const SHIPPED = ['models/RESULTS.md', 'models/results.jsonl', 'models/sedd-nano/card.json'];
const digest = () =>
  SHIPPED.filter((file) => existsSync(path.join(ROOT, file))).map((file) =>
    createHash('sha256')
      .update(readFileSync(path.join(ROOT, file)))
      .digest('hex'),
  );

test('"none" leaves out one model only, and the report of other rows is written beside them', () => {
  const before = digest();
  ok(
    evaluate([
      'perplexity',
      ...flags('alone', '--samples', '1', '--twin', 'none', '--judge', 'none', '--student', 'none'),
    ]),
  );
  const own = rows('alone');
  assert.deepEqual(
    own.map(({ model, estimator }) => [model, estimator]),
    [
      ['sedd-nano', 'chain'],
      ['sedd-nano', 'kmask'],
      ['sedd-nano', 'reference'],
    ],
  );
  assert.equal(
    own.find(({ estimator }) => estimator === 'kmask').noise,
    null,
    'one sample says nothing about the masks',
  );
  ok(evaluate(['report', ...flags('alone', '--twin', 'none')]));
  const out = path.join(folder, 'alone.report');
  const text = readFileSync(path.join(out, 'models/RESULTS.md'), 'utf8');
  assert.match(text, /\| Stories \(held out\) \| [\d.]+ ± [\d.]+ \(perplexity [\d.]+\) \|/);
  assert.doesNotMatch(text, /NaN|undefined|null/);
  const [, sheet] = /href="([^"]+page\.css)"/.exec(readFileSync(path.join(out, 'results.html'), 'utf8'));
  assert.equal(path.resolve(out, sheet), path.join(ROOT, 'web/page/page.css'));
  const { bound, chain, exact, twin } = JSON.parse(readFileSync(path.join(out, 'models/sedd-nano/card.json'), 'utf8'));
  const nats = ['kmask', 'chain'].map((name) => own.find(({ estimator }) => estimator === name).nats);
  assert.deepEqual(
    [bound.nats, chain.nats, exact, twin],
    [...nats.map((value) => Number(value.toPrecision(5))), undefined, undefined],
  );
  ok(evaluate(['report', ...flags('report')]));
  assert.ok(existsSync(path.join(folder, 'report.report/models/figures/entropy.svg')));
  assert.deepEqual(digest(), before);
});

test('the rows in models/ make the whole report', () => {
  const out = path.join(folder, 'shipped');
  ok(evaluate(['report', '--out', out]));
  const text = readFileSync(path.join(out, 'models/RESULTS.md'), 'utf8');
  assert.doesNotMatch(text, /NaN|undefined|null/);
  for (const title of ['The claims', 'Likelihood', 'Multiple choice', 'Writing', 'Around given text', 'Time'])
    assert.match(text, new RegExp(`^## ${title}`, 'm'));
});

test('a failed write leaves the old rows', () => {
  const file = path.join(folder, 'safe.jsonl');
  const results = new Results(file);
  results.add({ table: 'perplexity', model: 'a' });
  results.save();
  const before = readFileSync(file, 'utf8');
  mkdirSync(`${file}.part`); // a folder of this name blocks the temporary file
  results.add({ table: 'perplexity', model: 'b' });
  assert.throws(() => results.save(), /safe.jsonl could not be written .*the old file is unchanged/);
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('another build of the tool computes answers again, the same build uses the stored ones', async () => {
  const wrapper = path.join(folder, 'tool');
  const store = path.join(folder, 'builds.answers');
  const asked = async (build) => {
    writeFileSync(wrapper, `#!/bin/sh\n# ${build}\nexec ${TOOL} "$@"\n`, { mode: 0o755 });
    const places = { tool: wrapper, store, results: path.join(folder, 'builds.jsonl'), silent: true };
    const context = new Context({ ...defaults(), ...places, workers: 1, sedd: path.join(ROOT, 'models/sedd-nano') });
    await context.sedd.ask('test', [{ op: 'bound', ids: [1, 2, 3], samples: 2 }]);
    context.close();
    return readFileSync(store, 'utf8').trim().split('\n').length;
  };
  assert.equal(await asked('one'), 1);
  assert.equal(await asked('one'), 1);
  assert.equal(await asked('two'), 2);
});

test('latency is timed in turns by the tool, and T* follows from the rounds', () => {
  ok(
    evaluate([
      'latency',
      ...flags('latency', '--hosts', 'tool', '--threads', '1', '--lengths', '32', '--steps', '1,8', '--rounds', '6'),
      ...['--sedd', 'models/sedd-nano', '--twin', 'models/gpt2-nano'],
    ]),
  );
  const [{ rows: times, breakEven, kernels, host, length }] = rows('latency');
  assert.deepEqual([host, length, times.map(({ steps }) => steps)], ['tool', 32, [1, 8, null]]);
  for (const { ms, interval } of times) assert.ok(interval[0] > 0 && interval[0] <= ms && ms <= interval[1]);
  assert.ok(times[1].ms > times[0].ms, 'eight evaluations take longer than one');
  assert.ok(breakEven.interval[0] > 0 && breakEven.interval[0] <= breakEven.steps);
  assert.match(kernels, /^[a-z0-9]+$/);
});

test('a sweep writes its table into the card and the defaults into generation_config.json', () => {
  const model = path.join(folder, 'swept');
  cpSync(path.join(ROOT, 'models/sedd-nano'), model, { recursive: true });
  const { sweep: _, ...shown } = JSON.parse(readFileSync(path.join(model, 'card.json'), 'utf8'));
  const args = ['--texts', '4', '--steps', '4', '--temperatures', '0.3,1', '--top-ps', '1', '--apply'];
  const result = evaluate(['sweep', model, ...flags('sweep', ...args)]);
  ok(result);
  const { sweep, ...rest } = JSON.parse(readFileSync(path.join(model, 'card.json'), 'utf8'));
  assert.deepEqual(rest, shown, 'what the card said before stays');
  assert.equal(sweep.settings.length, 4);
  assert.ok(
    sweep.settings.every(({ ppl }, i, list) => i === 0 || list[i - 1].ppl <= ppl),
    'best first',
  );
  const windows = Array.from({ length: WINDOWS }, (_, i) => all.slice(i * LENGTH, (i + 1) * LENGTH));
  const mean = windows.map(entropyOf).reduce((a, b) => a + b) / WINDOWS;
  assert.ok(Math.abs(sweep.real.entropy - mean) < 1e-3, `${sweep.real.entropy} and ${mean}`);
  const chosen = sweep.settings.find(
    ({ entropy, repeated }) => entropy >= sweep.real.entropy && repeated <= sweep.real.repeated,
  );
  const { ppl, pplInterval, entropy, entropyError, repeated, repeatedError, ...setting } = chosen;
  assert.deepEqual(sweep.defaults, setting);
  assert.ok(
    sweep.settings[0].temperature === 0.3 && sweep.settings[0].ppl < ppl,
    'dull text is likelier, and not chosen',
  );
  const config = JSON.parse(readFileSync(path.join(model, 'generation_config.json'), 'utf8'));
  assert.deepEqual({ ...config, ...setting }, config);
  const readme = readFileSync(path.join(model, 'README.md'), 'utf8');
  assert.match(readme, /## Generation defaults\n\n<!-- sweep -->\njudge-nano judged 4 settings of 4 texts each\./);
  ok(evaluate(['sweep', model, ...flags('sweep', ...args)]));
  assert.equal(readFileSync(path.join(model, 'README.md'), 'utf8'), readme, 'a second run writes the same');
});

test('training curves are read and drawn', () => {
  const log = (name, entries) => {
    writeFileSync(path.join(folder, name), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    return path.join(folder, name);
  };
  const sedd = log(
    'sedd.log',
    [1e6, 1e7, 1e8].map((tokens, i) => ({ tokens, bound: { nats_per_token: 3 - 0.4 * i } })),
  );
  const twin = log(
    'twin.log',
    [1e6, 1e7].map((tokens, i) => ({ tokens, nll: { nats_per_token: 2.5 - 0.4 * i } })),
  );
  ok(evaluate(['curve', ...flags('curve', '--log', sedd, '--twin-log', twin)]));
  assert.deepEqual(
    rows('curve').map(({ kind, points }) => [kind, points.length]),
    [
      ['gpt2', 2],
      ['sedd', 3],
    ],
  );
  ok(evaluate(['report', ...flags('curve')]));
  const out = path.join(folder, 'curve.report');
  assert.match(
    readFileSync(path.join(out, 'models/figures/curve.svg'), 'utf8'),
    /nats a token against training tokens/,
  );
  assert.match(readFileSync(path.join(out, 'results.html'), 'utf8'), /3\.13 against 2\.86 nats/);
});

for (const [name, args, words] of [
  ['an unknown work', ['dance'], /unknown work "dance"; expected perplexity/],
  ['an unknown flag', ['choice', '--itemz', '3'], /unknown option --itemz/],
  ['an invalid number', ['choice', '--items', 'many'], /--items expects a whole number of at least 1, not "many"/],
  ['a seed with a blank', ['choice', '--seed', ' 1'], /--seed expects a whole number of at least 0, not " 1"/],
  ['invalid steps', ['sweep', 'm', '--steps', '8,x'], /--steps expects whole numbers from 1, separated/],
  ['a top-p above 1', ['sweep', 'm', '--top-ps', '0.9,1.1'], /--top-ps expects numbers above 0 and at most 1/],
  ['a sweep without a model', ['sweep'], /sweep needs the folder of a MODEL/],
  ['a curve without logs', ['curve'], /a curve needs --log/],
  ['an unknown task', ['choice', '--tasks', 'chess'], /unknown task "chess"; expected hellaswag/],
  ['missing data', ['choice', '--data', '/nowhere'], /--data \/nowhere does not exist/],
  ['a folder without weights', ['perplexity', '--sedd', 'tests'], /neither model.safetensors nor pytorch_model.bin/],
]) {
  test(`the program refuses ${name} and says why`, () => {
    const result = evaluate(args);
    assert.equal(result.status, 1);
    assert.match(result.stderr, words);
  });
}

test('an invalid request gets an error sentence, and the next request its answer', () => {
  const requests = [
    '{"id": 1, "op": "bound", "ids": [1, 99999]}',
    'no json',
    '{"id": 2, "op": "dance"}',
    '{"id": 3, "op": "bound"}',
    '{"id": 4, "op": "sample", "held": [[0]]}',
    '{"id": 5, "op": "choice", "options": [{"ids": [1, 2.5], "given": 1}]}',
    '{"id": 6, "op": "bound", "ids": [1], "seed": -1}',
    '{"id": 7, "op": "encode", "texts": ["The cat"]}',
  ];
  const result = spawnSync(TOOL, ['eval', 'models/sedd-nano'], {
    cwd: ROOT,
    encoding: 'utf8',
    input: `${requests.join('\n')}\n`,
  });
  assert.equal(result.status, 0, result.stderr);
  const answers = result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    answers.map(({ id }) => id),
    [1, -1, 2, 3, 4, 5, 6, 7],
  );
  const words = [
    /token id 99999 at position 1/,
    /not valid JSON/,
    /op is unknown/,
    /needs ids/,
    /held\[0\]/,
    /something else than an id at 1/,
    /seed/,
  ];
  words.forEach((pattern, i) => assert.match(answers[i].error, pattern));
  assert.equal(answers[7].ids[0].length, 2);
});
