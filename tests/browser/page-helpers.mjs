// Actions on the page that several of its tests share.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Waits for the model, and selects full speed unless the test is about the pace. */
export const ready = async (page, { paced = false } = {}) => {
  await page.waitForSelector('body[data-ready]', { timeout: 30000 });
  if (!paced) await page.check('#full-speed');
};

/** Returns what `sedd sample models/sedd-nano` prints. */
export const native = (...flags) =>
  execFileSync(path.join(ROOT, 'build/native/sedd'), ['sample', 'models/sedd-nano', ...flags], {
    cwd: ROOT,
    encoding: 'utf8',
  });

/** Returns what the tool writes after "Once upon a time" with the page's settings. @param {{steps: number, seed: number}} run */
export const nativeStory = ({ steps, seed }, ...flags) =>
  native(
    ...['--steps', String(steps), '--seed', String(seed), '--prompt', 'Once upon a time'],
    ...['--temperature', '0.8', '--top-p', '0.9', ...flags],
  );

/** Flags of the published sampler. They override the defaults in the model's folder. */
export const PUBLISHED = [
  ...['--steps', '64', '--positions', 'score', '--grid', 'linear', '--context', 'all'],
  ...['--temperature', '1', '--top-k', '0', '--top-p', '1'],
];

/** Waits until no run is in progress. */
export const rest = (page) =>
  page.waitForFunction(
    () =>
      !document.body.classList.contains('busy') &&
      document.getElementById('status').textContent + document.getElementById('form-error').textContent !== '',
    null,
    { timeout: 30000 },
  );
export const write = async (page, fields = {}) => {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, String(value));
  await page.click('#run');
  await rest(page);
};

/** Returns the whole text of the cells, through the button that copies it into the editor. */
export const text = async (page) => {
  await page.click('#take');
  return page.inputValue('#prompt');
};

export const seek = (page, index) => page.fill('#timeline input[type=range]', String(index));

export const masks = (page) => page.locator('#cells .sedd-cell.mask').count();
