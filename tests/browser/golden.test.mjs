// Checks the golden folders in Chromium, with every kernel table.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { withPage } from './browser.mjs';

const inPage = async ({ wasm, kernels, threads, name }) => {
  const [{ compareWithGolden, goldenEngine }, { Model }] = await Promise.all([
    import('/tests/web/golden-module.mjs'),
    import('/web/engine/model.js'),
  ]);
  const read = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const folder = `/tests/golden/${name}`;
  const engine = await goldenEngine({ wasm, kernels, threads });
  const model = await Model.load(engine, {
    config: await read(`${folder}/config.json`),
    weights: [await read(`${folder}/model.safetensors`)],
    tokenizer: await read('/models/sedd-nano/tokenizer.json'),
  });
  return {
    ...compareWithGolden(
      engine,
      model,
      await read(`${folder}/golden.json`),
      await read(`${folder}/golden.safetensors`),
    ),
    threads: engine.threads,
  };
};

test('every golden folder passes in Chromium', async (t) => {
  await withPage('web/README.md', {}, async ({ page }) => {
    for (const [wasm, kernels] of [
      ['simd', 'scalar'],
      ['simd', 'simd128'],
      ['relaxed', 'relaxed'],
      ['relaxed', 'relaxed16'],
    ]) {
      for (const name of [
        ...['absorb', 'uniform', 'gpt2', 'absorb-geometric-official', 'one-token'],
        ...['mdlm', 'mdlm-time', 'sdtt', 'radd', 'duo'],
      ]) {
        await t.test(`${name}, kernels ${kernels}`, async () => {
          const { failed, report } = await page.evaluate(inPage, { wasm, kernels, threads: 1, name });
          assert.equal(failed, 0, report);
          assert.ok(report.includes('ok  '), 'something was compared');
        });
      }
    }
  });
});
