// Tests the examples in Chromium: a strict policy, several demos, a frame from another origin, and the project page.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { violations, withPage } from './browser.mjs';
import { serve } from '../../scripts/serve.mjs';

test('under a strict policy a demo runs beside its twin', async () => {
  const options = { isolation: false, permissions: ['clipboard-read', 'clipboard-write'] };
  await withPage('web/examples/csp.html', options, async ({ page: tab, errors }) => {
    await tab.locator('sedd-demo').evaluate(async (element) => {
      element.steps = 4;
      await element.run();
    });
    assert.match(
      await tab.locator('sedd-demo').locator('[part=verdict]').textContent(),
      /In this one run on this device (SEDD|GPT-2) was [\d.]+ times as fast\./,
    );
    const report = await tab.locator('sedd-demo').evaluate(async (element) => {
      element.length = 12;
      return element.copyReport();
    });
    assert.match(report, /medians of 10 rounds in turns after 3 dropped/);
    assert.match(report, /SEDD, 4 steps/);
    assert.equal(await tab.evaluate(() => navigator.clipboard.readText()), report);
    assert.deepEqual(errors, []);
    assert.deepEqual(await violations(tab), []);
  });
});

test('three demos on one page keep their own runs and share one model', async () => {
  const weights = [];
  const prepare = async (tab) =>
    tab.on('request', (request) => {
      if (request.url().endsWith('model.safetensors')) weights.push(request.url());
    });
  await withPage('web/examples/three.html', { isolation: false, prepare }, async ({ page: tab }) => {
    const texts = await tab.evaluate(() =>
      Promise.all(
        [...document.querySelectorAll('sedd-demo')].map(async (demo) => {
          demo.steps = 3;
          return (await demo.run()).text;
        }),
      ),
    );
    assert.match(texts[0], /^Lily had a red ball\./);
    assert.match(texts[1], / and they all went home\.$/);
    assert.match(texts[2], /^Tom.*the park.*a dog.*happy/s);
    assert.equal(tab.workers().length, 1);
    assert.equal(new Set(weights).size, 1);
    assert.deepEqual(await violations(tab), []);
  });
});

test('a demo runs in a frame from another origin', async () => {
  const other = await serve({ isolation: false });
  await withPage('web/examples/embed.html', { isolation: false }, async ({ page: tab, url }) => {
    await tab.evaluate((src) => {
      document.querySelector('iframe').src = src;
    }, `${other.url}web/examples/frame.html`);
    const frame = tab.frameLocator('iframe');
    await frame.getByRole('button', { name: 'Run it here' }).click();
    await frame.locator('sedd-demo[data-state=ready]').waitFor();
    assert.match(await frame.locator('sedd-demo').evaluate((element) => element.sample.text), /^One day,/);
    assert.notEqual(new URL(other.url).origin, new URL(url).origin);
  }).finally(() => other.close());
});

for (const [name, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark, 320 pixels', { colorScheme: 'dark', viewport: { width: 320, height: 700 } }],
]) {
  test(`the project page has no violation and no sideways scrolling: ${name}`, async () => {
    const all = { isolation: false, reducedMotion: 'reduce', ...options };
    await withPage('web/examples/paper.html', all, async ({ page: tab }) => {
      await tab.waitForFunction(() => document.querySelector('sedd-player').trace);
      await tab.locator('sedd-demo').evaluate(async (element) => {
        element.steps = 3;
        await element.run();
      });
      assert.deepEqual(await violations(tab), []);
      assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    });
  });
}
