// Starts a Chromium and a server for the browser tests.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';
import { serve } from '../../scripts/serve.mjs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const CHROMIUM = process.env.CHROMIUM ?? PATHS.find(existsSync);

/** Offers WebGPU on a software renderer, which Chromium otherwise hides. */
const WEBGPU = ['--enable-unsafe-webgpu'];

/**
 * Opens `path` of the repository; close() ends browser and server. `webgpu` offers WebGPU on a software renderer.
 * `errors` lists what a visitor would find in the console: errors and failed requests, also those of workers.
 */
export async function open(path, { isolation = true, csp = false, webgpu = false, root, ...context } = {}) {
  const server = await serve({ isolation, csp, root });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', ...(webgpu ? WEBGPU : [])],
  });
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
  await page.goto(server.url + path);
  return {
    page,
    browser,
    errors,
    url: server.url,
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}
