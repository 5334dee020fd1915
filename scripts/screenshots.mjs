// Takes pictures of the page: wide and narrow, light and dark. The first is the README's.
// usage: node scripts/screenshots.mjs [FOLDER]     (default build/screenshots)
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { open } from '../tests/browser/browser.mjs';

const folder = process.argv[2] ?? 'build/screenshots';
mkdirSync(folder, { recursive: true });

const VIEWS = [
  { name: 'wide-light', viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  { name: 'wide-dark', viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  { name: 'narrow-light', viewport: { width: 360, height: 780 }, colorScheme: 'light' },
];

for (const { name, ...view } of VIEWS) {
  const { page, close } = await open('', view);
  await page.waitForSelector('body[data-ready]');
  await page.fill('[name=steps]', '32');
  await page.click('#run');
  await page.waitForFunction(() => document.getElementById('verdict').textContent !== '');
  await page.fill('#timeline', '16');
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
  await close();
}
console.log(`pictures are in ${folder}`);
