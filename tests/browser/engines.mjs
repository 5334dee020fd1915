// Wraps three browsers in one small interface: Chromium (playwright-core), Firefox (puppeteer-core over BiDi) and WebKitGTK (WebDriver under Xvfb).
// Each has {name, goto(path), evaluate(source) -> JSON, picture() -> PNG, close()}; `source` is the body of an async function.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { serve } from '../../scripts/serve.mjs';
import { CHROMIUM } from '../../scripts/chromium.mjs';

const SCRIPT_MS = 60000;

const wrapped = (source) =>
  `(async () => { ${source} })().then((value) => JSON.stringify({ value }), (error) => JSON.stringify({ error: error.name + ': ' + error.message }))`;

function unwrap(text) {
  const { value, error } = JSON.parse(text);
  if (error) throw new Error(error);
  return value;
}

async function openChromium() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (source) => page.evaluate(wrapped(source)),
    picture: () => page.screenshot(),
    close: () => browser.close(),
  };
}

async function openFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    protocolTimeout: SCRIPT_MS,
  });
  const page = await browser.newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (source) => page.evaluate(wrapped(source)),
    picture: () => page.screenshot(),
    close: () => browser.close(),
  };
}

/** Returns a port that is free now. */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
      .on('error', reject)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        server.close(() => resolve(port));
      });
  });

async function until(work, what, ms = 15000) {
  for (const end = Date.now() + ms; ; ) {
    try {
      return await work();
    } catch (cause) {
      if (Date.now() > end) throw new Error(`${what} did not come up in ${ms} ms`, { cause });
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

/** Starts Xvfb on its own display. Returns the display's name. */
function display() {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.on('exit', () => reject(new Error('Xvfb ended')));
    server.stdio[3].once('data', (data) => resolve({ name: `:${String(data).trim()}`, end: () => server.kill() }));
  });
}

async function openWebKit() {
  const screen = await display();
  const port = await freePort();
  const driver = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DISPLAY: screen.name,
      WEBKIT_DISABLE_COMPOSITING_MODE: '1',
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      LIBGL_ALWAYS_SOFTWARE: '1',
    },
  });
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body && JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  const end = () => {
    driver.kill();
    screen.end();
  };
  try {
    await until(() => ask('GET', '/status'), 'WebKitWebDriver');
    const options = {
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary: process.env.WEBKIT ?? MINI_BROWSER, args: ['--automation'] },
    };
    const { sessionId } = await ask('POST', '/session', { capabilities: { alwaysMatch: options } });
    await ask('POST', `/session/${sessionId}/timeouts`, { script: SCRIPT_MS, pageLoad: SCRIPT_MS });
    return {
      goto: (url) => ask('POST', `/session/${sessionId}/url`, { url }),
      evaluate: (source) =>
        ask('POST', `/session/${sessionId}/execute/async`, {
          script: `const done = arguments[0]; ${wrapped(source)}.then(done)`,
          args: [],
        }),
      picture: async () => Buffer.from(await ask('GET', `/session/${sessionId}/screenshot`), 'base64'),
      close: async () => {
        await ask('DELETE', `/session/${sessionId}`).catch(() => {});
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** Returns the path at which Debian installs the browser that WebKitWebDriver drives. */
const MINI_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

export const ENGINES = { Chromium: openChromium, Firefox: openFirefox, WebKitGTK: openWebKit };

/**
 * @param {keyof typeof ENGINES} name
 * @param {{isolation?: boolean, csp?: boolean}} [options] of the server
 */
export async function openEngine(name, options) {
  const server = await serve(options);
  try {
    const engine = await ENGINES[name]();
    return {
      name,
      url: server.url,
      goto: (path) => engine.goto(server.url + path),
      evaluate: async (source) => unwrap(await engine.evaluate(source)),
      picture: () => engine.picture(),
      close: async () => {
        await engine.close();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}
