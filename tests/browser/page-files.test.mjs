// Tests what the page reads in Chromium: fields, links, traces, and a model that cannot be loaded.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { withPage } from './browser.mjs';
import { masks, ready, rest, seek, text, write } from './page-helpers.mjs';

test('invalid fields and links of other versions are refused with a sentence', async () => {
  await withPage('?lang=en#v=7&seed=1', {}, async ({ page }) => {
    await ready(page);
    assert.match(await page.textContent('#form-error'), /another version of the page \(7\)/);
    for (const [hash, words] of [
      ['#v=1&seed=x', /The seed should be a whole number/],
      ['#v=1&positions=best', /cannot be read: positions=best/],
      ['#v=1&positions=fixed&context=some', /cannot be read: context=some/],
      ['#v=1&model=other', /“other”, which this page does not have/],
    ]) {
      await page.evaluate((value) => {
        location.hash = value;
      }, hash);
      await page.waitForFunction(
        (source) => new RegExp(source).test(document.getElementById('form-error').textContent),
        words.source,
      );
    }
    await write(page, { temperature: 'warm' });
    assert.match(await page.textContent('#form-error'), /The temperature should be a number from 0 to 4, not “warm”/);
    await write(page, { temperature: 1, steps: 2 });
    assert.equal(await page.textContent('#form-error'), '');
  });
});

test('a saved trace opens unchanged, and another file is refused with a sentence', async () => {
  await withPage('?lang=en', { reducedMotion: 'reduce' }, async ({ page }) => {
    await ready(page);
    await write(page, { steps: 8, seed: 5 });
    const before = await text(page);
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('#trace-save')]);
    const saved = readFileSync(await file.path());
    await write(page, { steps: 2, seed: 6 });
    const [picture] = await Promise.all([page.waitForEvent('download'), page.click('#gif')]);
    assert.equal(
      readFileSync(await picture.path())
        .subarray(0, 6)
        .toString(),
      'GIF89a',
    );
    await page.setInputFiles('#trace-open', { name: 'run.json', mimeType: 'application/json', buffer: saved });
    await page.waitForFunction(() => document.getElementById('origin').textContent === 'opened trace');
    assert.equal(await text(page), before);
    assert.equal(await page.inputValue('[name=steps]'), '8', 'its settings are there to run it again');
    assert.equal(await page.inputValue('[name=seed]'), '5');

    await page.fill('#prompt', 'Once upon a time there was a {2} who lived. {*} The end.');
    await page.selectOption('[name=positions]', 'planned');
    await page.selectOption('[name=order]', 'spread');
    await page.selectOption('[name=context]', 'known');
    await write(page);
    const planned = await text(page);
    const [other] = await Promise.all([page.waitForEvent('download'), page.click('#trace-save')]);
    const trace = readFileSync(await other.path());
    const { positions, order, grid, context, held } = JSON.parse(trace);
    assert.deepEqual([positions, order, grid, context], ['planned', 'spread', 'linear', 'known']);
    await page.reload();
    await ready(page);
    await page.setInputFiles('#trace-open', { name: 'planned.json', mimeType: 'application/json', buffer: trace });
    await page.waitForFunction(() => document.getElementById('origin').textContent === 'opened trace');
    assert.equal(await page.inputValue('[name=order]'), 'spread');
    assert.equal(await page.inputValue('[name=context]'), 'known');
    assert.match(await page.inputValue('#prompt'), /^Once upon a time there was a\{2\} who lived\.\{\d+\} The end\.$/);
    await page.click('#share');
    await page.waitForFunction(() => /context=known/.test(location.hash) && /clamp=0-/.test(location.hash));
    await write(page);
    assert.equal(await text(page), planned, 'run again it is the same');
    const address = await page.evaluate(() => location.href);
    await page.goto('about:blank');
    await page.goto(address);
    await page.waitForFunction(() => document.getElementById('origin')?.textContent === 'live');
    await rest(page);
    assert.equal(await text(page), planned, 'and by the link');
    assert.equal(held.length, await page.locator('#cells .held').count());

    await page.setInputFiles('#trace-open', {
      name: 'page.json',
      mimeType: 'application/json',
      buffer: Buffer.from('<!doctype html>'),
    });
    await page.waitForFunction(() =>
      /page\.json is a web page/.test(document.getElementById('file-status').textContent),
    );
  });
});

test('without a model, the recorded run and the texts remain', async () => {
  // a service worker's requests would bypass the route
  await withPage('web/README.md', { serviceWorkers: 'block' }, async ({ page }) => {
    await page.route('**/*.wasm', (route) => route.abort());
    await page.goto(`${new URL('/', page.url()).href}?lang=en`);
    await page.waitForFunction(() =>
      /The live model cannot run here, so you see the recorded run\./.test(
        document.getElementById('status').textContent,
      ),
    );
    await seek(page, 12);
    assert.ok((await masks(page)) > 80);
    await page.locator('#race').scrollIntoViewIfNeeded();
    await page.click('#race-start');
    await page.waitForFunction(() =>
      /needs the live model/.test(document.querySelector('#race-view .status').textContent),
    );
  });
});
