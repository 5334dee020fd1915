// Runs the WebGPU kernels and networks on Chromium's software renderer. Compares them with the scalar C entries and
// with reference outputs, and counts their dispatches. Networks run with the kernels of software renderers, in which
// one thread computes a row. The kernels of graphics cards contain barriers and take seconds to compile here, so they
// run on two small models and on single shapes only.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { open } from './browser.mjs';

let site;
before(async () => {
  site = await open('web/README.md', { webgpu: true });
});
after(() => site.close());

const inPage = (module, name, values) =>
  site.page.evaluate(
    async ([from, call, given]) => (await import(`/tests/browser/${from}.js`))[call](...given),
    [module, name, values],
  );

/** Calls a function of gpu-checks.js in the page. */
const check = (name, ...values) => inPage('gpu-checks', name, values);

/** Compares a kernel by a function of gpu-kernels.js, and fails if an error exceeds its bound (a ratio above 1). */
async function within(name, alone, shape = {}) {
  const worst = await check('compareKernel', name, alone, shape);
  assert.ok(worst <= 1, `${name} ${JSON.stringify(shape)}: ${worst} of the bound`);
}

/* ---- Networks ---- */

for (const [kind, alone, names] of [
  ['threads alone', true, ['absorb', 'uniform', 'absorb-geometric', 'one-token', 'gpt2']],
  ['threads together', false, ['absorb', 'gpt2']],
])
  for (const name of names)
    test(`${name}: log-scores are the reference's within 1e-4, ${kind}`, async () => {
      const { worst, largest, compared } = await check('compareGolden', name, alone);
      assert.ok(compared > 40, `${compared} values were compared`);
      assert.ok(worst <= 1e-4, `largest difference ${worst}, of values up to ${largest}`);
    });

test('a step and a token take no more dispatches than NOTES.md says', async () => {
  const nano = await check('countStep', '/models/sedd-nano', true);
  assert.equal(nano.all, 10 * nano.blocks + 4, 'int8, threads alone: ten a block; embedding, head with its norm, draw');
  assert.equal(nano.some, nano.all + 1, 'the rows to draw are gathered once');
  const whole = await check('countStep', '/tests/golden/absorb', false, 'q8');
  assert.equal(whole.all, 9 * whole.blocks + 4, 'int8 on a graphics card: nine a block');
  assert.equal(typeof whole.tiles, 'boolean', 'the faster of two products was chosen by time');
  const small = await check('countStep', '/tests/golden/absorb', false);
  assert.equal(small.all, 7 * small.blocks + 4, 'float: seven a block');
  const { blocks, prompt, token } = await check('countTokens', '/tests/golden/gpt2', false);
  assert.equal(prompt, 7 * blocks + 2, 'a prompt in float: seven a block; embedding, head');
  assert.equal(token, 5 * blocks + 3, 'a token: five a block; draw, embedding, head');
});

for (const alone of [true, false])
  test(`greedy texts are the reference's, token by token, threads ${alone ? 'alone' : 'together'}`, async () => {
    const texts = await check('compareGreedy', alone);
    assert.ok(texts.length > 0);
    for (const { got, output } of texts) assert.deepEqual(got, output);
  });

test('a token drawn with the cache is the one of the whole text', async () => {
  const { generated, whole } = await check('compareCache');
  assert.equal(generated.length, 12);
  assert.deepEqual(generated, whole);
});

test('a step draws the same rows from a part of the window as from all of it', async () => {
  const { worst, compared } = await check('comparePart');
  assert.ok(compared > 1000);
  assert.ok(worst <= 1e-5, `${worst}`);
});

test('int8 SEDD agrees with wasm within what its roundings explain', async () => {
  // Wasm and the device both round activations to 7 bits. A sum in another order moves some of them to the next
  // integer, and attention is in floats here. If all activations rounded independently, the results would differ by
  // sqrt(2) times the effect of rounding.
  const { apart, noise, argmax, rows } = await check('compareWasm');
  assert.ok(
    apart > 0 && apart <= Math.SQRT2 * noise,
    `the log-scores are ${apart} apart; rounding changes them by ${noise}`,
  );
  assert.ok(argmax >= 0.9 * rows, `${argmax} of ${rows} rows have the same likeliest token`);
});

/* ---- Faults ---- */

test('a kernel that does not compile is named, with the line', async () => {
  const { fault, reason, message, healthy } = await check('compileFault');
  assert.ok(fault && healthy);
  assert.equal(reason, 'compile');
  assert.match(message, /^The kernel "a broken kernel" does not compile on .+: line 1: /);
});

test('a software renderer that was not asked for is refused, and sizes beyond the device or the network', async () => {
  const { software, limit, long } = await check('refusals');
  assert.equal(long.message, '33 tokens do not fit a network that was opened for 32.');
  assert.equal(software.reason, 'software');
  assert.equal(limit.reason, 'limit');
  assert.match(limit.message, /bytes; the model needs 1000000000000000/);
});

test('a cancelled step throws AbortError, a freed network "lost", and the next step is right', async () => {
  assert.deepEqual(await check('interruptions'), { cancelled: 'AbortError', freed: 'lost', again: true });
});

/* ---- Kernels ---- */

test('float products agree with matmul_f32', async () => {
  for (const epilogue of ['store', 'gelu_tanh', 'add'])
    await within('productF32', true, { rows: 127, size: 144, channels: 97, epilogue });
  await within('productF32', true, { rows: 1, size: 30, channels: 13, epilogue: 'store' });
});

for (const dot4 of [true, false])
  test(`int8 products agree with matmul_q8, and their integers are exact, ${dot4 ? 'packed' : 'in floats'}`, async () => {
    for (const plain of [true, false]) {
      await within('productQ8', true, { rows: 127, size: 144, channels: 97, plain, dot4 });
      await within('productQ8', true, { rows: 1, size: 2100, channels: 13, plain, dot4 });
    }
  });

for (const dot4 of [true, false])
  test(`int8 products by tiles agree with matmul_q8, and their integers are exact, ${dot4 ? 'packed' : 'in floats'}`, async () => {
    await within('productQ8', true, { rows: 70, size: 144, channels: 97, plain: true, dot4, tiles: true });
    await within('productQ8', true, { rows: 1, size: 42, channels: 13, dot4, tiles: true });
  });

test('the probe finds the packed product and subgroups of the software renderer, and what they compute agrees with C', async () => {
  assert.deepEqual(await check('probedFeatures'), { dot4: true, subgroups: true, tiles: false });
  const subgroups = true;
  await within('rowProduct', false, { size: 144, channels: 97, q8: true, dot4: true, subgroups });
  await within('rowProduct', false, { size: 42, channels: 97, q8: false, subgroups });
  await within('attention', false, { size: 24, heads: 2, queries: 3, keys: 130, causal: true, one: true, subgroups });
  await within('rounding', false, { rows: 127, size: 144, variants: { subgroups } });
});

test('the fused row product agrees with norm, quantize_row and matmul_q8 of C; in float, the greedy texts test it', async () => {
  await within('rowProduct', false, { size: 144, channels: 97, q8: true, dot4: true });
  await within('rowProduct', false, { size: 42, channels: 97, q8: true, dot4: false });
});

for (const alone of [true, false])
  test(`norm and rounding agree with C, threads ${alone ? 'alone' : 'together'}`, async () => {
    for (const shape of [
      { rows: 127, size: 144 },
      { rows: 1, size: 42 },
    ]) {
      await within('norm', alone, shape);
      await within('rounding', alone, shape);
    }
  });

test('embeddings and copies are exact', async () => {
  await within('lookups', true, { size: 42 });
});

test('attention and its rotary embedding agree with C', async () => {
  for (const size of [24, 64])
    for (const causal of [true, false])
      await within('attention', true, { size, heads: 2, queries: 127, keys: 130, causal });
  await within('attention', true, { size: 10, heads: 3, queries: 1, keys: 1 });
  for (const size of [24, 10, 64])
    await within('attention', true, { size, heads: 3, queries: 50, keys: 70, whole: true });
  await within('attention', false, { size: 24, heads: 2, queries: 127, keys: 130 });
  for (const size of [24, 64])
    await within('attention', false, { size, heads: 2, queries: 3, keys: 130, causal: true, one: true });
});

for (const alone of [true, false])
  test(`draws follow draw.c, threads ${alone ? 'alone' : 'together'}`, async () => {
    for (const shape of [
      { rows: 1, tokens: 97 },
      { rows: 127, tokens: 97, topK: 5 },
      { rows: 40, tokens: 2048, topP: 0.9, muted: [0, 5, 2047] },
      { rows: 9, tokens: 2048, topK: 50, topP: 0.7, temperature: 0.5, muted: [0, 5, 2047] },
      ...(alone ? [{ rows: 3, tokens: 50257 }] : []), // another vocabulary needs another compilation
      { rows: 3, tokens: 97, greedy: 1 },
    ]) {
      const { worst, differ, near } = await check('compareKernel', 'draws', alone, shape);
      assert.ok(worst <= 1, `${JSON.stringify(shape)}: ${worst} of the bound`);
      assert.equal(differ, near, 'tokens differ at an edge only');
    }
    for (const choice of [{ topK: 5 }, { topP: 0.5 }, { topK: 3, topP: 0.5 }])
      assert.deepEqual(await check('compareKernel', 'ties', alone, choice), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(await check('compareKernel', 'damaged', alone), [true, true, false]);
  });
