// Starts a Chromium and a server for the browser tests.
import { chromium } from 'playwright-core';
import { existsSync, readFileSync } from 'node:fs';
import { after } from 'node:test';
import { serve } from '../../scripts/serve.mjs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
export const CHROMIUM = process.env.CHROMIUM ?? PATHS.find(existsSync);

const launch = () => chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

let shared; // the browser of withPage, for all tests of a file
after(async () => (await shared)?.close());

/**
 * Opens `path` of the repository in a context of its own. `errors` lists what a visitor would find in the console: errors and failed
 * requests, also those of workers. `prepare` receives the page before it is opened. close() closes the context and the server.
 */
async function visit(browser, path, { isolation = true, csp = false, root, prepare, ...context } = {}) {
  const server = await serve({ isolation, csp, root });
  const site = await browser.newContext(context);
  const page = await site.newPage();
  const errors = [];
  site.on('response', (response) => {
    if (response.status() >= 400) errors.push(`${response.url()} answered ${response.status()}`);
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await prepare?.(page);
  await page.goto(server.url + path);
  return {
    page,
    errors,
    url: server.url,
    close: async () => {
      await site.close();
      await server.close();
    },
  };
}

/** Opens a page like visit(), in a browser of its own; close() ends that, too. */
export async function open(path, options) {
  const browser = await launch();
  const visited = await visit(browser, path, options);
  return {
    ...visited,
    close: async () => {
      await visited.close();
      await browser.close();
    },
  };
}

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
