// Opens pages with the elements for the tests of the elements.
import { withPage } from './browser.mjs';

export const TRACE = '/web/examples/few-steps.trace.json'; // 48 tokens, 9 steps
export const DEMO = 'model="/models/sedd-nano" steps="4" length="24" seed="7" temperature="0.8" top-p="0.9"';
export const NANO = 'model="/models/sedd-nano" steps="3" length="16" seed="5"';

const EVENTS = ['progress', 'ready', 'step', 'done', 'error', 'select'];
/** Script of the page: records the elements' events in `said`. */
const SAID = `window.said = []; for (const name of ${JSON.stringify(EVENTS)}) addEventListener(\`sedd-\${name}\`, (event) => said.push({ name, bubbles: event.bubbles, composed: event.composed, detail: event.detail, message: event.detail.error?.message }));`;

/**
 * Opens a page with this body and the elements, and gives `work` its tab, the addresses it requested and the errors of its scripts.
 * @param {string} body
 * @param {object} options `script`: the module of web/ to load, define.js by default; `prepare`: runs before the page is opened; and
 *   those of a browser context
 * @param {(opened: {tab: import('playwright-core').Page, asked: string[], errors: string[]}) => Promise<void>} work
 */
export async function withElements(body, { script = 'define.js', prepare = async () => {}, ...options }, work) {
  const asked = [];
  const errors = [];
  const open = async (tab) => {
    tab.on('request', (request) => asked.push(request.url()));
    tab.on('pageerror', (error) => errors.push(error.message));
    await tab.route('**/blank.html', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>Test</title><script src="/said.js"></script><script type="module" src="/web/${script}"></script><body><main>${body}</main></body></html>`,
      }),
    );
    await tab.route('**/said.js', (route) => route.fulfill({ contentType: 'text/javascript', body: SAID }));
    await prepare(tab);
  };
  await withPage('blank.html', { isolation: false, prepare: open, ...options }, ({ page }) =>
    work({ tab: page, asked, errors }),
  );
}

/** Returns the names of the events so far. */
export const names = (tab) => tab.evaluate(() => said.map(({ name }) => name));

/** Waits for an event of that name. */
export const said = (tab, name) => tab.waitForFunction((wanted) => said.some((event) => event.name === wanted), name);

export const ready = (tab) => said(tab, 'ready');
