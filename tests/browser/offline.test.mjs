// Tests the service worker in Chromium: it stores the page's own files, answers before it stores, and leaves all other requests alone.
import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from '../../scripts/build.mjs';
import { sourceFiles } from '../../scripts/offline-files.mjs';
import { CHROMIUM } from '../../scripts/chromium.mjs';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};
const STALLED = 'web/icon.svg';

let server;
let browser;
let page;
let url;
/** true if connections are refused, as without a network */ let down = false;
/** answers in progress; they end with the test */ const open = new Set();

const begin = (response, type, first) => {
  open.add(response);
  response.writeHead(200, { 'Content-Type': type }).write(first);
};

/** Serves the repository's files, and other endpoints that a server may also have. */
const ROUTES = {
  '/events': (_, response) => begin(response, 'text/event-stream', 'data: tick\n\n'),
  '/stream': (_, response) => begin(response, 'text/plain', 'first'),
  '/hello': (request, response) => response.end(`hello ${new URL(request.url, url).searchParams.get('who')}`),
  '/post': (request, response) => response.end(request.method),
};
let stall = false;

function answer(request, response) {
  const { pathname } = new URL(request.url, url);
  if (down) return request.socket.destroy();
  if (ROUTES[pathname]) return ROUTES[pathname](request, response);
  if (stall && pathname === `/${STALLED}`) return begin(response, 'image/svg+xml', '<svg');
  const name = pathname.slice(1) || 'index.html';
  try {
    const bytes = readFileSync(path.join(ROOT, name));
    return response
      .writeHead(200, { 'Content-Type': TYPES[path.extname(name)] ?? 'application/octet-stream' })
      .end(bytes);
  } catch {
    return response.writeHead(404).end('not found');
  }
}

before(async () => {
  sourceFiles();
  server = createServer(answer);
  await new Promise((resolve) => {
    server.listen(0, 'localhost', resolve);
  });
  url = `http://localhost:${server.address().port}/`;
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
});

/** Opens a page that the service worker controls; with `keep`, after it has stored the page's files. */
async function visit(keep = false) {
  const context = await browser.newContext();
  page = await context.newPage();
  await page.goto(`${url}tests/browser/blank.html`);
  await page.evaluate(async (wanted) => {
    await navigator.serviceWorker.register('/offline.js');
    const { active } = await navigator.serviceWorker.ready;
    while (!navigator.serviceWorker.controller)
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    if (!wanted) return;
    const { port1, port2 } = new MessageChannel();
    const kept = new Promise((resolve) => {
      port1.onmessage = resolve;
    });
    active.postMessage({ keep: 'simd' }, [port2]);
    await kept;
  }, keep);
}

/** Returns the text at an address, or the name of the error, within three seconds. */
const text = (address, init) =>
  page.evaluate(
    ([where, how]) =>
      fetch(where, { ...how, signal: AbortSignal.timeout(3000) }).then(
        (response) => response.text(),
        (error) => error.name,
      ),
    [address, init],
  );
const keptFiles = () =>
  page.evaluate(async () => {
    if (!(await caches.has('sedd-web-page'))) return null;
    return (await (await caches.open('sedd-web-page')).keys()).map((request) => new URL(request.url).pathname);
  });

beforeEach(() => {
  down = false;
  stall = false;
  for (const response of open) response.destroy();
  open.clear();
});

test('events arrive, and the headers of a stream do not wait for its end', async () => {
  await visit();
  const tick = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const events = new EventSource('/events');
        events.onmessage = ({ data }) => {
          events.close();
          resolve(data);
        };
        setTimeout(resolve, 3000, 'nothing');
      }),
  );
  assert.equal(tick, 'tick');
  const first = (address) =>
    page.evaluate(async (where) => {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), 3000);
      const response = await fetch(where, { signal: stop.signal }).catch(() => null);
      const chunk = response && new TextDecoder().decode((await response.body.getReader().read()).value);
      clearTimeout(timer);
      stop.abort();
      return chunk;
    }, address);
  assert.equal(await first('/stream'), 'first');
  // The same holds for a file of the page, which is stored after it is answered.
  await visit(true);
  assert.ok((await keptFiles()).includes(`/${STALLED}`));
  stall = true;
  assert.equal(await first(`/${STALLED}`), '<svg');
});

test('queries and other methods are left alone', async () => {
  await visit(true);
  assert.equal(await text('/hello?who=Bob'), 'hello Bob');
  assert.equal(await text('/post', { method: 'POST', body: 'x' }), 'POST');
  assert.equal(await text('/post', { method: 'DELETE' }), 'DELETE');
  assert.match(await text('/index.html?who=Bob'), /<html/);
  down = true;
  for (const address of ['/hello?who=Ada', '/hello?who=Bob', '/hello', '/index.html?who=Ada', '/LICENSE'])
    assert.equal(await text(address), 'TypeError', address);
});

test('it stores the files that the build lists: the page and one wasm module, no weights', async () => {
  await visit(true);
  const kept = await keptFiles();
  for (const name of [
    '/',
    '/index.html',
    '/web/page/main.js',
    '/web/worker.js',
    '/web/wasm/sedd-simd.wasm',
    '/models/sedd-nano/trace.json',
  ])
    assert.ok(kept.includes(name), name);
  assert.deepEqual(
    kept.filter((name) => /safetensors|tokenizer|LICENSE$|^\/offline/.test(name)),
    [],
  );
  assert.deepEqual(kept.filter((name) => /\/wasm\//.test(name)).sort(), [
    '/web/wasm/sedd-simd.js',
    '/web/wasm/sedd-simd.wasm',
  ]);
  down = true;
  assert.match(await text('/'), /<title>/);
  assert.match(await text('/web/page/main.js'), /import/);
});

test("store.delete('all') empties it, and visits do not fill it again", async () => {
  await visit(true);
  await page.evaluate(async () => (await import('/web/client.js')).store.delete('all'));
  assert.equal(await keptFiles(), null);
  assert.match(await text('/web/page/main.js'), /import/);
  assert.equal(await keptFiles(), null);
  down = true;
  assert.equal(await text('/web/page/main.js'), 'TypeError');
});
