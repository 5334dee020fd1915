// The page in Chromium, as a person uses it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const ready = (page) => page.waitForSelector('body[data-ready]', { timeout: 30000 });
const finished = (page) => page.waitForFunction(() => document.getElementById('verdict').textContent !== '', null, { timeout: 30000 });

const native = (...flags) => execFileSync(path.join(ROOT, 'build/native/sedd'), ['sample', 'models/sedd-nano', ...flags], { cwd: ROOT, encoding: 'utf8' });

for (const [name, options, threads] of [
  ['cross-origin isolated', {}, /2 threads|one thread/],
  ['without isolation, under the strict content security policy', { isolation: false, csp: true }, /one thread/],
]) {
  test(`the page writes the native tool's text, ${name}`, async () => {
    const { page, errors, close } = await open('', options);
    try {
      await ready(page);
      assert.match(await page.textContent('#status'), threads);
      await page.fill('[name=steps]', '16');
      await page.fill('[name=seed]', '11');
      await page.click('#run');
      await finished(page);
      const text = await page.inputValue('#output');
      assert.equal(`${text}\n`, native('--steps', '16', '--seed', '11', '--prompt', 'Once upon a time', '--temperature', '0.8', '--top-p', '0.9'));
      assert.equal(await page.locator('#grid .cell').count(), 128);
      assert.equal(await page.locator('#grid .mask').count(), 0);
      assert.match(await page.textContent('#verdict'), /times as fast/);
      assert.deepEqual(errors, []);
    } finally {
      await close();
    }
  });
}

test('a run stops by the Escape key and the page stays usable', async () => {
  const { page, close } = await open('');
  try {
    await ready(page);
    await page.fill('[name=steps]', '1000');
    await page.focus('[name=steps]');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('#grid .mask').length < 124);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.getElementById('status').textContent === 'Stopped.');
    await page.fill('[name=steps]', '4');
    await page.click('#run');
    await finished(page);
  } finally {
    await close();
  }
});

test('the timeline shows earlier steps and the link reproduces the run', async () => {
  const { page, url, close } = await open('');
  try {
    await ready(page);
    await page.fill('[name=steps]', '8');
    await page.fill('[name=seed]', '99');
    await page.fill('[name=suffix]', 'They were happy.');
    await page.click('#run');
    await finished(page);
    const text = await page.inputValue('#output');
    assert.match(text, /They were happy\.$/);
    await page.fill('#timeline', '0');
    assert.ok(await page.locator('#grid .mask').count() > 100);
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('seed=99'));
    const address = await page.evaluate(() => location.href);
    assert.ok(address.startsWith(url));
    await page.goto('about:blank');
    await page.goto(address);
    await ready(page);
    await page.click('#run');
    await finished(page);
    assert.equal(await page.inputValue('#output'), text);
  } finally {
    await close();
  }
});

test('wrong models are named as what they are', async () => {
  const { page, close } = await open('');
  try {
    await ready(page);
    const messages = await page.evaluate(async () => {
      const { loadSEDD, loadGPT2 } = await import('/web/client.js');
      const said = async (promise) => promise.then(() => 'loaded', (error) => `${error.name} ${error.code}: ${error.message}`);
      const page = new Blob(['<!doctype html><title>Sign in</title>']);
      const pointer = new Blob(['version https://git-lfs.github.com/spec/v1\noid sha256:00']);
      const config = await (await fetch('/models/sedd-nano/config.json')).blob();
      const tokenizer = await (await fetch('/models/sedd-nano/tokenizer.json')).blob();
      const controller = new AbortController();
      const aborted = said(loadSEDD('/models/sedd-nano', { signal: controller.signal }));
      controller.abort();
      return [
        await said(loadSEDD('/models/nothing')), await said(loadGPT2('/models/sedd-nano')),
        await said(loadSEDD({ config: page, weights: page, tokenizer })), await said(loadSEDD({ config, weights: pointer, tokenizer })),
        await said(loadSEDD([])), await aborted,
      ];
    });
    const words = [/network: .*404/, /unsupported: This folder holds a SEDD/, /content: config\.json is a web page/, /content: model\.safetensors is a Git LFS pointer/,
      /argument: The source lacks config/, /AbortError/];
    words.forEach((pattern, i) => assert.match(messages[i], pattern));
  } finally {
    await close();
  }
});

test('a narrow screen needs no sideways scrolling', async () => {
  const { page, close } = await open('', { viewport: { width: 320, height: 640 } });
  try {
    await ready(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320));
  } finally {
    await close();
  }
});
