// Tests both elements on pages of every kind: dark, right to left, printed, Chinese, and without JavaScript.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { violations } from './browser.mjs';
import { NANO, TRACE, ready, said, withElements } from './elements-page.mjs';
import { readTrace } from '../../web/client/trace.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const BOTH = `<sedd-player src="${TRACE}" sheet loading="eager"></sedd-player><sedd-demo ${NANO} compare="/models/gpt2-nano" prompt="One day, {12}" sheet></sedd-demo>`;

for (const [name, look] of [
  ['dark', 'background: #14110f; color: #f2efe9'],
  ['light', 'background: #fffdf5; color: #1d1b18'],
]) {
  test(`without a color-scheme the elements follow the text colour of the page: ${name}`, async () => {
    await withElements(`<h1>A page</h1>${BOTH}`, {}, async ({ tab }) => {
      await tab.evaluate((css) => {
        document.body.style.cssText = `${css}; padding: 2rem; margin: 0`;
      }, look);
      await ready(tab);
      await tab.locator('sedd-demo').evaluate((element) => element.run());
      await tab.locator('sedd-demo').evaluate((element) => element.shadowRoot.querySelector('.sedd-cell').click());
      assert.deepEqual(await violations(tab), []);
      const inks = await tab.evaluate(() =>
        ['sedd-player', 'sedd-demo'].map((one) => {
          const element = document.querySelector(one);
          const page = getComputedStyle(document.body).color;
          const ink = (selector) => getComputedStyle(element.shadowRoot.querySelector(selector)).color === page;
          return [ink('.sedd-cell:not(.held, .new)'), ink('[part~=play]')];
        }),
      );
      assert.deepEqual(inks, [
        [true, true],
        [true, true],
      ]);
    });
  });
}

test('on a right-to-left page, sentences and prompts keep their own direction', async () => {
  await withElements(BOTH, {}, async ({ tab }) => {
    await tab.evaluate(() => {
      document.documentElement.dir = 'rtl';
    });
    await ready(tab);
    const demo = tab.locator('sedd-demo');
    await demo.evaluate((element) => element.run());
    const directions = await tab.evaluate(() => {
      const found = {};
      for (const [name, selector] of [
        ['sedd-player', '.caption'],
        ['sedd-demo', '[part=status]'],
        ['sedd-demo', '[name=prompt]'],
        ['sedd-demo', '[part=verdict]'],
        ['sedd-demo', '.name'],
        ['sedd-demo', '.twin .text'],
        ['sedd-demo', '.sedd-sheet'],
      ])
        found[selector] = getComputedStyle(document.querySelector(name).shadowRoot.querySelector(selector)).direction;
      return found;
    });
    assert.deepEqual(new Set(Object.values(directions)), new Set(['ltr']), JSON.stringify(directions));
    assert.equal(await tab.locator('sedd-player').locator('.caption bdi').textContent(), 'sedd-nano');
    await demo.evaluate((element) => {
      element.prompt = '\u05e9\u05dc\u05d5\u05dd, {12}';
    });
    assert.equal(await demo.locator('[name=prompt]').evaluate((input) => getComputedStyle(input).direction), 'rtl');
  });
});

test('in print, the elements show only the finished text', async () => {
  await withElements(BOTH, {}, async ({ tab }) => {
    await ready(tab);
    const sample = await tab.locator('sedd-demo').evaluate(async (element) => (await element.run()).text);
    await tab.emulateMedia({ media: 'print' });
    const printed = () =>
      tab.evaluate(() =>
        [...document.querySelectorAll('main > *')].map((element) => {
          const seen = [...element.shadowRoot.querySelectorAll('*')].filter(
            (one) => one.checkVisibility() && one.localName !== 'slot',
          );
          return { parts: seen.map((one) => one.className), text: seen.map((one) => one.textContent).join('') };
        }),
      );
    const [player, demo] = await printed();
    const trace = readTrace(readFileSync(path.join(ROOT, TRACE), 'utf8'));
    const ids = [...trace.initial];
    for (const { changed, ids: news } of trace.events)
      changed.forEach((place, i) => {
        ids[place] = news[i];
      });
    assert.deepEqual([player.parts, player.text], [['print'], ids.map((id) => trace.texts[id]).join('')]);
    assert.deepEqual([demo.parts, demo.text], [['print'], sample]);
  });
});

test('in Chinese text the elements are in Chinese, elsewhere in English', async () => {
  await withElements(
    `<div lang="zh-Hans">${BOTH}</div><div lang="fr"><sedd-demo id="other" ${NANO}></sedd-demo></div>`,
    {},
    async ({ tab, asked, errors }) => {
      await ready(tab);
      const demo = tab.locator('sedd-demo').first();
      await demo.getByRole('button', { name: '在这里运行' }).click();
      await tab.waitForFunction(() => said.some(({ name, detail }) => name === 'done' && detail.sample));
      assert.match(
        await demo.getByRole('status').last().textContent(),
        /^16 个词元，3 步，另有最后的去噪，\d+ 毫秒，种子 5$/,
      );
      assert.ok(await demo.getByRole('button', { name: '写作' }).isVisible());
      assert.ok(await demo.getByText('种子', { exact: true }).isVisible());
      assert.match(await demo.locator('[part=verdict]').textContent(), /^就这一次运行/);
      assert.ok(await demo.getByRole('listbox', { name: '文字的词元' }).isVisible());
      const player = tab.locator('sedd-player');
      assert.match(
        await player.locator('.caption').textContent(),
        /^录制的运行，模型 sedd-nano · 8 步，另有最后的去噪 · 48 个词元 · 种子 \d+/,
      );
      assert.ok(await player.getByRole('button', { name: '播放' }).isVisible());
      assert.match(await player.locator('figure').textContent(), /在这一步揭开/);
      assert.deepEqual(await player.locator('figure').evaluate(({ dataset }) => [dataset.places, dataset.steps]), [
        '48 个位置 →',
        '9 步 →',
      ]);
      assert.ok(await tab.locator('#other').getByRole('button', { name: 'Run it here' }).isVisible());
      assert.equal(asked.filter((url) => url.endsWith('/words/zh.js')).length, 1);
      assert.deepEqual(errors, []);
    },
  );
});

test('without JavaScript, a reader sees the poster', async () => {
  await withElements(
    `<sedd-player src="${TRACE}"><p slot="poster">Once upon a time.</p></sedd-player><sedd-demo ${NANO}><p slot="poster">One day.</p></sedd-demo>`,
    { javaScriptEnabled: false },
    async ({ tab }) => {
      assert.ok(await tab.getByText('Once upon a time.').isVisible());
      assert.ok(await tab.getByText('One day.').isVisible());
    },
  );
});
