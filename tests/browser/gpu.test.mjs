// Runs the WebGPU kernels and networks on Chromium's software renderer: against reference outputs, and by their dispatches.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { open } from './browser.mjs';

let site;
before(async () => {
  site = await open('web/README.md', { webgpu: true });
});
after(() => site.close());

/** Calls a function of gpu-checks.js in the page. */
const inPage = (name, ...values) =>
  site.page.evaluate(
    async ([call, given]) => (await import('/tests/browser/gpu-checks.js'))[call](...given),
    [name, values],
  );

/** The kernels of a software renderer, and those of graphics cards, which share rows between threads. */
const KINDS = [
  ['threads alone', true],
  ['threads together', false],
];

for (const [kind, alone] of KINDS)
  for (const name of ['absorb', 'uniform', 'absorb-geometric', 'one-token', 'gpt2']) {
    if (!alone && !['absorb', 'gpt2'].includes(name)) continue; // compiling barriers takes seconds a shape here
    test(`${name}: log-scores are the reference's within 1e-4, ${kind}`, async () => {
      const { worst, largest, compared } = await inPage('compareGolden', name, alone);
      assert.ok(compared > 100, `${compared} values were compared`);
      assert.ok(worst <= 1e-4, `largest difference ${worst}, of values up to ${largest}`);
    });
  }

test('a kernel that does not compile is named, with the line', async () => {
  const { fault, reason, message, healthy } = await inPage('compileFault');
  assert.ok(fault && healthy);
  assert.equal(reason, 'compile');
  assert.match(message, /^The kernel "a broken kernel" does not compile on .+: line 1: /);
});

test('a step and a token take no more dispatches than NOTES.md says', async () => {
  const { blocks, all, some, prompt, token } = await inPage('countDispatches', false);
  assert.equal(all, 9 * blocks[0] + 4, 'int8: nine a block; embedding, head with its norm, draw');
  assert.equal(some, all + 1, 'the rows to draw are gathered once');
  assert.equal(prompt, 9 * blocks[1] + 2, 'nine a block; embedding, head');
  assert.equal(token, 5 * blocks[1] + 3, 'five a block; draw, embedding, head');
});
