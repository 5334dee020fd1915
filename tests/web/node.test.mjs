// Uses sedd-web in Node as an engineer's own tests would. A folder gives the same text by its path, by its address, and
// as dropped files.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadGPT2, loadSEDD, plan } from '../../web/node.js';
import { loadSEDD as inBrowser } from '../../web/client.js';
import { seddInNode } from './files.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NANO = path.join(ROOT, 'models/sedd-nano');
const OPTIONS = { length: 12, steps: 3, seed: 4 };

test('a folder by path, relative path or file: address writes what dropped files write', async () => {
  const files = await seddInNode();
  const expected = (await files.sample(OPTIONS).result).text;
  await files.dispose();
  for (const source of [
    NANO,
    path.relative(process.cwd(), NANO),
    pathToFileURL(`${NANO}/`).href,
    pathToFileURL(`${NANO}/`),
  ]) {
    const sedd = await loadSEDD(source);
    const { text } = await sedd.sample(OPTIONS).result;
    assert.equal(text, expected, String(source));
    assert.equal(sedd.source.name, 'sedd-nano');
    assert.equal((await sedd.selfTest()).ok, true);
    await sedd.dispose();
  }
});

test('a plan tells the sizes of the files without reading the weights', async () => {
  const { download, kind, complete } = await plan(NANO);
  assert.deepEqual([download, kind, complete], [4553492, 'sedd', false]);
});

test('a wrong source is refused with one sentence', async () => {
  await assert.rejects(
    loadSEDD('/nowhere/at/all'),
    ({ code, message }) => code === 'io' && /^\/nowhere\/at\/all is not a folder on this machine\.$/.test(message),
  );
  await assert.rejects(
    loadGPT2(NANO),
    ({ message, hint }) => /SEDD, not a GPT-2/.test(message) && /loadSEDD/.test(hint),
  );
  await assert.rejects(
    loadSEDD(pathToFileURL(path.join(ROOT, 'tests/')).href, { retries: 0 }),
    ({ code, message }) => code === 'network' && /config\.json is not there \(404\)/.test(message),
  );
  const none = globalThis.Worker;
  delete globalThis.Worker;
  await assert.rejects(inBrowser(NANO), ({ code, hint }) => code === 'worker' && /In Node, import sedd-web/.test(hint));
  if (none) globalThis.Worker = none;
});
