// Takes pictures of the page in its main states, wide and narrow, light and dark.
// usage: node scripts/screenshots.mjs [FOLDER]     (default build/screenshots)
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { open } from '../tests/browser/browser.mjs';

const folder = process.argv[2] ?? 'build/screenshots';
mkdirSync(folder, { recursive: true });

const VIEWS = [
  { name: 'wide-light', viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  { name: 'wide-dark', viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  { name: 'narrow-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
];

for (const { name, ...view } of VIEWS) {
  const { page, close } = await open('?lang=en', { reducedMotion: 'reduce', ...view });
  await page.waitForSelector('body[data-ready]');
  await page.fill('#timeline input[type=range]', '30');
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
  await close();
}
console.log(`pictures are in ${folder}`);
