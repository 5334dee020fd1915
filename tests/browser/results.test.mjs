// Tests the page of results under the strictest policy: nothing is blocked, axe-core finds no violation, and it fits a phone's width.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { violations, withPage } from './browser.mjs';

for (const colorScheme of ['light', 'dark']) {
  test(`results.html, ${colorScheme}`, async () => {
    const options = { csp: true, colorScheme, viewport: { width: 1200, height: 900 } };
    await withPage('results.html', options, async ({ page, errors }) => {
      assert.deepEqual(errors, [], 'the policy blocks nothing and every file is there');
      assert.ok(
        (await page.locator('table').count()) > 3 && (await page.locator('svg').count()) > 2,
        'tables and figures are there',
      );
      const blue = await page
        .locator('.stroke-sedd')
        .first()
        .evaluate((line) => getComputedStyle(line).stroke);
      const accent = await page.evaluate(() => {
        const probe = document.createElement('i');
        probe.style.setProperty('color', 'var(--sedd-accent)');
        document.body.append(probe);
        const { color } = getComputedStyle(probe);
        probe.remove();
        return color;
      });
      assert.equal(blue, accent, 'figures take the scheme’s colours');
      assert.deepEqual(await violations(page), []);
      await page.setViewportSize({ width: 360, height: 700 });
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(wide, 0, 'wide tables scroll by themselves');
    });
  });
}
