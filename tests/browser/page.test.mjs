// The page in Chromium, as a person uses it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const ready = (page) => page.waitForSelector('body[data-ready]', { timeout: 30000 });
const native = (...flags) => execFileSync(path.join(ROOT, 'build/native/sedd'), ['sample', 'models/sedd-nano', ...flags], { cwd: ROOT, encoding: 'utf8' });

/** Waits until no run is under way. */
const rest = (page) => page.waitForFunction(() => !document.body.classList.contains('busy')
  && document.getElementById('status').textContent + document.getElementById('form-error').textContent !== '', null, { timeout: 30000 });
const write = async (page, fields = {}) => {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, String(value));
  await page.click('#run');
  await rest(page);
};
/** The whole text that stands in the cells, by way of the button that takes it into the editor. */
const text = async (page) => {
  await page.click('#take');
  return page.inputValue('#prompt');
};
const seek = (page, index) => page.fill('#timeline input[type=range]', String(index));
const masks = (page) => page.locator('#cells .sedd-cell.mask').count();

for (const [name, options] of [
  ['cross-origin isolated', {}],
  ['without isolation, under the strict content security policy', { isolation: false, csp: true }],
]) {
  test(`the page writes the native tool's text, ${name}`, async () => {
    const { page, errors, close } = await open('?lang=en', options);
    try {
      await ready(page);
      await write(page, { steps: 16, seed: 11 });
      assert.equal(await page.locator('#cells .sedd-cell').count(), 128);
      assert.equal(await masks(page), 0);
      assert.match(await page.textContent('#status'), /^128 tokens in .* ms a step, seed 11\.$/);
      assert.equal(`${await text(page)}\n`, native('--steps', '16', '--seed', '11', '--prompt', 'Once upon a time', '--temperature', '0.8', '--top-p', '0.9'));
      assert.deepEqual(errors, []);
    } finally {
      await close();
    }
  });
}

test('the recorded run plays first, can be scrubbed, and is labelled as recorded', async () => {
  const { page, close } = await open('?lang=en', { reducedMotion: 'reduce' });
  try {
    await page.waitForSelector('#cells .sedd-cell');
    assert.equal(await page.textContent('#origin'), 'recorded run');
    assert.equal(await masks(page), 0, 'for those who want less motion it shows the end at once');
    await seek(page, 20);
    assert.ok(await masks(page) > 60);
    assert.match(await page.textContent('#position'), /^step 20 of 65, σ = \d/);
    await page.click('#sheet-open');
    assert.ok(await page.locator('#sheet svg path.new').first().getAttribute('d'));
  } finally {
    await close();
  }
});

test('a run pauses, steps, goes on and stops, and the page stays usable', async () => {
  const { page, close } = await open('?lang=en');
  try {
    await ready(page);
    await page.fill('[name=steps]', '900');
    await page.click('#single');
    await page.waitForFunction(() => /^step 1 of 901/.test(document.getElementById('position').textContent));
    await page.click('#single');
    await page.waitForFunction(() => /^step 2 of 901/.test(document.getElementById('position').textContent));
    await page.click('#pause');
    await page.waitForFunction(() => document.querySelectorAll('#cells .mask').length < 120);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.getElementById('status').textContent === 'Stopped.');
    await write(page, { steps: 4 });
    assert.equal(await masks(page), 0);
  } finally {
    await close();
  }
});

test('a branch changes a token, keeps its parent, and its link reproduces it', async () => {
  const { page, url, close } = await open('?lang=en');
  try {
    await ready(page);
    await write(page, { steps: 12, seed: 99 });
    const first = await text(page);
    await page.fill('#prompt', 'Once upon a time');
    await seek(page, 6);
    await page.locator('#cells .sedd-cell.mask').first().click();
    await page.waitForSelector('.candidate');
    assert.match(await page.textContent('.facts'), /nats.*%/s);
    await page.locator('.candidate').nth(1).click();
    await page.waitForSelector('.tree .branch');
    await rest(page);
    const branch = await text(page);
    assert.notEqual(branch, first);
    assert.equal(branch.slice(0, 16), 'Once upon a time');
    assert.match(await page.textContent('.tree .branch'), /differ/);

    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('seed=99'));
    const address = await page.evaluate(() => location.href);
    assert.ok(address.startsWith(url));
    await page.goto('about:blank');
    await page.goto(address);
    await page.waitForSelector('.tree .branch');
    await rest(page);
    assert.equal(await text(page), branch);
  } finally {
    await close();
  }
});

test('bad fields and links of other versions get a sentence', async () => {
  const { page, close } = await open('?lang=en#v=7&seed=1');
  try {
    await ready(page);
    assert.match(await page.textContent('#form-error'), /another version of the page \(7\)/);
    for (const [hash, words] of [['#v=1&seed=x', /The seed should be a whole number/], ['#v=1&positions=best', /cannot be read: positions=best/], ['#v=1&model=other', /“other”, which this page does not have/]]) {
      await page.evaluate((value) => { location.hash = value; }, hash);
      await page.waitForFunction((source) => new RegExp(source).test(document.getElementById('form-error').textContent), words.source);
    }
    await write(page, { temperature: 'warm' });
    assert.match(await page.textContent('#form-error'), /The temperature should be a number from 0\.05 to 4, not “warm”/);
    await write(page, { temperature: 1, steps: 2 });
    assert.equal(await page.textContent('#form-error'), '');
  } finally {
    await close();
  }
});

test('a trace goes out and comes back the same; another file gets a sentence', async () => {
  const { page, close } = await open('?lang=en', { reducedMotion: 'reduce' });
  try {
    await ready(page);
    await write(page, { steps: 8, seed: 5 });
    const before = await text(page);
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('#trace-save')]);
    const saved = readFileSync(await file.path());
    await write(page, { steps: 2, seed: 6 });
    await page.setInputFiles('#trace-open', { name: 'run.json', mimeType: 'application/json', buffer: saved });
    await page.waitForFunction(() => document.getElementById('origin').textContent === 'opened trace');
    assert.equal(await text(page), before);
    await page.setInputFiles('#trace-open', { name: 'page.json', mimeType: 'application/json', buffer: Buffer.from('<!doctype html>') });
    await page.waitForFunction(() => /page\.json is a web page/.test(document.getElementById('form-error').textContent));
  } finally {
    await close();
  }
});

test('a narrow screen needs no sideways scrolling', async () => {
  const { page, close } = await open('?lang=en', { viewport: { width: 320, height: 640 } });
  try {
    await ready(page);
    await write(page, { steps: 4 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320));
  } finally {
    await close();
  }
});
