// The evaluation as it is run: small sets, the shipped models, a run that is stopped and goes on, the report.
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

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-evaluate-run-'));
test.after(() => rmSync(folder, { recursive: true }));

const TOOL = path.join(ROOT, 'build/native/sedd');
const all = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').trim().split(',').map(Number);
const WINDOWS = 12;
const LENGTH = JSON.parse(readFileSync(path.join(ROOT, 'models/sedd-nano/config.json'), 'utf8')).model.length;

/** A place with a few held-out windows, and the tokenizer beside them that says whose ids they are. */
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

test('a run that was stopped, its last line cut in two, goes on to the same result', async () => {
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
  assert.ok(before >= 4 && before < 3 * WINDOWS, `${before} answers were in when it was stopped`);
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
  assert.equal(numbers('whole').length, 3, 'two estimators and the twin');
  assert.equal(lines(), 3 * WINDOWS, 'no answer is there twice');
});

test('the two estimators of the bound agree within their errors and calibration, and lie above the twin', () => {
  const [twin, kmask, reference] = ['blocks', 'kmask', 'reference'].map((estimator) =>
    rows('whole').find((row) => row.estimator === estimator),
  );
  assert.ok(
    Math.abs(kmask.nats - reference.nats) < 4 * Math.hypot(kmask.noise, reference.noise) + 0.04,
    `${kmask.nats} and ${reference.nats}`,
  );
  assert.ok(kmask.nats > twin.nats);
  assert.equal(twin.tokens, WINDOWS * LENGTH);
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

test('texts are written, judged and reported; the page is safe and every cell says where it comes from', () => {
  const file = path.join(folder, 'report.jsonl');
  writeFileSync(
    file,
    ['whole', 'choice'].map((name) => readFileSync(path.join(folder, `${name}.jsonl`), 'utf8')).join(''),
  );
  ok(evaluate(['generation', ...flags('report', '--texts', '4')]));
  const written = rows('report').filter((row) => row.table === 'generation');
  assert.ok(
    written.every(
      ({ ppl, entropy, mauve, divergence, texts }) =>
        ppl > 1 && entropy > 2 && mauve >= 0 && mauve <= 1 + 1e-9 && divergence.length === 4 && texts === 4,
    ),
  );
  const real = written.find(({ kind }) => kind === 'held-out');
  const few = written.find(({ kind, steps }) => kind === 'sedd' && steps === 4);
  assert.ok(few.ppl > 3 * real.ppl, 'four steps of the small model are far from real text');
});

for (const [name, args, words] of [
  ['an unknown work', ['dance'], /no work "dance"; perplexity/],
  ['an unknown flag', ['choice', '--itemz', '3'], /no flag "--itemz"/],
  ['a number that is none', ['choice', '--items', 'many'], /--items expects a whole number from 1 on, not "many"/],
  ['an unknown task', ['choice', '--tasks', 'chess'], /no task "chess"; hellaswag/],
  ['data that is not there', ['choice', '--data', '/nowhere'], /--data \/nowhere is not there/],
  ['a folder without weights', ['perplexity', '--sedd', 'tests'], /neither model.safetensors nor pytorch_model.bin/],
]) {
  test(`the program says what is wrong with ${name}`, () => {
    const result = evaluate(args);
    assert.equal(result.status, 1);
    assert.match(result.stderr, words);
  });
}

test('a request that cannot be answered gets a sentence, and the next one its answer', () => {
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
    /op is none/,
    /needs ids/,
    /held\[0\]/,
    /something else than an id at 1/,
    /seed/,
  ];
  words.forEach((pattern, i) => assert.match(answers[i].error, pattern));
  assert.equal(answers[7].ids[0].length, 2);
});
