// Runs the training pipeline on a few kilobytes of text: prepare, train (causal, then SEDD; GPT-2), resume, two workers, distil,
// plan, export. The C engine must then give PyTorch's numbers for the exported models. Skipped if Python has no PyTorch.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tools from './python.mjs';

const { ROOT, TOOL, python, skip } = tools;
const work = tools.scratch('train');
const call = (file, args) => tools.call(work, file, args);

const LENGTH = 32;
const SIGMA = 0.7;
const common = {
  batch: 8,
  micro: 4,
  warmup: 5,
  lr: 0.003,
  floor: 0.05,
  weight_decay: 0.05,
  ema: 0.9,
  precision: 'fp32',
  seed: 3,
  log_every: 50,
  eval_every: 40,
};
const shape = { tokens: 320, hidden: 32, blocks: 2, heads: 2, length: LENGTH };
const configs = {
  sedd: {
    name: 'tiny',
    kind: 'sedd',
    ...common,
    model: { ...shape, cond: 16 },
    steps: 80,
    decay: 40,
    causal: { steps: 80, decay: 40 },
  },
  plateau: {
    name: 'tiny',
    kind: 'sedd',
    ...common,
    optimizer: 'muon',
    model: { ...shape, cond: 16 },
    steps: 4000,
    decay: 0,
  },
  gpt2: { name: 'tiny', kind: 'gpt2', ...common, model: shape, steps: 80, decay: 40, dropout: 0.1 },
  student: {
    kind: 'sdtt',
    ...common,
    spread: 0.5,
    model: { ...shape, cond: 16 },
    decay: 5,
    rounds: [
      { student_steps: 8, substeps: 2, steps: 10 },
      { student_steps: 4, substeps: 2, steps: 10 },
    ],
  },
  planned: {
    kind: 'planned',
    ...common,
    batch: 32,
    micro: 16,
    model: { ...shape, cond: 16 },
    walks: [4, 4, 8],
    held: 0.4,
    steps: 160,
    decay: 120,
  },
  drawn: {
    kind: 'planned',
    ...common,
    batch: 32,
    micro: 16,
    log_every: 10,
    model: { ...shape, cond: 16 },
    walks: [4],
    held: 0,
    steps: 60,
    decay: 40,
  },
};

const script = (name, ...args) => call(python, [path.join(ROOT, 'scripts/train', `${name}.py`), ...args]);
const train = (name, out, ...more) =>
  script('train', `${name}.json`, '--data', 'pack', '--out', out, '--device', 'cpu', '--threads', '1', ...more);
const log = (run) =>
  readFileSync(path.join(work, run, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const weights = (run, folder) => readFileSync(path.join(work, run, folder, 'model.safetensors'));
const bytes = (run) => weights(run, 'last');
const engine = (...args) => JSON.parse(call(TOOL, [...args, '--json']));
const reference = (model, ids) =>
  JSON.parse(call(python, [path.join(ROOT, 'tests/train/reference.py'), model, 'pack', ids.join(','), String(SIGMA)]));
const largest = (rows) => Math.max(...rows.flat().map(Math.abs));
const farthest = (a, b) => Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i][j]))));

test('the training pipeline', { skip }, async (t) => {
  for (const [name, config] of Object.entries(configs))
    writeFileSync(path.join(work, `${name}.json`), JSON.stringify(config));

  await t.test('a folder of text becomes a pack whose tokenizer the engine reads alike', () => {
    const ids = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').trim();
    const text = call(TOOL, ['detokenize', path.join(ROOT, 'models/sedd-nano'), '--ids', ids]);
    mkdirSync(path.join(work, 'text'));
    writeFileSync(path.join(work, 'text/stories.txt'), text.replaceAll('<|endoftext|>', '\n<|endoftext|>\n'));
    script('prepare', 'pack', 'text', '--vocab', '320', '--length', String(LENGTH));
    writeFileSync(path.join(work, 'line.txt'), 'Once upon a time, 314 naïve "owls" didn\'t sleep.\n\n  The end.');
    const own = call(python, [
      '-c',
      `import sys; sys.path.insert(0, ${JSON.stringify(path.join(ROOT, 'scripts/train'))})
from tokenizer import Tokenizer; print(Tokenizer.load("pack/tokenizer.json").encode(open("line.txt", encoding="utf-8").read()))`,
    ]);
    assert.deepEqual(call(TOOL, ['tokenize', 'pack', '--file', 'line.txt']).match(/\d+/g), own.match(/\d+/g));
  });

  await t.test('training lowers the validation values', () => {
    train('sedd', 'sedd', '--workers', '2');
    train('gpt2', 'gpt2');
    for (const [run, key] of [
      ['sedd/causal', 'nll'],
      ['sedd', 'bound'],
      ['gpt2', 'nll'],
    ]) {
      const values = log(run)
        .filter((entry) => entry[key])
        .map((entry) => entry[key].nats_per_token);
      assert.ok(values.at(-1) < values[0] - 0.2, `${run}: ${values}`);
      assert.ok(values.at(-1) < Math.log(shape.tokens) - 0.5, `${run}: ${values}`);
    }
  });

  for (const name of ['sedd', 'gpt2']) {
    await t.test(`a ${name} run that was stopped and resumed has the weights of one that was not`, () => {
      train(name, `${name}-resumed`, '--start', `${name}/best`, '--until', '7');
      train(name, `${name}-resumed`, '--start', `${name}/best`, '--until', '12');
      train(name, `${name}-whole`, '--start', `${name}/best`, '--until', '12');
      assert.ok(bytes(`${name}-resumed`).equals(bytes(`${name}-whole`)));
      assert.ok(!bytes(`${name}-resumed`).equals(bytes(name)));
    });
  }

  await t.test('two workers make the weights that one makes', () => {
    train('sedd', 'sedd-alone', '--start', 'sedd/best', '--until', '5');
    train('sedd', 'sedd-shared', '--start', 'sedd/best', '--until', '5', '--workers', '2');
    assert.ok(bytes('sedd-alone').equals(bytes('sedd-shared')));
  });

  for (const workers of ['1', '2'])
    await t.test(`an anneal finishes a copy of a plateau run, ${workers} at work`, () => {
      const [plateau, whole, parts] = ['plateau', 'anneal', 'anneal-parts'].map((name) => name + workers);
      train('plateau', plateau, '--start', 'sedd/best', '--until', '4', '--workers', workers);
      const before = readFileSync(path.join(work, plateau, 'state.pt'));
      const anneal = (out, ...more) =>
        train('plateau', out, '--start', plateau, '--anneal', '10', '--workers', workers, ...more);
      anneal(whole);
      anneal(parts, '--until', '13');
      anneal(parts);
      assert.ok(readFileSync(path.join(work, plateau, 'state.pt')).equals(before), 'the plateau run is untouched');
      for (const folder of ['last', 'average', 'best'])
        assert.ok(weights(whole, folder).equals(weights(parts, folder)), folder);
      const end = log(whole).at(-1);
      assert.equal(end.step, 14);
      assert.equal(log(whole).findLast((entry) => entry.lr).lr, 0.0003, 'the rate of the last step is a tenth');
      const value = (name) => end[name].bound.nats_per_token;
      const mean = value('mean of the last fifth') < value('moving average');
      assert.equal(end.best, mean ? 'mean of the last fifth' : 'moving average');
      assert.ok(weights(whole, 'best').equals(weights(whole, mean ? 'average' : 'last')));
    });

  await t.test('a student is trained for the walks that the engine takes', () => {
    script(
      'planned',
      'planned.json',
      '--data',
      'pack',
      '--start',
      'sedd/best',
      '--out',
      'planned',
      '--device',
      'cpu',
      '--workers',
      '2',
    );
    const values = log('planned')
      .map((entry) => entry.bound_in_4_steps?.nats_per_token)
      .filter(Boolean);
    assert.ok(values.at(-1) < values[0] - 0.02, `bound in 4 steps: ${values}`);
    call(TOOL, [
      'sample',
      'planned/last',
      '--steps',
      '8',
      '--positions',
      'planned',
      '--order',
      'spread',
      '--grid',
      'cosine',
      '--trace',
      'walk.json',
    ]);
    const { events } = JSON.parse(readFileSync(path.join(work, 'walk.json'), 'utf8'));
    const plan_here = JSON.parse(
      call(python, [
        '-c',
        `import sys; sys.path.insert(0, ${JSON.stringify(path.join(ROOT, 'scripts/train'))})
from planned import plan; print(plan(8, ${LENGTH}))`,
      ]),
    );
    assert.deepEqual(
      events.filter((event) => event.changed.length).map((event) => LENGTH - event.masked),
      plan_here.slice(1),
    );
  });

  await t.test('a student of planned steps is drawn to a teacher who sees every mask', () => {
    script(
      'planned',
      'drawn.json',
      '--data',
      'pack',
      '--start',
      'planned/last',
      '--teacher',
      'sedd/best',
      '--out',
      'drawn',
      '--device',
      'cpu',
      '--threads',
      '1',
    );
    const losses = log('drawn')
      .map((entry) => entry.loss)
      .filter((loss) => loss !== undefined);
    assert.ok(losses.at(-1) > 0 && losses.at(-1) < 0.8 * losses[0], `divergence from the teacher: ${losses}`);
    const same = call(python, [
      '-c',
      `import sys; sys.path.insert(0, ${JSON.stringify(path.join(ROOT, 'scripts/train'))})
import torch; from pathlib import Path; from model import load; from planned import divergence, order
model, ids = load(Path("sedd/best")), torch.arange(2 * ${LENGTH}).view(2, ${LENGTH})
places = order(2, ${LENGTH}, 0, False, torch.Generator().manual_seed(1))
for opening in (${LENGTH - 12}, 4): print(divergence(model, model, ids, places, 12, opening, 0.6)[0].abs().max().item())`,
    ])
      .trim()
      .split('\n')
      .map(Number);
    assert.ok(same[0] < 1e-4 && same[1] > 1e-3, `from itself, with all masks and with a few: ${same}`);
  });

  await t.test('a student is distilled in rounds and learns its targets', () => {
    script(
      'distill',
      'student.json',
      '--data',
      'pack',
      '--teacher',
      'sedd/best',
      '--out',
      'student',
      '--device',
      'cpu',
      '--threads',
      '1',
    );
    assert.ok(bytes('student').equals(bytes('student/round-2')));
    assert.ok(!bytes('student/round-1').equals(bytes('student/round-2')));
    const loss = log('student/round-1').find((entry) => entry.loss !== undefined).loss;
    assert.ok(loss > 0 && loss < 1, `divergence from the teacher: ${loss}`);
  });

  for (const name of ['sedd', 'student']) {
    await t.test(`the engine scores the exported ${name} as PyTorch does`, () => {
      script('export', name, `${name}-f32`, '--dtype', 'f32');
      script('export', name, `${name}-int8`);
      const ids = [5, 320, 17, 320, 319, 100, 320, 320, 64];
      const torch = reference(`${name}-f32`, ids);
      const score = JSON.parse(
        call(TOOL, ['score', `${name}-f32`, '--ids', ids.join(','), '--sigma', String(SIGMA)]),
      ).logscore;
      assert.ok(farthest(score, torch.rows) < 1e-4, `log-scores differ by ${farthest(score, torch.rows)}`);
      const windows = torch.valid.join(',');
      const bound = engine('bound', `${name}-f32`, '--ids', windows, '--samples', '16');
      const both = Math.hypot(bound.stderr, torch.bound_normalised.stderr);
      assert.ok(
        both < 0.1 && Math.abs(bound.nats_per_token - torch.bound_normalised.nats_per_token) < 4 * both,
        JSON.stringify([bound, torch.bound_normalised]),
      );
      const coarse = JSON.parse(
        call(TOOL, ['score', `${name}-int8`, '--ids', ids.join(','), '--sigma', String(SIGMA)]),
      ).logscore;
      assert.ok(
        farthest(coarse, score) < 0.015 * largest(score),
        `int8 log-scores differ by ${farthest(coarse, score)} of ${largest(score)}`,
      );
      const small = engine('bound', `${name}-int8`, '--ids', windows, '--samples', '16');
      assert.ok(Math.abs(small.nats_per_token / bound.nats_per_token - 1) < 0.005, JSON.stringify([bound, small]));
    });
  }

  await t.test('the engine computes the exported GPT-2 as PyTorch does', () => {
    script('export', 'gpt2', 'gpt2-f32', '--dtype', 'f32');
    script('export', 'gpt2', 'gpt2-int8');
    const ids = [319, 5, 17, 300, 319, 100];
    const torch = reference('gpt2-f32', ids);
    const { logits } = JSON.parse(call(TOOL, ['logits', 'gpt2-f32', '--ids', ids.join(',')]));
    assert.ok(farthest(logits, torch.rows) < 1e-4, `logits differ by ${farthest(logits, torch.rows)}`);
    const whole = engine('nll', 'gpt2-f32', '--ids', torch.valid.join(','));
    assert.ok(Math.abs(whole.nats_per_token - torch.nll.nats_per_token) < 1e-4, JSON.stringify([whole, torch.nll]));
    const coarse = JSON.parse(call(TOOL, ['logits', 'gpt2-int8', '--ids', ids.join(',')])).logits;
    assert.ok(
      farthest(coarse, logits) < 0.015 * largest(logits),
      `int8 logits differ by ${farthest(coarse, logits)} of ${largest(logits)}`,
    );
    const small = engine('nll', 'gpt2-int8', '--ids', torch.valid.join(','));
    assert.ok(Math.abs(small.nats_per_token / whole.nats_per_token - 1) < 0.005, JSON.stringify([whole, small]));
  });
});
