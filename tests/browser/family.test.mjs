// Tests in Chromium that MDLM, SDTT, RADD and DUO models can replace a SEDD beside a GPT-2 everywhere: in a comparison,
// in the element and on the page. The models are random ones of the shipped size, with the shipped tokenizer.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from '../../scripts/build.mjs';
import { generate } from '../../scripts/generate.mjs';
import { Hub } from '../../scripts/hub.mjs';
import { withPage } from './browser.mjs';
import { withElements } from './elements-page.mjs';
import { masks, ready, write } from './page-helpers.mjs';

const FAMILIES = ['mdlm', 'sdtt', 'radd', 'duo'];
const IDS = {
  mdlm: 'kuleshov-group/mdlm-owt',
  sdtt: 'jdeschena/sdtt@baselines_kld_step_70000',
  radd: 'JingyangOu/radd-lambda-dce',
  duo: 's-sahoo/duo-distilled',
};
const STEPS = { mdlm: undefined, sdtt: 32, radd: undefined, duo: 32 };

let folder;
let hub;
const folderOf = (family) => path.join(folder, `${family}-nano`);

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sedd-family-'));
  for (const family of FAMILIES) {
    generate(folderOf(family), { shape: `${family}-nano` });
    copyFileSync(path.join(ROOT, 'models/sedd-nano/tokenizer.json'), path.join(folderOf(family), 'tokenizer.json'));
  }
  hub = await new Hub(Object.fromEntries(FAMILIES.map((family) => [IDS[family], folderOf(family)]))).start();
});

after(async () => {
  await hub?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('compare() times each family against a GPT-2, and gives its bound with the tokens\u2019 parts', async () => {
  await withPage('README.md', { isolation: false }, async ({ page }) => {
    const found = await page.evaluate(
      async ([ids, url]) => {
        history.replaceState(null, '', '/');
        const { compare, loadGPT2, loadSEDD } = await import('/web/client.js');
        const gpt2 = await loadGPT2('/models/gpt2-nano', { cache: false });
        const results = [];
        for (const id of ids) {
          const sedd = await loadSEDD(`hub:${id}`, { hub: url, cache: false });
          const options = { steps: [2, 4], length: 16, rounds: 6, warmups: 1, prompt: 'Once' };
          const { gpt2: twin, sedd: rows, breakEven, tokens, settings } = await compare(sedd, gpt2, options).result;
          const bound = await sedd.bound('Once upon a time', { samples: 4, seed: 1 });
          results.push({
            family: sedd.info.family,
            defaults: sedd.defaults,
            twin,
            rows,
            breakEven,
            tokens,
            settings,
            bound,
          });
          await sedd.dispose();
        }
        await gpt2.dispose();
        return results;
      },
      [Object.values(IDS), hub.url],
    );
    assert.deepEqual(
      found.map(({ family }) => family),
      FAMILIES.map((family) => family.toUpperCase()),
    );
    for (const { family, defaults, twin, rows, breakEven, tokens, bound } of found) {
      assert.equal(defaults.steps, STEPS[family.toLowerCase()], family);
      assert.deepEqual([rows.map(({ steps }) => steps), twin.rawMs.length, tokens], [[2, 4], 6, 15], family);
      assert.ok(rows.every(({ medianMs, rawMs }) => medianMs > 0 && rawMs.length === 6) && breakEven.raw.length === 6);
      const mean = bound.parts.reduce((sum, part) => sum + part, 0) / bound.parts.length;
      assert.ok(
        Math.abs(mean - bound.natsPerToken) < 1e-6 && bound.natsPerToken > 1,
        `${family}: ${bound.natsPerToken}`,
      );
    }
  });
});

test('a plan says the steps of the published models, as they have them once loaded', async () => {
  await withPage('README.md', { isolation: false }, async ({ page }) => {
    const plans = await page.evaluate(
      async ([ids, url]) => {
        history.replaceState(null, '', '/');
        const { plan } = await import('/web/client.js');
        const { PUBLISHED } = await import('/web/page/published.js');
        const listed = (id) => PUBLISHED.find((model) => model.id === id).steps;
        return Promise.all(
          ids.map(async (id) => {
            const { defaults, info } = await plan(`hub:${id}`, { hub: url });
            return { defaults, family: info.family, listed: listed(id) };
          }),
        );
      },
      [Object.values(IDS), hub.url],
    );
    for (const { defaults, family, listed } of plans) {
      assert.equal(defaults.steps, STEPS[family.toLowerCase()], family);
      assert.equal(listed, defaults.steps ?? 64, family);
    }
    assert.equal(plans[0].defaults.sampler, 'ddpm_cache');
    assert.equal(plans[1].defaults.sampler, 'ddpm');
  });
});

test('<sedd-demo> compares a DUO with a GPT-2', async () => {
  const model = `${hub.url}${IDS.duo}/resolve/main/`;
  const tag = `<sedd-demo model="${model}" compare="/models/gpt2-nano" steps="2" length="6" loading="eager"></sedd-demo>`;
  await withElements(tag, {}, async ({ tab, errors }) => {
    const report = await tab.evaluate(async () => {
      await customElements.whenDefined('sedd-demo');
      return document.querySelector('sedd-demo').copyReport('json');
    });
    const { gpt2, sedd } = JSON.parse(report);
    assert.deepEqual([gpt2.rawMs.length, sedd.map(({ steps }) => steps), errors], [10, [2], []]);
  });
});

test('on the page each family writes, races, is measured and gives a likelihood', async () => {
  await withPage('?lang=en', { reducedMotion: 'reduce' }, async ({ page }) => {
    await ready(page);
    for (const family of FAMILIES) {
      await page.locator('#library').scrollIntoViewIfNeeded();
      await page.setInputFiles('.library input[type=file]', folderOf(family));
      await page.waitForSelector('.library-load');
      const steps = family === 'sdtt' ? 32 : 64;
      assert.match(await page.textContent('.library-found'), new RegExp(`Steps of a run${steps}`));
      await page.click('.library-load');
      await page.waitForSelector('.library-next:not([hidden])', { timeout: 30000 });
      await page.click('.library-next button');
      const own = `own:${family}-nano`;
      assert.equal(await page.inputValue('[name=model]'), own);
      await page.waitForFunction((wanted) => document.querySelector('[name=steps]').value === wanted, String(steps));
      await write(page, { steps: 3, seed: 4 });
      assert.equal(await page.textContent('#form-error'), '', family);
      assert.equal(await masks(page), 0, family);

      await page.locator('#race').scrollIntoViewIfNeeded();
      await page.selectOption('[name=race-model]', own);
      await page.fill('[name=race-steps]', '2');
      await page.click('#race-start');
      await page.waitForFunction(() => document.getElementById('race-start').textContent !== 'Stop');
      assert.match(await page.textContent('#race-view .status'), /times as fast/, family);

      await page.selectOption('[name="measure.model"]', own);
      await page.fill('[name="measure.steps"]', '1, 2');
      await page.fill('[name="measure.rounds"]', '6');
      await page.click('#measure-start');
      await page.waitForFunction(() => document.getElementById('measure-start').textContent !== 'Stop', null, {
        timeout: 60000,
      });
      assert.match(await page.textContent('#measure-view .verdict'), /faster/, family);

      await page.locator('#likelihood').scrollIntoViewIfNeeded();
      await page.evaluate(() => document.querySelector('#likelihood-view .pair').replaceChildren());
      await page.click('#likelihood-start');
      await page.waitForFunction(() => document.getElementById('likelihood-start').textContent !== 'Stop', null, {
        timeout: 60000,
      });
      assert.equal(await page.locator('.heat').count(), 2, family);
    }
  });
});
