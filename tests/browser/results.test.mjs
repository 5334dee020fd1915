// Tests the page of results under the strictest policy: nothing is blocked, axe-core finds no violation, and it fits a phone's width.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const AXE = readFileSync(path.join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');

for (const colorScheme of ['light', 'dark']) {
  test(`results.html, ${colorScheme}`, async () => {
    const { page, errors, close } = await open('results.html', {
      csp: true,
      colorScheme,
      viewport: { width: 1200, height: 900 },
    });
    try {
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
      await page.evaluate(AXE);
      const violations = await page.evaluate(async () =>
        (await globalThis.axe.run()).violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' ; ')}`,
        ),
      );
      assert.deepEqual(violations, []);
      await page.setViewportSize({ width: 360, height: 700 });
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(wide, 0, 'wide tables scroll by themselves');
    } finally {
      await close();
    }
  });
}
