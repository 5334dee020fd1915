// Tests comparisons: the arithmetic on synthetic times, the rules, the reports, and once the real models.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { compare } from '../../web/client/compare.js';
import { report } from '../../web/client.js';
import { gpt2InNode, seddInNode } from './files.mjs';

/** Returns fake models whose runs take given times. */
function pretend({ seddMs = (steps) => 10 * steps, gptMs = () => 60, waitMs = 0, threads = 1, device = 'wasm' } = {}) {
  const order = [];
  let turn = 0;
  const result = (totalMs, stepsMs, settings) => ({
    result: Promise.resolve({ timings: { totalMs, waitMs, stepsMs }, settings }),
  });
  const common = {
    info: { dtype: 'q8', parameters: 1 },
    defaults: {},
    loadMs: 5,
    device: { kind: 'wasm', name: '', reason: '' },
    kernels: 'k',
    threads: 1,
    wasm: 'simd',
  };
  return {
    order,
    sedd: {
      ...common,
      source: { name: 'a|b', sha256: 'ff' },
      sample: (options) => {
        order.push(options);
        return result(seddMs(options.steps), [1, 2], { temperature: 1, ...options });
      },
    },
    gpt2: {
      ...common,
      threads,
      device: { kind: device, name: 'card|x', reason: '' },
      tokenize: async (text) => ({ ids: [...text].map(() => 1) }),
      generate: (options) => {
        order.push(options);
        return result(gptMs(turn++), [3]);
      },
    },
  };
}

test('contenders take turns, warm-ups are dropped, every raw point is kept', async () => {
  const { sedd, gpt2, order } = pretend({ gptMs: (turn) => (turn < 3 ? 9999 : 60 + turn) });
  const comparison = compare(sedd, gpt2, { steps: [8, 4], prompt: 'ab', length: 32, temperature: 0.8 });
  const turns = [];
  for await (const turn of comparison) turns.push(turn);
  const result = await comparison.result;
  assert.equal(turns.length, 13 * 3);
  assert.deepEqual(
    turns.slice(0, 4).map(({ model, steps }) => [model, steps]),
    [
      ['gpt2', undefined],
      ['sedd', 4],
      ['sedd', 8],
      ['gpt2', undefined],
    ],
  );
  assert.deepEqual(result.gpt2.rawMs, [63, 64, 65, 66, 67, 68, 69, 70, 71, 72]);
  assert.deepEqual(
    [result.gpt2.medianMs, result.gpt2.q1Ms, result.gpt2.q3Ms, result.gpt2.firstMs],
    [67.5, 65.25, 69.75, 9999],
  );
  assert.deepEqual(
    result.sedd.map(({ steps, medianMs, perStepMs }) => [steps, medianMs, perStepMs]),
    [
      [4, 40, 1.5],
      [8, 80, 1.5],
    ],
  );
  assert.ok(
    Math.abs(result.breakEven.steps - 6.75) < 1e-9 &&
      Math.abs(result.breakEven.low - 6.4) < 1e-9 &&
      Math.abs(result.breakEven.high - 7.1) < 1e-9,
  );
  assert.deepEqual([result.valid, result.tokens], [true, 30]);
  assert.deepEqual(order[0].tokens, 30, 'the same number of tokens');
  assert.deepEqual(order[1].clamp, [
    [0, 1],
    [1, 1],
  ]);
  assert.deepEqual(new Set(order.slice(0, 3).map(({ seed }) => seed)), new Set([1]));
  assert.deepEqual(result.nonDefault.toSorted(), ['length', 'prompt', 'steps', 'temperature']);
});

test('unequal threads or devices and a busy model make a comparison invalid', async () => {
  for (const [given, words] of [
    [{ threads: 2 }, /SEDD ran on 1 threads and GPT-2 on 2/],
    [{ device: 'webgpu' }, /SEDD ran on wasm and GPT-2 on webgpu/],
    [{ waitMs: 50 }, /Something else was computed/],
  ]) {
    const { sedd, gpt2 } = pretend(given);
    const { valid, reasons } = await compare(sedd, gpt2, { steps: [4], rounds: 6 }).result;
    assert.equal(valid, false);
    assert.match(reasons.join(), words);
  }
});

test('a comparison can be stopped, and refuses invalid options', async () => {
  const { sedd, gpt2 } = pretend();
  const comparison = compare(sedd, gpt2, { steps: [4] });
  const seen = [];
  await assert.rejects(
    (async () => {
      for await (const turn of comparison) {
        seen.push(turn);
        comparison.abort();
      }
    })(),
    (error) => error.name === 'AbortError',
  );
  assert.ok(seen.length < 5);
  await assert.rejects(
    compare(sedd, gpt2, { signal: AbortSignal.abort() }).result,
    (error) => error.name === 'AbortError',
  );
  for (const [options, words] of [
    [{ rounds: 5 }, /rounds is 5; expected a whole number from 6/],
    [{ steps: [] }, /at least one/],
    [{ steps: [0] }, /number of steps is 0/],
    [{ length: 1 }, /length is 1/],
  ]) {
    assert.throws(() => compare(sedd, gpt2, options), words);
  }
  await assert.rejects(
    compare(sedd, gpt2, { length: 2, prompt: 'ab' }).result,
    /prompt has 2 tokens; the window has 2/,
  );
});

test('reports: everything as JSON, every raw point as CSV, a table as Markdown', async () => {
  const { sedd, gpt2 } = pretend();
  const result = await compare(sedd, gpt2, {
    steps: [4],
    quality: { steps: [{ steps: 4, ppl: 12.34, entropy: 4.5 }], twin: { ppl: 9 } },
  }).result;
  assert.deepEqual(JSON.parse(report(result, 'json')), JSON.parse(JSON.stringify(result)));
  const lines = report(result, 'csv').trim().split('\n');
  assert.equal(lines.length, 1 + 10 + 10);
  assert.equal(lines[0], 'model,steps,tokens,threads,kernels,round,ms,valid');
  assert.equal(lines[11], 'sedd,4,128,1,k,0,40,true');
  const text = report(result, 'markdown');
  assert.match(
    text,
    /\| SEDD, 4 steps \| 40\.0 \| 40\.0 to 40\.0 \| 0\.67 \| 1\.50 a step \| 40\.0 \| perplexity 12\.3, entropy 4\.50 \|/,
  );
  assert.match(text, /\*\*Not the default settings:\*\* steps = \[4\]/);
  assert.match(text, /T\* = 6\.0 steps \(95 % interval 6\.0 to 6\.0\)/);
  assert.match(text, /SEDD: a b, sha256 ff/, 'a name cannot break the table');
  assert.throws(() => report({}, 'json'), /not the result of a comparison/);
  assert.throws(() => report(result, 'xml'), /no report "xml"/);
});

test('the real models', async () => {
  const [sedd, gpt2] = await Promise.all([seddInNode(), gpt2InNode()]);
  try {
    const result = await compare(sedd, gpt2, {
      steps: [2, 4],
      length: 32,
      rounds: 6,
      warmups: 1,
      prompt: 'Once upon a time',
    }).result;
    assert.ok(result.sedd[1].medianMs > result.sedd[0].medianMs, 'more steps take longer');
    assert.ok(result.breakEven.low <= result.breakEven.steps && result.breakEven.steps <= result.breakEven.high);
    assert.ok(result.gpt2.perTokenMs < result.gpt2.medianMs && result.environment.sedd.kernels === sedd.kernels);
  } finally {
    await Promise.all([sedd.dispose(), gpt2.dispose()]);
  }
});
