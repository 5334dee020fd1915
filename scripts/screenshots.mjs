// Takes pictures of the page in its main states, wide and narrow, light and dark, and on request the README's picture.
// usage: node scripts/screenshots.mjs [FOLDER] [--only NAME] [--readme]     (default build/screenshots; --readme also writes web/pictures/page.png)
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './build.mjs';
import { open } from '../tests/browser/browser.mjs';

const PICTURE_MAX = 200 * 1000; // limit of the README's picture, in bytes
const args = process.argv.slice(2);
const readme = args.includes('--readme');
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : '';
const folder = args.find((arg, i) => !arg.startsWith('--') && args[i - 1] !== '--only') ?? 'build/screenshots';
mkdirSync(folder, { recursive: true });

const WIDTHS = { 320: 640, 390: 844, 800: 1100, 1280: 800, 2560: 1440 };
const seek = (page, index) => page.fill('#timeline input[type=range]', String(index));
const idle = (page) =>
  page.waitForFunction(
    () => !document.body.classList.contains('busy') && document.getElementById('status').textContent !== '',
  );
const show = (page, id) => page.locator(`#${id}`).evaluate((section) => section.scrollIntoView());
const said = (page, selector, words) =>
  page.waitForFunction(
    ([where, what]) => document.querySelector(where)?.textContent.includes(what),
    [selector, words],
    { timeout: 120000 },
  );

const example = async (page, id) => {
  await page.click(`[data-example=${id}]`);
  await page.waitForSelector('#twin:not([hidden])');
  await page.evaluate(() => scrollTo(0, 0));
};

/** Functions that bring the page into a state, by name. The picture shows the viewport. */
const STATES = {
  first: async (page) => {
    await page.waitForSelector('.strips li');
    await seek(page, 30);
    await page.evaluate(() => {
      document.activeElement.blur();
      scrollTo(0, 0);
    });
  },
  continue: (page) => example(page, 'continue'),
  middle: (page) => example(page, 'middle'),
  ends: (page) => example(page, 'ends'),
  words: (page) => example(page, 'words'),
  acrostic: (page) => example(page, 'acrostic'),
  settings: async (page) => {
    await show(page, 'settings');
    await page.waitForSelector('.toy tbody tr');
  },
  link: async (page) => {
    await page.click('.contents a[href="#library"]');
    await page.waitForSelector('#library-view form');
    await page.waitForTimeout(1000);
  },
  recorded: (page) => seek(page, 30),
  running: async (page) => {
    await page.fill('[name=steps]', '400');
    await page.click('#run');
    await page.waitForFunction(() => document.querySelectorAll('#cells .mask').length < 70);
    await page.click('#timeline [part~=play]');
  },
  done: async (page) => {
    await page.click('#run');
    await idle(page);
    await page.click('#sheet-open');
  },
  inspector: async (page) => {
    await page.click('#run');
    await idle(page);
    await seek(page, 24);
    await page.locator('#cells .mask').nth(10).click();
    await page.waitForSelector('.candidate');
  },
  grid: async (page) => {
    await seek(page, 40);
    await page.selectOption('#layout', 'grid');
    await page.click('#sheet-open');
  },
  branch: async (page) => {
    await STATES.inspector(page);
    await page.locator('.candidate').nth(1).click();
    await page.waitForSelector('.tree .branch');
    await idle(page);
    await show(page, 'tree');
  },
  infill: async (page) => {
    await page.fill('#prompt', 'Once upon a time there was a {2} who lived in {4}. {*} They lived happily ever after.');
    await page.waitForFunction(() => document.querySelectorAll('#mirror mark').length === 3);
  },
  noise: async (page) => {
    await show(page, 'noise');
    await page.fill('#noise-view input[type=range]', '0.55');
  },
  race: async (page) => {
    await show(page, 'race');
    await page.click('#race-start');
    await said(page, '#race-view .status', 'times as fast');
  },
  measured: async (page) => {
    await show(page, 'race');
    await page.click('#measure-start');
    await said(page, '#measure-view .verdict', 'GPT-2');
    await page.locator('#measure-view').evaluate((view) => view.scrollIntoView());
  },
  likelihood: async (page) => {
    await show(page, 'likelihood');
    await page.click('#likelihood-start');
    await page.waitForSelector('.heat.twin');
  },
  library: async (page) => {
    await show(page, 'library');
    await page.waitForSelector('#library-view form');
  },
  own: async (page) => {
    await STATES.library(page);
    for (const model of ['sedd-nano', 'gpt2-nano']) {
      await page.setInputFiles('.library input[type=file]', path.join(ROOT, 'models', model));
      await page.click('.library-load');
      await page.waitForSelector('.library-next:not([hidden])');
    }
    await page.locator('#library-view').evaluate((view) => view.scrollIntoView());
  },
  keys: (page) => page.click('#keys-open'),
  error: async (page) => {
    await page.fill('#prompt', 'Once upon {a time');
    await page.fill('[name=temperature]', 'warm');
    await page.click('#run');
  },
};

async function picture(state, { width, colorScheme, lang = 'en', file }) {
  const { page, close } = await open(`?lang=${lang}`, {
    viewport: { width, height: WIDTHS[width] },
    colorScheme,
    reducedMotion: 'reduce',
  });
  try {
    await page.waitForSelector('body[data-ready]');
    await STATES[state](page);
    await page.waitForTimeout(300);
    await page.screenshot({ path: file });
  } finally {
    await close();
  }
}

const FIRST = ['first', 'middle', 'acrostic', 'settings', 'error']; // in light and dark at both widths
const views = Object.keys(STATES)
  .flatMap((state) => [
    { state, width: 1280, colorScheme: 'light' },
    { state, width: 390, colorScheme: 'dark' },
    ...(FIRST.includes(state)
      ? [
          { state, width: 1280, colorScheme: 'dark' },
          { state, width: 390, colorScheme: 'light' },
        ]
      : []),
    ...(['first', 'inspector'].includes(state)
      ? [
          { state, width: 320, colorScheme: 'light' },
          { state, width: 800, colorScheme: 'dark' },
          { state, width: 2560, colorScheme: 'light' },
          { state, width: 1280, colorScheme: 'dark', lang: 'zh' },
        ]
      : []),
  ])
  .filter(({ state }) => !only || state === only);
for (const view of views) {
  const name = `${view.state}-${view.width}-${view.colorScheme}${view.lang ? `-${view.lang}` : ''}.png`;
  await picture(view.state, { ...view, file: path.join(folder, name) });
}
if (readme) {
  const file = path.join(ROOT, 'web/pictures/page.png');
  await picture('inspector', { width: 1280, colorScheme: 'light', file });
  if (statSync(file).size > PICTURE_MAX)
    throw new Error(`web/pictures/page.png has ${statSync(file).size} bytes; the limit is ${PICTURE_MAX}`);
}
console.log(`pictures are in ${folder}`);
