// Opens pages in Chromium for the browser tests.
import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { launch, open, visit } from '../../scripts/chromium.mjs';

export { open };

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

let shared; // the browser of withPage, for all tests of a file
after(async () => (await shared)?.close());

/**
 * Opens a page like visit(), gives `{page, errors, url}` to `work` and closes the page, whatever happens. A failure also tells what is in
 * the console. The tests of a file share a browser.
 * @param {string} path
 * @param {object} options `isolation`, `csp` and `root` of the server, `prepare`, and those of a browser context
 * @param {(visited: {page: import('playwright-core').Page, errors: string[], url: string}) => Promise<void>} work
 */
export async function withPage(path, options, work) {
  shared ??= launch();
  const { close, ...visited } = await visit(await shared, path, options);
  try {
    await work(visited);
  } catch (error) {
    if (visited.errors.length) error.message += `\nIn the console: ${visited.errors.join('; ')}`;
    throw error;
  } finally {
    await close();
  }
}

/** Returns what axe-core finds on a page, a line each. */
export async function violations(page, options = {}) {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate((more) => globalThis.axe.run(document, more), options);
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary.slice(0, 200)}`).join(' | ')}`,
  );
}
