// Opens pages of the repository in Chromium.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';
import { serve } from './serve.mjs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const CHROMIUM = process.env.CHROMIUM ?? PATHS.find(existsSync);

/** Offers WebGPU on a software renderer, which Chromium otherwise hides, and lets it compile for as long as a busy machine needs. */
const WEBGPU = ['--enable-unsafe-webgpu', '--disable-gpu-watchdog'];

/** Starts a browser. @param {{webgpu?: boolean}} [options] `webgpu`: offers WebGPU, on a software renderer if need be */
export const launch = ({ webgpu = false } = {}) =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...(webgpu ? WEBGPU : [])] });

/**
 * Opens `path` of the repository in a context of its own. `errors` lists what a visitor would find in the console: errors and failed
 * requests, also those of workers. `prepare` receives the page before it is opened. close() closes the context and the server.
 */
export async function visit(browser, path, { isolation = true, csp = false, root, prepare, ...context } = {}) {
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
export async function open(path, { webgpu = false, ...options } = {}) {
  const browser = await launch({ webgpu });
  const visited = await visit(browser, path, options);
  return {
    ...visited,
    browser,
    close: async () => {
      await visited.close();
      await browser.close();
    },
  };
}
