// Tests the layout of the page in Chromium: the first screen, a narrow screen, and links to headings.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { withPage } from './browser.mjs';
import { ready, write } from './page-helpers.mjs';

test('a narrow screen needs no sideways scrolling', async () => {
  await withPage('?lang=en', { viewport: { width: 320, height: 640 } }, async ({ page }) => {
    await ready(page);
    await write(page, { steps: 4 });
    await page.click('#sheet-open');
    await page.locator('#library').scrollIntoViewIfNeeded();
    await page.waitForSelector('#library-view form');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320));
  });
});

const box = (page, selector) =>
  page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const { top, bottom, height } = element.getBoundingClientRect();
      return { top: top + scrollY, bottom: bottom + scrollY, height };
    });

for (const viewport of [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]) {
  test(`at ${viewport.width} x ${viewport.height} the first screen has both ways of writing, the text, and Write`, async () => {
    await withPage('?lang=en', { viewport, reducedMotion: 'reduce' }, async ({ page }) => {
      await ready(page);
      await page.waitForSelector('.strips .is-sedd li');
      const { bottom } = await box(page, '#run');
      assert.ok(bottom < viewport.height - 100, `Write ends at ${bottom}`);
      const line = await box(page, '#cells .sedd-cell');
      const last = await box(page, '#cells .sedd-cell:nth-child(20)');
      assert.ok(line.top > bottom, 'Write stands above the text');
      assert.ok(last.bottom < viewport.height, `the twentieth token ends at ${last.bottom}`);
      const rows = await page.$$eval('.strips section', (sections) =>
        sections.map((section) =>
          [...section.querySelectorAll('[role=img]')].map((row) => row.getAttribute('aria-label')),
        ),
      );
      assert.equal(rows.length, 2);
      const [gpt2, sedd] = rows;
      assert.equal(gpt2.at(-1), sedd.at(-1), 'the same text');
      assert.match(gpt2[0], /^\w+( \w+,?)+( …)+$/, 'from left to right');
      assert.match(sedd[0], /… .*\w+.* … .*\w/, 'in any order');
      const tops = await page.$$eval('.contents > *', (items) => items.map((item) => item.getBoundingClientRect().top));
      assert.ok(Math.max(...tops) - Math.min(...tops) < 8, 'the contents are one line');
    });
  });
}

/**
 * Returns the distance of a heading from its place after scrolling has ended. 0 is correct, and so is the end of the
 * page.
 */
const landed = (page, id) =>
  page.evaluate(async (name) => {
    const target = document.getElementById(name);
    let before = NaN;
    for (let still = 0; still < 12; ) {
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      const { top } = target.getBoundingClientRect();
      still = top === before ? still + 1 : 0;
      before = top;
    }
    const padding = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    return end && before >= 0 && before < innerHeight ? 0 : before - padding;
  }, id);

for (const width of [1280, 390]) {
  test(`links land on their headings, also when the figures come late, at ${width}`, async () => {
    await withPage(
      'web/README.md',
      {
        viewport: { width, height: 844 },
        serviceWorkers: 'block',
      },
      async ({ page, url }) => {
        await page.route(/page\/(noise|race|measure|likelihood-panel|own|library)\.js/, async (route) => {
          await new Promise((resolve) => {
            setTimeout(resolve, 400);
          });
          await route.continue();
        });
        await page.goto(`${url}?lang=en#library`);
        await page.waitForSelector('#library-view form');
        assert.ok(Math.abs(await landed(page, 'library')) < 2, 'by the address');
        for (const id of ['tree', 'noise', 'race', 'likelihood', 'library', 'stage']) {
          await page.evaluate(() => scrollTo(0, 0));
          await page.click(`.contents a[href="#${id}"]`);
          const off = await landed(page, id);
          assert.ok(Math.abs(off) < 2, `#${id} is ${off} px off`);
        }
        await page.click('.contents a[href="#race"]');
        await page.mouse.wheel(0, 500);
        await page.waitForTimeout(300);
        await page.evaluate(() => document.getElementById('noise-view').append(document.createElement('hr')));
        await page.waitForTimeout(200);
        assert.ok((await landed(page, 'race')) < -200, 'the reader who scrolls is not brought back');
      },
    );
  });
}
