// Tests loading in Chromium from the stand-in hub: each fault has its own sentence, cut downloads resume, and the store works.
import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from '../../scripts/generate.mjs';
import { Hub } from '../../scripts/hub.mjs';
import { ROOT } from '../../scripts/build.mjs';
import { open, withPage } from './browser.mjs';

const NANO = path.join(ROOT, 'models/sedd-nano');
const FILE = 'model.safetensors';
const SIZE = statSync(path.join(NANO, FILE)).size;
const SHA = createHash('sha256')
  .update(readFileSync(path.join(NANO, FILE)))
  .digest('hex');
const CHUNK = 4 << 20;

let folder;
let hub;
let browser;
let page;

/** Makes a repository of random weights that uses the shipped tokenizer. */
function repository(name, options) {
  const there = path.join(folder, name);
  generate(there, options);
  copyFileSync(path.join(NANO, 'tokenizer.json'), path.join(there, 'tokenizer.json'));
  return there;
}

/** Makes one with a file that states how it was trained to write. */
function trained() {
  const there = repository('trained', { shape: 'sedd-tiny', dtype: 'f32' });
  writeFileSync(
    path.join(there, 'generation_config.json'),
    JSON.stringify({ steps: 8, positions: 'planned', order: 'spread', context: 'known' }),
  );
  return there;
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sedd-hub-'));
  generate(path.join(folder, 'bare'), { shape: 'sedd-tiny', dtype: 'f32' });
  hub = await new Hub({
    'me/nano': NANO,
    gpt2: path.join(ROOT, 'tests/golden/gpt2-tokenizer'),
    'me/bare': path.join(folder, 'bare'),
    'me/trained': trained(),
    'me/float': repository('float', { shape: 'sedd-nano', dtype: 'f32' }),
    'me/torch': repository('torch', { shape: 'sedd-nano', dtype: 'f32', format: 'torch' }),
  }).start();
  browser = await open('README.md', { isolation: false });
  page = await prepare(browser.page);
});

after(async () => {
  await browser?.close();
  await hub?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  hub.heal();
  hub.log.length = 0;
  await page.evaluate(() => window.store.delete('all'));
});

/** Gives a page `load(source, options)`, which returns the result of a load, and `store`. */
async function prepare(target) {
  await target.evaluate(async (url) => {
    const { loadSEDD, plan, store } = await import('/web/client.js');
    Object.assign(window, { store, loadSEDD, plan: (source, options) => plan(source, { hub: url, ...options }) });
    window.load = async (source, { text = false, ...options } = {}) => {
      const phases = [];
      const begin = performance.now();
      try {
        const model = await loadSEDD(source, {
          hub: url,
          retries: 0,
          onProgress: (event) => phases.push(event),
          ...options,
        });
        const ms = performance.now() - begin;
        const sample = text ? (await model.sample({ length: 16, steps: 4, seed: 1 }).result).text : '';
        await model.dispose();
        return { ...model.source, defaults: model.defaults, dtype: model.info.dtype, phases, sample, ms };
      } catch (error) {
        return {
          failed: `${error.code ?? error.name}: ${error.message}`,
          hint: error.hint,
          phases,
          ms: performance.now() - begin,
        };
      }
    };
  }, hub.url);
  return target;
}

const load = (source, options, on = page) =>
  on.evaluate(([given, more]) => window.load(given, more), [source, options]);
const list = () => page.evaluate(() => window.store.list());
const gets = () => hub.log.filter(({ method, file }) => method === 'GET' && file === FILE);

/* ---- Sources ---- */

test('a hub id is planned, loaded through redirects and checked, and then comes from the store', async () => {
  const plan = await page.evaluate(() => window.plan('me/nano'));
  assert.deepEqual(
    [plan.name, plan.kind, plan.size, plan.download, plan.complete, plan.fits],
    ['me/nano', 'sedd', SIZE, SIZE, false, true],
  );
  assert.equal(hub.sent(FILE), 0, 'planning downloads no weights');
  assert.deepEqual(await list(), [], 'nor stores anything');
  const first = await load('me/nano');
  assert.deepEqual(
    [first.sha256, first.fromStore, first.stored, first.fetched, first.reason],
    [SHA, false, true, SIZE, ''],
  );
  assert.match(first.url, /\/me\/nano\/resolve\/[0-9a-f]{40}\/model\.safetensors$/, 'one commit for all files');
  const again = await load('me/nano');
  assert.deepEqual([again.sha256, again.fromStore, again.fetched], [SHA, true, 0]);
  assert.equal(hub.sent(FILE), SIZE);
  const [stored] = await list();
  assert.deepEqual([stored.name, stored.complete, stored.size], ['me/nano', true, SIZE]);
  const byId = await page.evaluate((id) => window.load({ stored: id }), stored.id);
  assert.deepEqual([byId.sha256, byId.fromStore], [SHA, true]);
  const other = await load({ stored: stored.id }, { integrity: '0'.repeat(64) });
  assert.equal(other.failed, `content: The file of weights has the sha256 ${SHA}; expected ${'0'.repeat(64)}.`);
});

test("a folder beside the page takes precedence over the hub, and a repository without a tokenizer uses GPT-2's", async () => {
  await page.evaluate(() => history.replaceState(null, '', '/'));
  assert.equal((await load('models/sedd-nano')).url, `${browser.url}models/sedd-nano/model.safetensors`);
  assert.equal((await load('me/bare')).failed, undefined);
  assert.match(
    (await load('models/none')).failed,
    /^network: There is no folder .*models\/none\/, and on the hub: .*401/,
  );
  assert.match((await load('hub:me/nano', { revision: 'other' })).failed, /404/);
  assert.equal((await load('hub:me/nano@main')).sha256, SHA);
});

test("a model's sampling settings are stored with it", async () => {
  const [first, again] = [await load('me/trained'), await load('me/trained')];
  assert.deepEqual([first.fromStore, again.fromStore], [false, true]);
  for (const { defaults } of [first, again])
    assert.deepEqual(defaults, { steps: 8, positions: 'planned', order: 'spread', context: 'known' });
  assert.deepEqual((await load('me/bare')).defaults, {}, 'and a folder without that file has none');
});

test('float weights and torch files are held and stored as int8, and give the same text on the next visit', async () => {
  const options = { dtype: 'q8', text: true };
  const [first, again] = [await load('me/float', options), await load('me/float', options)];
  assert.deepEqual([first.dtype, first.fromStore, again.fromStore, again.fetched], ['q8', false, true, 0]);
  assert.ok(first.sample.length > 10 && first.sample === again.sample);
  const [{ size }] = await list();
  assert.ok(size < first.fetched / 2, `${size} bytes are kept of ${first.fetched}`);
  assert.ok(first.phases.some(({ phase }) => phase === 'keep'));
  const torch = await load('me/torch', options);
  assert.equal(torch.sample, first.sample, 'the same weights in the other container');
  assert.equal(
    torch.sha256,
    createHash('sha256')
      .update(readFileSync(path.join(folder, 'torch/pytorch_model.bin')))
      .digest('hex'),
  );
});

test('threads share a memory of at most the size that the model needs, from the hub and from the store', async () => {
  await withPage('README.md', { isolation: true }, async ({ page: isolated }) => {
    const results = await isolated.evaluate(async (hub) => {
      const { loadSEDD } = await import('/web/client.js');
      const found = [];
      for (const threads of [1, 2, 2]) {
        const model = await loadSEDD('hub:me/float', { hub, threads, dtype: 'q8' });
        found.push([
          model.threads,
          model.source.fromStore,
          (await model.sample({ length: 16, steps: 4, seed: 1 }).result).text,
        ]);
        await model.dispose();
      }
      return found;
    }, hub.url);
    assert.deepEqual(
      results.map(([threads, fromStore]) => [threads, fromStore]),
      [
        [1, false],
        [2, true],
        [2, true],
      ],
    );
    assert.equal(new Set(results.map(([, , text]) => text)).size, 1);
  });
});

/* ---- Cuts ---- */

test('a download that is cut at any tenth resumes with the missing bytes only', async () => {
  for (let tenth = 1; tenth < 10; tenth++) {
    const place = Math.floor((SIZE * tenth) / 10);
    hub.fail(FILE, 'cut', place, 1);
    const cut = await load('hub:me/nano');
    assert.match(cut.failed, /^network: The connection was cut at byte \d+ of 4553492/);
    const [{ complete, loaded }] = await list();
    assert.ok(!complete && loaded <= place);
    const rest = await load('hub:me/nano');
    assert.equal(rest.sha256, SHA, `tenth ${tenth}`);
    const [first, second] = gets();
    assert.equal(Number(/byte (\d+)/.exec(cut.failed)[1]), second.begin, 'it goes on at the byte where it stopped');
    assert.equal(second.end, SIZE);
    assert.ok(first.sent <= place && second.begin <= place && second.begin > place - CHUNK);
    assert.equal(gets().length, 2);
    await page.evaluate(() => window.store.delete('all'));
    hub.log.length = 0;
  }
});

test('a cut within one load is resumed automatically, also for a torch file', async () => {
  hub.fail(FILE, 'cut', 3000000, 1);
  const mended = await load('me/nano', { retries: 1 });
  assert.equal(mended.sha256, SHA);
  assert.ok(mended.phases.some(({ phase, seconds }) => phase === 'wait' && seconds > 0));
  hub.fail('pytorch_model.bin', 'cut', 9000000, 1);
  assert.match((await load('me/torch', { dtype: 'q8' })).failed, /was cut/);
  const before = hub.sent('pytorch_model.bin');
  const rest = await load('me/torch', { dtype: 'q8' });
  assert.equal(rest.stored, true);
  assert.ok(
    hub.sent('pytorch_model.bin') - before < statSync(path.join(folder, 'torch/pytorch_model.bin')).size - 4 * 2 ** 20,
  );
});

/* ---- Faults ---- */

for (const [name, file, kind, number, words] of [
  ['401', FILE, '401', 0, /^network: .*asks who you are \(401\)/],
  ['403', FILE, '403', 0, /^network: .*refuses \(403\)/],
  ['404', FILE, '404', 0, /^network: .*is not there \(404\)/],
  ['429 with a long wait', FILE, '429', 3600, /^network: .*asked too often \(429\) and asks to wait 3600 seconds/],
  ['500', FILE, '500', 0, /^network: .*answered 500/],
  ['a web page', FILE, 'html', 0, /^content: .*is a web page/],
  ['a web page for config.json', 'config.json', 'html', 0, /^content: .*config\.json is a web page/],
  ['a Git LFS pointer', FILE, 'pointer', 0, /^content: .*is a Git LFS pointer/],
  [
    'a truncated file',
    FILE,
    'short',
    1000,
    /^format: model\.safetensors has 4552492 bytes, but its header describes 4553492: it is truncated/,
  ],
  [
    'a damaged byte',
    FILE,
    'flip',
    2000000,
    new RegExp(`^content: The file of weights has the sha256 (?!${SHA})[0-9a-f]{64}; expected ${SHA}`),
  ],
  ['no CORS', FILE, 'nocors', 0, /^network: .*\(CORS\)/],
]) {
  test(`${name} has its own sentence and stores nothing as complete`, async () => {
    hub.fail(file, kind, number);
    const result = await load(
      {
        config: `${hub.url}me/nano/resolve/main/config.json`,
        weights: `${hub.url}me/nano/resolve/main/${FILE}`,
        tokenizer: `${hub.url}me/nano/resolve/main/tokenizer.json`,
      },
      { integrity: kind === 'flip' ? SHA : undefined },
    );
    assert.match(result.failed ?? 'loaded', words);
    assert.ok((await list()).every(({ complete, loaded }) => !complete && loaded === 0));
    hub.heal();
    assert.equal((await load('me/nano')).sha256, SHA, 'and loading works when it is mended');
  });
}

test('a load waits for a busy server as long as Retry-After asks', async () => {
  hub.fail(FILE, '429', 1, 1);
  const result = await load('me/nano', { retries: 1 });
  assert.equal(result.sha256, SHA);
  assert.deepEqual(
    result.phases.filter(({ phase }) => phase === 'wait').map(({ seconds }) => seconds),
    [1],
  );
});

test('a file that changes between two ranges is loaded again from the beginning', async () => {
  hub.fail(FILE, 'change', 2000000, 1);
  const result = await load('me/nano', { retries: 2 });
  assert.equal(result.sha256, SHA);
  assert.deepEqual(
    gets().map(({ begin }) => begin > 0),
    [false, true, false],
  );
  hub.fail(FILE, 'change', 0, 1); // a file that changed between two visits
  await page.evaluate(() => window.store.delete('all'));
  await load('me/nano');
  assert.equal((await load('me/nano')).sha256, SHA);
});

test('servers without ranges, ETag or HEAD, and one that compresses, still give the file', async () => {
  for (const kind of ['norange', 'noetag', 'nohead', 'gzip']) {
    hub.fail(FILE, kind);
    assert.equal((await load('me/nano')).sha256, SHA, kind);
    await page.evaluate(() => window.store.delete('all'));
  }
});

/* ---- The store ---- */

test('only a damaged chunk is fetched again', async () => {
  await load('me/nano');
  await page.evaluate(async () => {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('sedd-web');
    for await (const entry of root.values()) {
      for await (const file of entry.values()) {
        if (!file.name.startsWith('w00001')) continue;
        const writable = await file.createWritable({ keepExistingData: true });
        await writable.write({ type: 'write', position: 1000, data: new Uint8Array([1, 2, 3]) });
        await writable.close();
      }
    }
  });
  hub.log.length = 0;
  const result = await load('me/nano', { text: true });
  assert.deepEqual([result.fromStore, result.fetched], [true, SIZE - CHUNK]);
  assert.deepEqual(
    gets().map(({ begin, end }) => [begin, end]),
    [[CHUNK, SIZE]],
  );
  assert.equal((await load('me/nano')).fetched, 0, 'and is sound again');
});

test('files of a load that ended before it wrote its record are neither listed nor kept', async () => {
  const remains = () =>
    page.evaluate(async () => {
      const found = [];
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('sedd-web', { create: true });
      for await (const name of root.keys()) found.push(name);
      return found;
    });
  const id = 'a'.repeat(32);
  const leave = () =>
    page.evaluate(async (name) => {
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('sedd-web', { create: true });
      await root.getDirectoryHandle(name, { create: true }); // a full disk or a closed tab leaves such a folder
    }, id);
  await leave();
  const busy = await page.evaluate(
    (name) => navigator.locks.request(`sedd-web:${name}`, () => window.store.list()),
    id,
  );
  assert.deepEqual([busy, await remains()], [[], [id]], 'while its load is under way it stays');
  assert.deepEqual([await list(), await remains()], [[], []]);
  // Dropped files are stored while they are quantised. The store lists them only when they are complete.
  const seen = await page.evaluate(async (url) => {
    const files = [];
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      files.push(new File([await (await fetch(`${url}me/float/resolve/main/${name}`)).blob()], name));
    const during = [];
    const onProgress = ({ phase }) => phase === 'keep' && during.push(window.store.list());
    const model = await window.loadSEDD(files, { dtype: 'q8', onProgress });
    await model.dispose();
    return {
      during: (await Promise.all(during)).flat().filter(({ complete }) => !complete),
      after: await window.store.list(),
    };
  }, hub.url);
  assert.deepEqual([seen.during, seen.after.map(({ name }) => name)], [[], ['model.safetensors']]);
});

test('without free storage the model runs and is not stored', async () => {
  const session = await page.context().newCDPSession(page);
  const quota = (quotaSize) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: new URL(browser.url).origin, ...quotaSize });
  await quota({ quotaSize: 2000000 });
  try {
    const result = await load('me/nano', { text: true });
    assert.equal(result.stored, false);
    assert.match(result.reason, /no room/);
    assert.ok(result.sample.length > 10);
    assert.deepEqual(await list(), []);
  } finally {
    await quota({});
  }
});

test('two tabs that load the same model download it once', async () => {
  const other = await page.context().newPage();
  await other.goto(`${browser.url}README.md`);
  await prepare(other);
  hub.fail(FILE, 'slow', 8e6);
  const results = await Promise.all([load('me/nano'), load('me/nano', {}, other)]);
  assert.deepEqual(
    results.map(({ sha256 }) => sha256),
    [SHA, SHA],
  );
  assert.deepEqual(results.map(({ fromStore }) => fromStore).sort(), [false, true]);
  assert.ok(results.some(({ phases }) => phases.some(({ phase }) => phase === 'wait')));
  assert.equal(hub.sent(FILE), SIZE);
  await other.close();
});

test('an abort takes effect at once and keeps what has arrived, and a model that is loading cannot be deleted', async () => {
  hub.fail(FILE, 'slow', 2e6);
  const took = await page.evaluate(async (url) => {
    const controller = new AbortController();
    const loading = window.loadSEDD('hub:me/nano', {
      hub: url,
      signal: controller.signal,
      onProgress: ({ loaded }) => loaded > 500000 && !window.far && (window.far = true),
    });
    loading.catch(() => {});
    while (!window.far)
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    const refused = await window.store.delete('all').then(
      () => '',
      (error) => error.message,
    );
    const begin = performance.now();
    controller.abort();
    const name = await loading.catch((error) => error.name);
    return { name, ms: performance.now() - begin, refused };
  }, hub.url);
  assert.equal(took.name, 'AbortError');
  assert.ok(took.ms < 50, `${took.ms} ms`);
  assert.match(took.refused, /is being loaded right now/);
  hub.heal();
  hub.log.length = 0;
  assert.equal((await load('hub:me/nano')).sha256, SHA);
  assert.ok(gets()[0].begin >= 500000, 'what had arrived was kept');
});

test('a stored model loads without its server, from either kind of storage', async () => {
  for (const cache of ['opfs', 'cache-storage']) {
    await load('hub:me/nano', { cache });
    hub.fail('api', '500');
    hub.fail(FILE, '500');
    const result = await load('hub:me/nano', { cache });
    assert.deepEqual([result.sha256, result.fromStore], [SHA, true], cache);
    hub.heal();
  }
  assert.equal((await list()).length, 2);
  await page.evaluate(() => window.store.delete('all'));
  assert.deepEqual(await list(), []);
});

test('after the first visit, the page opens and writes without a network', async () => {
  await withPage('', { isolation: false }, async (visit) => {
    const count = () =>
      visit.page.evaluate(async () =>
        (await caches.has('sedd-web-page')) ? (await (await caches.open('sedd-web-page')).keys()).length : 0,
      );
    for (let [seen, waited] = [-1, 0]; seen < 20 || seen !== (await count()); waited++) {
      // until no more files are stored
      assert.ok(waited < 60, 'the page is kept within a minute');
      seen = await count();
      await new Promise((resolve) => {
        setTimeout(resolve, 1000);
      });
    }
    await visit.page.context().setOffline(true);
    await visit.page.goto(visit.url);
    const text = await visit.page.evaluate(async () => {
      const { loadSEDD } = await import('/web/client.js');
      const model = await loadSEDD('models/sedd-nano');
      const sample = await model.sample({ length: 16, steps: 4, seed: 1 }).result;
      await model.dispose();
      return { text: sample.text, fromStore: model.source.fromStore, title: document.title };
    });
    assert.equal(text.fromStore, true);
    assert.ok(text.text.length > 10);
    assert.match(text.title, /SEDD/);
  });
});

test('a policy that forbids WebAssembly is named as the cause', async () => {
  await withPage('README.md', { isolation: false, csp: "default-src 'self'" }, async (visit) => {
    const { reasons, wasm, error } = await visit.page.evaluate(async () => {
      const { loadSEDD, probe } = await import('/web/client.js');
      const failed = await loadSEDD('/models/sedd-nano', { cache: false }).catch(({ code, message }) => ({
        code,
        message,
      }));
      return { ...probe(), error: failed };
    });
    assert.equal(wasm, null);
    assert.match(reasons[0], /'wasm-unsafe-eval'/);
    assert.deepEqual(error, { code: 'unsupported', message: reasons[0] });
    assert.ok(!/no WebAssembly SIMD/.test(reasons.join()));
  });
});

/* ---- The panel ---- */

test('the panel looks a model up, loads it, lists and deletes it, and takes dropped files', async () => {
  const loaded = () => page.waitForFunction(() => window.got?.length > 0);
  await page.evaluate(async (url) => {
    const [{ LibraryPanel }, { speak }, client] = await Promise.all([
      import('/web/page/library.js'),
      import('/web/page/text.js'),
      import('/web/client.js'),
    ]);
    document.body.replaceChildren(document.createElement('div'));
    await speak();
    window.got = [];
    const { loadSEDD, loadGPT2, plan, store } = client;
    window.panel = new LibraryPanel(document.body.firstChild, {
      loadSEDD,
      loadGPT2,
      plan,
      store,
      options: { hub: url },
      onLoad: (model, about) => {
        window.got.push(about);
        model.dispose();
      },
    });
  }, hub.url);
  await page.fill('.library [name=source]', 'me/nano');
  await page.click('.library-form button');
  await page.waitForSelector('.library-load');
  assert.match(await page.textContent('.library-found'), /4\.6 MB.*92 MB/);
  await page.click('.library-load');
  await loaded();
  await page.waitForSelector('.library-list:not([hidden])');
  assert.match(await page.textContent('.library-list'), /me\/nano.*4\.6 MB/);
  await page.click('.library-list button:last-child');
  await page.waitForSelector('.library-list', { state: 'hidden' });
  await page.evaluate(async () => {
    window.got = [];
    const transfer = new DataTransfer();
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      transfer.items.add(new File([await (await fetch(`/models/sedd-nano/${name}`)).blob()], name));
    document
      .querySelector('.library')
      .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await page.click('.library-load');
  await loaded();
  assert.match(await page.textContent('.library-status'), /model\.safetensors is loaded/);
});
