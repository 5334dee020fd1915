// Tests the official models in Chromium, from the plan to the next visit, with a server that behaves like the hub.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OFFICIAL, official } from '../../scripts/generate/official.mjs';
import { Hub } from '../../scripts/hub.mjs';
import { ROOT } from '../../scripts/build.mjs';
import { open } from './browser.mjs';
import { openEngine } from './engines.mjs';

const FILE = 'model.safetensors';
const TOOL = path.join(ROOT, 'build/native/sedd');

let folder;
let hub;
let browser;

const folderOf = (name) => path.join(folder, name.replaceAll(/[/@]/g, '+'));

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sedd-official-'));
  for (const name of Object.keys(OFFICIAL)) official(folderOf(name), name, { narrow: true });
  official(folderOf('torch/sedd-small'), 'louaaron/sedd-small', { narrow: true, format: 'torch' });
  hub = await new Hub(
    Object.fromEntries([...Object.keys(OFFICIAL), 'torch/sedd-small'].map((name) => [name, folderOf(name)])),
    { methodBound: true },
  ).start();
  browser = await open('README.md', { isolation: false });
  await browser.page.evaluate(async (url) => {
    history.replaceState(null, '', '/');
    const { loadGPT2, loadSEDD, plan, store } = await import('/web/client.js');
    Object.assign(window, { store, plan: (source) => plan(source, { hub: url, dtype: 'q8' }) });
    window.visit = async (source, kind) => {
      const phases = new Set();
      const onProgress = ({ phase }) => phases.add(phase);
      const model = await (kind === 'sedd' ? loadSEDD : loadGPT2)(source, { hub: url, dtype: 'q8', onProgress });
      const { ids, text } = await (kind === 'sedd'
        ? model.sample({ length: 24, steps: 4, seed: 7, prompt: 'The hub' }).result
        : model.generate({ tokens: 12, seed: 7, prompt: 'The hub' }).result);
      await model.dispose();
      return { ...model.source, dtype: model.info.dtype, tokens: model.info.tokens, phases: [...phases], ids, text };
    };
  }, hub.url);
});

after(async () => {
  await browser?.close();
  await hub?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Returns the ids that the native tool writes with the same files. It needs a tokenizer beside those of a SEDD. */
function native(name, kind) {
  const own = path.join(folder, `native+${path.basename(folderOf(name))}`);
  cpSync(folderOf(name), own, { recursive: true });
  for (const file of ['vocab.json', 'merges.txt'])
    cpSync(path.join(ROOT, 'tests/golden/gpt2-tokenizer', file), path.join(own, file));
  rmSync(path.join(own, 'tokenizer.json'), { force: true });
  const flags =
    kind === 'sedd'
      ? ['sample', own, '--length', '24', '--steps', '4', '--prompt', 'The hub']
      : ['generate', own, '--tokens', '12', '--prompt', 'The hub'];
  const { ids } = JSON.parse(
    execFileSync(TOOL, [...flags, '--seed', '7', '--dtype', 'q8', '--json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  return kind === 'sedd' ? ids : ids.slice(-12); // without the prompt
}

for (const [source, repository, kind] of [
  ['gpt2', 'openai-community/gpt2', 'gpt2'],
  ['gpt2-medium', 'openai-community/gpt2-medium', 'gpt2'],
  ['louaaron/sedd-small', 'louaaron/sedd-small', 'sedd'],
  ['louaaron/sedd-medium', 'louaaron/sedd-medium', 'sedd'],
  ['kuleshov-group/mdlm-owt', 'kuleshov-group/mdlm-owt', 'sedd'],
  ['jdeschena/sdtt@scaling_400k_md_step_70000', 'jdeschena/sdtt@scaling_400k_md_step_70000', 'sedd'],
  ['jdeschena/sdtt', 'jdeschena/sdtt@baselines_kld_step_70000', 'sedd'],
  ['JingyangOu/radd-lambda-dce', 'JingyangOu/radd-lambda-dce', 'sedd'],
  ['s-sahoo/duo', 's-sahoo/duo', 'sedd'],
]) {
  test(`${source}: plan, download, quantise, keep, run, next visit`, async () => {
    const visit = () => browser.page.evaluate((given) => window.visit(...given), [source, kind]);
    const file = path.join(folderOf(repository), FILE);
    const { size } = statSync(file);
    hub.log.length = 0;
    const plan = await browser.page.evaluate((given) => window.plan(given), source);
    assert.deepEqual([plan.kind, plan.size, plan.download, plan.complete, plan.fits], [kind, size, size, false, true]);
    assert.ok(hub.sent(FILE) <= 1, 'the plan downloads no weights');
    const first = await visit();
    const tokens = repository === 's-sahoo/duo' ? 50258 : 50257; // [PAD] is an ordinary state of DUO
    assert.deepEqual([first.dtype, first.tokens, first.fromStore, first.stored], ['q8', tokens, false, true]);
    assert.equal(first.sha256, createHash('sha256').update(readFileSync(file)).digest('hex'));
    assert.match(first.url, new RegExp(`/${repository.split('@')[0]}/resolve/[0-9a-f]{40}/${FILE}$`));
    for (const phase of ['open', 'weights', 'keep']) assert.ok(first.phases.includes(phase), phase);
    assert.deepEqual(first.ids, native(repository, kind), 'the ids of the native tool');
    const sent = hub.sent(FILE);
    const again = await visit();
    assert.deepEqual([again.fromStore, again.fetched, again.text], [true, 0, first.text]);
    assert.equal(hub.sent(FILE), sent);
    const kept = (await browser.page.evaluate(() => window.store.list())).find(({ name }) => name === source);
    assert.ok(kept.complete && kept.size < size, `${kept.size} bytes are kept of ${size}`);
  });
}

test('the panel offers published models, says what each takes on this device, and loads it', async () => {
  const { page } = browser;
  await page.evaluate(async (url) => {
    const [{ LibraryPanel }, { speak }, client] = await Promise.all([
      import('/web/page/library.js'),
      import('/web/page/text.js'),
      import('/web/client.js'),
    ]);
    const { loadSEDD, loadGPT2, plan, store } = client;
    await store.delete('all');
    await speak();
    document.body.replaceChildren(document.createElement('div'));
    window.got = [];
    window.panel = new LibraryPanel(document.body.firstChild, {
      loadSEDD,
      loadGPT2,
      plan,
      store,
      speed: async () => 1e10,
      options: { hub: url },
      onLoad: (model) => {
        model.sample({ length: 16, seed: 1, prompt: 'The hub' }).result.then(({ text }) => {
          window.got.push({ family: model.info.family, steps: model.defaults.steps, text });
          model.dispose();
        });
      },
    });
  }, hub.url);
  await page.click('.library-published summary');
  for (const [id, family, steps] of [
    ['kuleshov-group/mdlm-owt', 'MDLM', 64],
    ['jdeschena/sdtt@baselines_kld_step_70000', 'SDTT', 32],
  ]) {
    await page.locator('.library-published li', { hasText: id }).getByRole('button').click();
    await page.waitForSelector('.library-load');
    await page.waitForFunction(() =>
      /about .* for 128 tokens/.test(document.querySelector('.library-found').textContent),
    );
    const told = await page.textContent('.library-found');
    assert.ok(told.includes(`${id} · ${family}`), told);
    assert.match(told, new RegExp(`about \\d+ s for 128 tokens in ${steps} steps`));
    await page.click('.library-load');
    await page.waitForFunction((name) => window.got.at(-1)?.family === name, family);
    const { text, steps: own } = await page.evaluate(() => window.got.at(-1));
    assert.ok(text.startsWith('The hub') && text.length > 20, text);
    assert.equal(own, family === 'SDTT' ? 32 : undefined);
  }
  await page.evaluate(() => window.panel.dispose());
});

test('pytorch_model.bin of a repository without safetensors gives the same text', async () => {
  const visit = (source) => browser.page.evaluate((given) => window.visit(given, 'sedd'), source);
  const [torch, safe] = [await visit('torch/sedd-small'), await visit('louaaron/sedd-small')];
  assert.match(torch.url, /pytorch_model\.bin$/);
  assert.deepEqual(torch.ids, safe.ids);
});

test('an expired address is requested again', async () => {
  const visit = () => browser.page.evaluate(() => window.visit('hub:louaaron/sedd-medium', 'sedd'));
  await browser.page.evaluate(() => window.store.delete('all'));
  hub.fail(FILE, 'expired', 0, 1);
  const first = await visit();
  assert.equal(first.stored, true);
  assert.ok(hub.faults.get(FILE).times === 0, 'the hub gave one expired address');
  hub.heal();
});

for (const name of ['Firefox', 'WebKitGTK']) {
  test(`${name} loads the official models, too, and has them at the next visit`, async () => {
    const engine = await openEngine(name, { isolation: false });
    try {
      await engine.goto('tests/browser/blank.html');
      for (const [source, kind] of [
        ['hub:gpt2', 'gpt2'],
        ['hub:louaaron/sedd-small', 'sedd'],
      ]) {
        const found = await engine.evaluate(`
          const client = await import('/web/client.js');
          const options = { hub: ${JSON.stringify(hub.url)}, dtype: 'q8' };
          const plan = await client.plan('${source}', options);
          const ids = [];
          const sources = [];
          for (const visit of [1, 2]) {
            const model = await client.load${kind === 'sedd' ? 'SEDD' : 'GPT2'}('${source}', options);
            const run = ${kind === 'sedd' ? "model.sample({ length: 24, steps: 4, seed: 7, prompt: 'The hub' })" : "model.generate({ tokens: 12, seed: 7, prompt: 'The hub' })"};
            ids.push((await run.result).ids);
            sources.push(model.source);
            await model.dispose();
          }
          return { plan, ids, sources };`);
        const expected = native(source === 'hub:gpt2' ? 'openai-community/gpt2' : 'louaaron/sedd-small', kind);
        assert.equal(found.plan.kind, kind);
        assert.deepEqual(found.ids, [expected, expected]);
        const facts = found.sources.map(({ fromStore, stored, reason }) => [fromStore, stored, reason]);
        assert.deepEqual(facts, [
          [false, true, ''],
          [true, true, ''],
        ]);
      }
    } finally {
      await engine.close();
    }
  });
}
