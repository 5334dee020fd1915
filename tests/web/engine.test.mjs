// Tests the wasm modules in Node: golden folders with every kernel table, and equal texts everywhere.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../web/engine/engine.js';
import { Model } from '../../web/engine/model.js';
import { compareWithGolden, goldenEngine } from './golden-module.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const TABLES = [
  ['simd', 'scalar'],
  ['simd', 'simd128'],
  ['relaxed', 'relaxed'],
  ['relaxed', 'relaxed16'],
];

async function load(engine, folder, options) {
  const read = (name) => readFileSync(path.join(ROOT, folder, name));
  const tokenizer = readFileSync(path.join(ROOT, 'models/sedd-nano/tokenizer.json'));
  return Model.load(engine, { config: read('config.json'), weights: [read('model.safetensors')], tokenizer }, options);
}

const textOf = (model, options) => {
  const run = model.startRun(options);
  while (!run.done) run.advance();
  const { ids } = run;
  run.free();
  return model.detokenize(ids);
};

for (const [wasm, kernels] of TABLES) {
  for (const name of [
    ...['absorb', 'uniform', 'gpt2', 'absorb-geometric-official'],
    ...['mdlm', 'mdlm-time', 'sdtt', 'radd', 'duo'],
  ]) {
    test(`golden ${name}, kernels ${kernels}`, async () => {
      const engine = await goldenEngine({ wasm, kernels });
      const model = await load(engine, `tests/golden/${name}`);
      const read = (file) => readFileSync(path.join(ROOT, 'tests/golden', name, file));
      const { failed, report } = compareWithGolden(engine, model, read('golden.json'), read('golden.safetensors'));
      assert.equal(failed, 0, report);
      assert.ok(report.split('\n').length > 5, 'something was compared');
    });
  }
}

test('the same seed gives the same text in wasm and in the native tool', async () => {
  const native = (kernels, dtype) =>
    execFileSync(
      path.join(ROOT, 'build/native/sedd'),
      ['sample', 'models/sedd-nano', '--steps', '12', '--seed', '7', '--kernels', kernels, '--dtype', dtype],
      { cwd: ROOT, encoding: 'utf8' },
    );
  for (const [wasm, kernels, twin] of [
    ['simd', 'simd128', 'scalar'],
    ['relaxed', 'relaxed', 'scalar'],
  ]) {
    const engine = await Engine.create({ wasm, kernels });
    for (const dtype of ['f32', 'q8']) {
      const model = await load(engine, 'models/sedd-nano', { dtype });
      assert.equal(`${textOf(model, { steps: 12, seed: 7 })}\n`, native(twin, dtype), `${kernels} ${dtype}`);
      model.dispose();
    }
  }
});

test('a run that continues from a saved state ends as the uninterrupted run', async () => {
  const model = await load(await Engine.create(), 'models/sedd-nano');
  const options = { steps: 10, seed: 3, prompt: 'Once upon a time', temperature: 0.8, topP: 0.9 };
  const whole = model.startRun(options);
  for (let i = 0; i < 5; i++) whole.advance();
  const state = { position: whole.position, ids: whole.ids };
  while (!whole.done) whole.advance();
  const rest = model.startRun({ ...options, state });
  while (!rest.done) rest.advance();
  assert.deepEqual(rest.ids, whole.ids);
  whole.free();
  rest.free();
});

const likelihood = (model, ids, options) => {
  const run = model.info.kind === 'sedd' ? model.startBound(ids, options) : model.startExact(ids);
  while (!run.done) run.advance();
  const { value } = run;
  run.free();
  return value;
};

test('likelihood and inspection give plausible numbers', async () => {
  const engine = await Engine.create();
  const sedd = await load(engine, 'models/sedd-nano');
  const gpt2 = await load(engine, 'models/gpt2-nano');
  const ids = sedd.tokenize('Once upon a time there was a little girl. She liked to play in the park.');
  const jumbled = [...ids].reverse();
  for (const model of [sedd, gpt2]) {
    const value = likelihood(model, ids, { samples: 32 });
    assert.ok(
      value.natsPerToken > 0.5 && value.natsPerToken < likelihood(model, jumbled, { samples: 32 }).natsPerToken,
    );
    assert.ok(Math.abs(value.parts.reduce((a, b) => a + b) / ids.length - value.natsPerToken) < 1e-6);
  }
  const masked = [...ids];
  masked[2] = sedd.info.maskId;
  const {
    sigma,
    positions: [{ candidates, entropy, scoreSum, stay }],
  } = sedd.inspect(masked, { sigma: 0.1, steps: 16, positions: [2] });
  assert.equal(candidates[0].id, ids[2], 'the likeliest word is the right one');
  assert.ok(entropy >= 0 && candidates.length === 8 && sigma === 0.1);
  assert.ok(Math.abs(candidates[0].probability - candidates[0].ratio / scoreSum) < 1e-12);
  assert.ok(stay > 0 && stay + candidates.reduce((sum, { move }) => sum + move, 0) <= 1 + 1e-6);
});

test('inspection of every position takes less memory than all scores would', async () => {
  const engine = await Engine.create();
  const model = await load(engine, 'models/sedd-nano');
  const ids = new Array(1024).fill(model.info.maskId);
  model.inspect(ids, { sigma: 1, positions: [0] });
  const before = engine.memorySize;
  const { positions } = model.inspect(ids, { sigma: 1, topK: 3 });
  assert.equal(positions.length, 1024);
  assert.ok(engine.memorySize - before < 4 * 1024 * model.info.states, `${engine.memorySize - before} bytes more`);
  assert.ok(positions.every(({ candidates }) => candidates.length === 3 && candidates[0].ratio >= candidates[1].ratio));
});

for (const [name, change, code, words] of [
  [
    'a page instead of weights',
    { weights: [new TextEncoder().encode('<!doctype html><html>not found</html>')] },
    'format',
    /a web page/,
  ],
  ['truncated weights', { cut: 1000 }, 'format', /ends early/],
  ['a broken configuration', { config: new TextEncoder().encode('{"model": {}}') }, 'format', /config\.json/],
  ['a broken tokenizer', { tokenizer: new TextEncoder().encode('{') }, 'format', /tokenizer\.json is not valid JSON/],
]) {
  test(`loading ${name} is refused with a sentence`, async () => {
    const read = (file) => readFileSync(path.join(ROOT, 'models/sedd-nano', file));
    const weights = read('model.safetensors');
    const files = {
      config: read('config.json'),
      tokenizer: read('tokenizer.json'),
      weights: [weights.subarray(0, weights.length - (change.cut ?? 0))],
      ...change,
    };
    await assert.rejects(
      Model.load(await Engine.create(), files),
      (error) => error.code === code && words.test(error.message),
    );
  });
}

test('a file that is read by ranges gives the same model as a stream', async () => {
  const read = (file) => readFileSync(path.join(ROOT, 'models/sedd-nano', file));
  const weights = read('model.safetensors');
  const asked = [];
  const ranges = {
    size: weights.length,
    async *read(begin, end) {
      asked.push([begin, end]);
      for (let at = begin; at < end; at += 100000) yield weights.subarray(at, Math.min(end, at + 100000));
    },
  };
  const files = { config: read('config.json'), tokenizer: read('tokenizer.json') };
  const write = (model, engine) => {
    const run = model.startRun({ length: 16, steps: 4, seed: 3 });
    while (!run.done) run.advance();
    const { ids } = run;
    run.free();
    return [...ids];
  };
  const engine = await Engine.create();
  const whole = await Model.load(engine, { ...files, weights: [weights] });
  const parts = await Model.load(engine, { ...files, weights: ranges });
  assert.deepEqual(asked, [[0, weights.length]], 'safetensors are one stream');
  assert.deepEqual(write(parts), write(whole));
});

test('options out of range are refused', async () => {
  const model = await load(await Engine.create(), 'models/sedd-nano');
  for (const options of [
    { steps: 0 },
    { length: -1 },
    { seed: -1 },
    { temperature: -2 },
    { topP: 2 },
    { clamp: [[500, 1]] },
    { clamp: [[0, 99999]] },
    { sampler: 'magic' },
    { prompt: '{0}' },
    { prompt: '{200}', length: 20 },
    { temperature: NaN },
    { topK: -1 },
    { state: { position: 0, ids: [1] } },
  ]) {
    assert.throws(
      () => model.startRun(options),
      (error) => error.code === 'argument',
      JSON.stringify(options),
    );
  }
});

test('every way to choose positions writes the native text, reports its steps, and resumes', async () => {
  const model = await load(await Engine.create({ wasm: 'simd', kernels: 'simd128' }), 'models/sedd-nano');
  const ways = [
    { positions: 'normalised', grid: 'cosine' },
    { positions: 'planned', order: 'spread' },
    { positions: 'planned', order: 'confidence', grid: 'cosine' },
    { positions: 'planned', order: 'spread', grid: 'cosine', context: 'known' },
    { positions: 'normalised', context: 'known' },
    { positions: 'planned', order: 'margin' },
    { positions: 'bounded', order: 'entropy', gamma: 20 },
    { positions: 'hitting', length: 12 },
  ];
  for (const way of ways) {
    const options = { steps: 4, seed: 5, ...way };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const native = JSON.parse(
      execFileSync(
        path.join(ROOT, 'build/native/sedd'),
        ['sample', 'models/sedd-nano', '--json', '--kernels', 'scalar', ...flags],
        { cwd: ROOT, encoding: 'utf8' },
      ),
    );
    const run = model.startRun(options);
    const steps = [];
    while (!run.done) steps.push({ ...run.advance(), state: run.ids });
    assert.deepEqual(run.ids, native.ids, JSON.stringify(way));
    run.free();
    for (const { rows, positions, confidence, entropy, total } of steps) {
      assert.ok(rows >= positions.length && (rows > 0 || positions.length === 0));
      assert.equal(total, { normalised: 5, hitting: 12 }[way.positions] ?? 4);
      assert.equal(confidence.length, positions.length);
      assert.ok(confidence.every((p) => p > 0 && p <= 1.0001) && entropy.every((h) => h >= 0 && h < Math.log(2048)));
    }
    const resumed = model.startRun({ ...options, state: { position: 1, ids: steps[0].state } });
    while (!resumed.done) resumed.advance();
    assert.deepEqual(resumed.ids, native.ids);
    resumed.free();
  }
  assert.throws(() => model.startRun({ order: 'spread' }), {
    code: 'argument',
    message: /order needs positions planned or bounded/,
  });
  assert.throws(() => model.startRun({ positions: 'bounded', gamma: -2 }), {
    code: 'argument',
    message: /gamma is -2/,
  });
  assert.throws(() => model.startRun({ context: 'known' }), {
    code: 'argument',
    message: /context known needs positions normalised/,
  });
  assert.throws(() => model.startRun({ positions: 'planned', context: 'some' }), {
    code: 'argument',
    message: /context is "some"; expected all or known/,
  });
  assert.throws(() => model.startRun({ positions: 'all' }), {
    code: 'argument',
    message: /positions is "all"; expected score, normalised, planned, bounded or hitting/,
  });
  model.dispose();
});

test('a run that the cancel flag has stopped continues as if it had not been stopped', async () => {
  const engine = await Engine.create({ threads: 2 });
  const model = await load(engine, 'models/gpt2-nano');
  const write = (stops) => {
    const run = model.startGeneration({ prompt: 'Once upon a time', tokens: 12, seed: 3 });
    const ids = [];
    while (!run.done) {
      if (stops && ids.length < 11) {
        // the last token needs no evaluation, so it cannot be cancelled
        engine.cancelFlag.fill(1);
        assert.throws(() => run.advance(), { name: 'AbortError' });
        engine.cancelFlag.fill(0);
      }
      ids.push(run.advance());
    }
    run.free();
    return ids;
  };
  assert.deepEqual(write(true), write(false));
  engine.free();
});

test("ids beyond the tokenizer's are neither written nor shown", async () => {
  for (const [wasm, kernels] of TABLES) {
    const read = (name) => readFileSync(path.join(ROOT, 'tests/cases/padded-vocabulary', name));
    const files = {
      config: read('config.json'),
      weights: [read('model.safetensors')],
      tokenizer: read('tokenizer.json'),
    };
    const model = await Model.load(await Engine.create({ wasm, kernels }), files);
    for (let seed = 1; seed <= 10; seed++) textOf(model, { steps: 4, seed }); // textOf fails for an id without a token
    model.dispose();
  }
});
