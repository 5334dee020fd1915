// Tests the built site on a static host under the strictest policy: no file is missing, the page writes, and the results open.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { site } from '../../scripts/site.mjs';
import { open } from './browser.mjs';

const SITE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../dist/site');
let visit;

before(async () => {
  await site();
  visit = await open('', { root: SITE, csp: true });
});
after(() => visit.close());

test('the page requests few files, and its model writes', async () => {
  const { page, errors } = visit;
  await page.waitForFunction(() => document.getElementById('status')?.textContent !== '');
  const scripts = await page.evaluate(
    () => performance.getEntriesByType('resource').filter(({ name }) => /\.js$/.test(name)).length,
  );
  assert.ok(scripts < 20, `${scripts} scripts before the first picture`);
  await page.click('#run');
  await page.waitForFunction(
    () => !document.body.classList.contains('busy') && document.querySelectorAll('#cells .mask').length === 0,
    null,
    { timeout: 120000 },
  );
  assert.deepEqual(errors, []);
});

test('every file but pages, the service worker, models and elements has its hash in its name', () => {
  const names = readdirSync(path.join(SITE, 'app'));
  assert.deepEqual(
    names.filter((name) => !/-[0-9A-Za-z]{8}\.(js|css|wasm|svg)$/.test(name)),
    [],
  );
  const index = readFileSync(path.join(SITE, 'index.html'), 'utf8');
  for (const [, file] of index.matchAll(/(?:href|src)="((?:app|models|web)\/[^"]+)"/g))
    assert.ok(existsSync(path.join(SITE, file)), `index.html names ${file}`);
});

test('the service worker keeps files that exist, the wasm modules among them', () => {
  const names = JSON.parse(readFileSync(path.join(SITE, 'offline-files.js'), 'utf8').replace(/^[^[]*|;\s*$/g, ''));
  assert.ok(names.includes('index.html') && names.includes('results.html'));
  assert.equal(names.filter((name) => /^app\/sedd-.*\.wasm$/.test(name)).length, 4);
  assert.deepEqual(
    names.filter((name) => !existsSync(path.join(SITE, name))),
    [],
  );
});

test('the page of results requests only files that exist', async () => {
  const { page, errors, url } = visit;
  await page.goto(`${url}results.html`);
  assert.ok((await page.locator('table').count()) > 3);
  assert.ok((await page.evaluate(() => document.styleSheets[0].cssRules.length)) > 50, 'the style sheet applies');
  assert.deepEqual(errors, []);
});
