// Uses the packed package as people do: with a script tag over a static folder, Vite, webpack, esbuild, and as the one-file module, each in Chromium.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { createServer, build as vite } from 'vite';
import webpack from 'webpack';
import { open } from '../browser/browser.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const WORK = path.join(ROOT, 'build/package');
const PACKAGE = path.join(WORK, 'node_modules/sedd-web');
const OPTIONS = { length: 16, steps: 4, seed: 5 };

/** A program that writes a text and reports it to the test. */
const program = (specifier, threads) => `
import { loadSEDD, SeddError } from '${specifier}';
const sedd = await loadSEDD('/models/sedd-nano', { threads: ${threads}, cache: false });
const { text, threads, kernels } = await sedd.sample(${JSON.stringify(OPTIONS)}).result;
await sedd.dispose();
globalThis.outcome = { text, threads, kernels, error: new SeddError('x', 'y').code };
`;
const page = (script) =>
  `<!doctype html><meta charset="utf-8"><title>sedd-web</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>\n`;

function folder(name, files) {
  const full = path.join(WORK, name);
  mkdirSync(full, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(full, file), text);
  return full;
}

let browser;
let expected;
before(async () => {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', WORK], { cwd: ROOT });
  // The project has its own name. Inside this repository, "sedd-web" would mean the repository instead of the package.
  writeFileSync(path.join(WORK, 'package.json'), '{"name":"project","private":true,"type":"module"}\n');
  const [archive] = readdirSync(WORK).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', path.join(WORK, archive), '-C', PACKAGE, '--strip-components=1']);
  expected = execFileSync(
    path.join(ROOT, 'build/native/sedd'),
    ['sample', 'models/sedd-nano', '--length', '16', '--steps', '4', '--seed', '5'],
    { cwd: ROOT, encoding: 'utf8' },
  );
  folder('blank', { 'index.html': page('data:text/javascript,') });
  browser = await open('build/package/blank/index.html');
});
after(() => browser?.close());

/** Opens a built page and compares the text it writes with the native tool's. */
async function runs(file, threads) {
  await runsAt(browser.url + path.relative(ROOT, path.join(WORK, file)), threads);
}

async function runsAt(url, threads) {
  browser.errors.length = 0;
  await browser.page.goto(url);
  const outcome = await browser.page
    .waitForFunction(() => globalThis.outcome, null, { timeout: 30000 })
    .then(
      (handle) => handle.jsonValue(),
      (error) => ({ text: String(error) }),
    );
  assert.deepEqual(browser.errors, []);
  assert.equal(`${outcome.text}\n`, expected);
  assert.deepEqual([outcome.threads, outcome.error], [threads, 'x']);
}

test('the package has every file that its exports name, and runs nothing when it is installed', () => {
  const { exports, types, jsdelivr, scripts, dependencies } = JSON.parse(
    readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'),
  );
  const files = Object.values(exports)
    .flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))
    .filter((name) => !name.includes('*'));
  for (const name of [
    ...files,
    types,
    jsdelivr,
    './web/wasm/sedd-simd.wasm',
    './dist/player.js',
    'LICENSE',
    'README.md',
  ])
    assert.ok(existsSync(path.join(PACKAGE, name)), name);
  assert.equal(dependencies, undefined);
  assert.ok(!Object.keys(scripts).some((name) => /^(pre|post)?install$|^prepare$/.test(name)));
  const shipped = execFileSync('find', ['.', '-type', 'f'], { cwd: PACKAGE, encoding: 'utf8' }).split('\n');
  assert.ok(!shipped.some((name) => /test\.mjs|scripts|core\//.test(name)), 'no tests, no sources of the tool');
  const weights = shipped.filter((name) => name.endsWith('model.safetensors'));
  assert.deepEqual(weights.toSorted(), [
    './models/gpt2-nano/model.safetensors',
    './models/sedd-nano/model.safetensors',
  ]);
});

test('a script tag over a static folder', async () => {
  const full = folder('static', { 'index.html': page('app.js'), 'app.js': program('./sedd-web/web/client.js', 2) });
  cpSync(PACKAGE, path.join(full, 'sedd-web'), { recursive: true });
  await runs('static/index.html', 2);
});

test('Vite', async () => {
  const root = folder('vite', { 'index.html': page('./app.js'), 'app.js': program('sedd-web', 2) });
  await vite({ root, configFile: false, logLevel: 'error', base: './', build: { target: 'es2022' } });
  await runs('vite/dist/index.html', 2);
});

test("Vite's development server, with the setting that the README names", async () => {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const [, setting] = /`optimizeDeps: (\{ exclude: \['sedd-web'\] \})`/.exec(readme);
  const root = folder('vite-dev', {
    'index.html': page('./app.js'),
    'app.js': program('sedd-web', 2),
    'without.html': page('./without.js'),
    'without.js': `import { loadSEDD } from 'sedd-web';
      globalThis.outcome = await loadSEDD('/models/sedd-nano').then(() => 'loaded', ({ message, hint }) => message + hint);`,
  });
  mkdirSync(path.join(root, 'public'), { recursive: true });
  symlinkSync(path.join(ROOT, 'models'), path.join(root, 'public/models'));
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  const develop = async (optimizeDeps, act) => {
    const server = await createServer({
      root,
      configFile: false,
      logLevel: 'silent',
      cacheDir: path.join(root, optimizeDeps ? 'with/.vite' : 'without/.vite'),
      optimizeDeps,
      server: { port: 0, headers },
    });
    try {
      await server.listen();
      await act(server.resolvedUrls.local[0]);
    } finally {
      await server.close();
    }
  };
  await develop(new Function(`return ${setting}`)(), (url) => runsAt(url, 2));
  await develop(undefined, async (url) => {
    const tab = await browser.page.context().newPage(); // Vite's own script may reload it
    try {
      await tab.goto(`${url}without.html`).catch(() => {});
      const outcome = await tab.waitForFunction(() => globalThis.outcome, null, { timeout: 30000 });
      assert.match(await outcome.jsonValue(), /worker.*set optimizeDeps: \{ exclude: \['sedd-web'\] \}/s);
    } finally {
      await tab.close();
    }
  });
  await browser.page.goto('about:blank');
});

test('Node, with a model of the package', () => {
  const root = folder('node', {
    'app.js': `
      import { fileURLToPath } from 'node:url';
      import { loadSEDD, SeddError } from 'sedd-web';
      const sedd = await loadSEDD(fileURLToPath(new URL('.', import.meta.resolve('sedd-web/models/sedd-nano/config.json'))));
      console.log((await sedd.sample(${JSON.stringify(OPTIONS)}).result).text);
      await sedd.dispose();`,
  });
  const said = execFileSync(process.execPath, ['app.js'], { cwd: root, encoding: 'utf8', timeout: 60000 });
  assert.equal(said, expected);
});

test("the package's examples run unchanged", async () => {
  browser.errors.length = 0;
  await browser.page.goto(`${browser.url}build/package/node_modules/sedd-web/web/examples/csp.html`);
  const [text, verdict] = await browser.page
    .locator('sedd-demo')
    .evaluate(async (demo) => [
      (await demo.run({ steps: 2, length: 12 })).text,
      demo.shadowRoot.querySelector('[part=verdict]').textContent,
    ]);
  assert.match(text, /^One day/);
  assert.match(verdict, /times as fast/);
  assert.deepEqual(browser.errors, []);
});

test('webpack', async () => {
  const context = folder('webpack', { 'app.js': program('sedd-web', 2) });
  const output = { path: path.join(context, 'dist'), filename: 'app.js', module: true };
  const stats = await new Promise((resolve, reject) => {
    webpack(
      { context, mode: 'production', entry: './app.js', output, experiments: { outputModule: true } },
      (error, result) => (error ? reject(error) : resolve(result)),
    );
  });
  assert.deepEqual(
    stats.toJson({ all: false, errors: true, warnings: true }).errors.map(({ message }) => message),
    [],
  );
  folder('webpack/dist', { 'index.html': page('app.js') });
  await runs('webpack/dist/index.html', 2);
});

test('esbuild, with the worker as a second entry and the wasm folder copied', async () => {
  const root = folder('esbuild', { 'app.js': program('sedd-web', 2) });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: { app: 'app.js', worker: 'sedd-web/worker' },
    bundle: true,
    minify: true,
    format: 'esm',
    outdir: 'dist',
    logLevel: 'error',
  });
  cpSync(path.join(PACKAGE, 'web/wasm'), path.join(root, 'dist/wasm'), { recursive: true });
  folder('esbuild/dist', { 'index.html': page('app.js') });
  await runs('esbuild/dist/index.html', 2);
});

test('the one-file module, alone and through a bundler', async () => {
  const full = folder('inline', {
    'index.html': page('app.js'),
    'app.js': program('./inline.js', 2),
    'bundled.html': page('bundled.js'),
    'source.js': program('sedd-web/inline', 1),
  });
  cpSync(path.join(PACKAGE, 'dist/inline.js'), path.join(full, 'inline.js'));
  await runs('inline/index.html', 1);
  await esbuild.build({
    absWorkingDir: full,
    entryPoints: ['source.js'],
    bundle: true,
    format: 'esm',
    outfile: 'bundled.js',
    external: ['module'],
    logLevel: 'error',
  });
  await runs('inline/bundled.html', 1);
});

test('the one-file module in a frame with sandbox="allow-scripts", which has no origin', async () => {
  const full = folder('sandbox', {
    'frame.js': `
import { loadSEDD } from 'sedd-web/inline';
addEventListener('message', async ({ data }) => {
  const outcome = await loadSEDD(data, { cache: false }).then(
    async (sedd) => ({ origin, text: (await sedd.sample(${JSON.stringify(OPTIONS)}).result).text }),
    ({ code, message, hint }) => ({ origin, text: code + ': ' + message + ' ' + hint }),
  );
  parent.postMessage(outcome, '*');
});
parent.postMessage('ready', '*');
`,
  });
  const { outputFiles } = await esbuild.build({
    absWorkingDir: full,
    entryPoints: ['frame.js'],
    bundle: true,
    minify: true,
    format: 'iife',
    write: false,
    external: ['module'],
    logLevel: 'error',
  });
  await browser.page.goto(`${browser.url}build/package/blank/index.html`);
  const outcome = await browser.page.evaluate(async (script) => {
    const frame = document.createElement('iframe');
    const said = () =>
      new Promise((resolve) => {
        addEventListener('message', ({ data }) => resolve(data), { once: true });
      });
    const ready = said();
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.srcdoc = `<script>${script.replaceAll('</script', '<\\/script')}</script>`;
    document.body.append(frame);
    await ready;
    const files = [];
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      files.push(new File([await (await fetch(`/models/sedd-nano/${name}`)).blob()], name));
    const done = said();
    frame.contentWindow.postMessage(files, '*');
    return done;
  }, outputFiles[0].text);
  assert.deepEqual(outcome, { origin: 'null', text: expected.trimEnd() });
});

test('the one-file module names a policy that forbids blob: as the cause', async () => {
  const full = folder('policy', {
    'index.html': page('app.js').replace(
      '<script',
      `<meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"><script`,
    ),
    'app.js': `
import { loadSEDD } from './inline.js';
globalThis.outcome = await loadSEDD('/models/sedd-nano', { cache: false }).catch(({ code, message, hint }) => ({ code, message, hint }));
`,
  });
  cpSync(path.join(PACKAGE, 'dist/inline.js'), path.join(full, 'inline.js'));
  await browser.page.goto(`${browser.url}build/package/policy/index.html`);
  const outcome = await browser.page.waitForFunction(() => globalThis.outcome, null, { timeout: 30000 });
  const { code, message, hint } = await outcome.jsonValue();
  assert.equal(code, 'worker');
  assert.match(message, /policy does not allow workers from blob:/);
  assert.match(hint, /worker-src/);
});

test('the player alone fetches nothing but its trace', async () => {
  const full = folder('player', {
    'index.html': `${page('player.js')}<sedd-player src="/models/sedd-nano/trace.json" loading="eager"></sedd-player>\n`,
  });
  cpSync(path.join(PACKAGE, 'dist/player.js'), path.join(full, 'player.js'));
  for (const part of ['player-sheet.js', 'player-zh.js'])
    cpSync(path.join(PACKAGE, 'dist', part), path.join(full, part));
  const asked = [];
  const note = (request) => asked.push(new URL(request.url()).pathname);
  browser.page.on('request', note);
  await browser.page.goto(`${browser.url}build/package/player/index.html`);
  await browser.page.waitForFunction(() => document.querySelector('sedd-player').text?.length > 20);
  browser.page.off('request', note);
  assert.deepEqual(asked.filter((name) => !name.endsWith('index.html')).toSorted(), [
    '/build/package/player/player.js',
    '/models/sedd-nano/trace.json',
  ]);
});

test('the player fetches its style sheet and its strings on demand, from its own folder', async () => {
  browser.errors.length = 0;
  await browser.page.goto(`${browser.url}build/package/player/index.html`);
  const player = browser.page.locator('sedd-player');
  await player.evaluate((element) => {
    element.sheet = true;
    element.parentElement.lang = 'zh';
    element.remove();
    document.body.append(element);
  });
  await player.locator('figure path.new').first().waitFor({ state: 'attached' });
  await player.getByRole('button', { name: '播放' }).waitFor();
  await player.getByText('在这一步揭开').waitFor();
  assert.equal(
    await player.locator('figure').evaluate((figure) => getComputedStyle(figure.querySelector('ul')).display),
    'flex',
  );
  assert.deepEqual(browser.errors, []);
});
