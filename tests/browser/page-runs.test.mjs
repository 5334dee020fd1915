// Tests runs on the page in Chromium: the texts, their pace, pauses, branches, and the model's own way of sampling.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { withPage } from './browser.mjs';
import { PUBLISHED, masks, native, nativeStory, ready, rest, seek, text, write } from './page-helpers.mjs';

for (const [name, options] of [
  ['cross-origin isolated', {}],
  ['without isolation, under the strict content security policy', { isolation: false, csp: true }],
]) {
  test(`the page writes the native tool's text, ${name}`, async () => {
    await withPage('?lang=en', options, async ({ page, errors }) => {
      await ready(page);
      await write(page, { steps: 16, seed: 11 });
      assert.equal(await page.locator('#cells .sedd-cell').count(), 128);
      assert.equal(await masks(page), 0);
      assert.match(await page.textContent('#status'), /^128 tokens in .* ms a step, seed 11\.$/);
      assert.equal(`${await text(page)}\n`, nativeStory({ steps: 16, seed: 11 }));
      assert.deepEqual(errors, []);
    });
  });
}

test('the recorded run plays first, can be scrubbed, and is labelled as recorded', async () => {
  await withPage('?lang=en', { reducedMotion: 'reduce' }, async ({ page }) => {
    await page.waitForSelector('#cells .sedd-cell');
    assert.equal(await page.textContent('#origin'), 'recorded run');
    assert.equal(await masks(page), 0, 'for those who want less motion it shows the end at once');
    await seek(page, 20);
    assert.ok((await masks(page)) > 60);
    assert.match(await page.textContent('#position'), /^step 20 of 65, σ = \d/);
    await page.click('#sheet-open');
    assert.ok(await page.locator('#sheet svg path.new').first().getAttribute('d'));
  });
});

test('a run is shown slowly enough to follow and tells its true time at once; full speed shows it as it is', async () => {
  await withPage('?lang=en', {}, async ({ page }) => {
    await ready(page, { paced: true });
    await page.fill('[name=steps]', '16');
    await page.fill('[name=seed]', '5');
    const begin = Date.now();
    await page.click('#run');
    await page.waitForFunction(() => / tokens in .* ms/.test(document.getElementById('status').textContent));
    assert.ok((await masks(page)) > 30, 'its time is told while most of it is still to be seen');
    assert.match(await page.textContent('#status'), /128 tokens in .* ms a step, seed 5\. Shown slower, in 4 s\.$/);
    await page.click('#timeline [part~=play]');
    await page.waitForTimeout(100);
    const held = await masks(page);
    await page.waitForTimeout(300);
    assert.equal(await masks(page), held, 'a pause holds the text');
    await page.click('#timeline [part~=play]');
    await rest(page);
    assert.equal(await masks(page), 0);
    assert.ok(Date.now() - begin > 3500);
    await page.click('#run');
    await page.waitForFunction(() => document.querySelectorAll('#cells .mask').length < 110);
    await page.check('#full-speed');
    await page.waitForFunction(() => document.querySelectorAll('#cells .mask').length === 0, null, { timeout: 2500 });
    await page.uncheck('#full-speed');
    await rest(page);
    await page.click('#run');
    await page.waitForFunction(() => document.body.classList.contains('busy'));
    await page.waitForFunction(() => / tokens in .* ms/.test(document.getElementById('status').textContent));
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.querySelectorAll('#cells .mask').length === 0, null, { timeout: 1000 });
    await page.check('#full-speed');
    await page.click('#shuffle');
    await page.waitForFunction(() => !/seed 5\./.test(document.getElementById('status').textContent));
    await rest(page);
    const seed = await page.inputValue('[name=seed]');
    assert.match(await page.textContent('#status'), new RegExp(`seed ${seed}\\.$`), 'another seed writes at once');
  });
});

test('a run pauses, steps, continues and stops, and the page stays usable', async () => {
  await withPage('?lang=en', {}, async ({ page }) => {
    await ready(page);
    await page.fill('[name=steps]', '900');
    await page.click('#single');
    await page.waitForFunction(() => /^step 1 of 901/.test(document.getElementById('position').textContent));
    await page.click('#single');
    await page.waitForFunction(() => /^step 2 of 901/.test(document.getElementById('position').textContent));
    await page.click('#timeline [part~=play]');
    await page.waitForFunction(() => document.querySelectorAll('#cells .mask').length < 120);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.getElementById('status').textContent === 'Stopped.');
    await write(page, { steps: 4 });
    assert.equal(await masks(page), 0);
  });
});

test('a branch changes a token, keeps its parent, and its link reproduces it', async () => {
  await withPage('?lang=en', {}, async ({ page, url }) => {
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
  });
});

test('the network may read only what is known, where positions are planned, and a link says so', async () => {
  await withPage('?lang=en#v=1&positions=score&steps=4&seed=21&prompt=Once+upon+a+time', {}, async ({ page }) => {
    await ready(page);
    await rest(page);
    assert.equal(await page.isVisible('[name=context]'), false, 'the scores decide what opens');
    await page.selectOption('[name=positions]', 'planned');
    await page.selectOption('[name=order]', 'confidence');
    assert.equal(await page.isVisible('[name=context]'), false, 'so does confidence');
    await page.selectOption('[name=order]', 'spread');
    await page.selectOption('[name=context]', 'known');
    await write(page);
    assert.equal(
      `${await text(page)}\n`,
      nativeStory({ steps: 4, seed: 21 }, '--positions', 'planned', '--order', 'spread', '--context', 'known'),
    );
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('order=spread') && location.hash.includes('context=known'));
  });
});

test('a model writes as its folder says; the published sampler is a choice of its own', async () => {
  await withPage('web/README.md', { serviceWorkers: 'block' }, async ({ page, url }) => {
    await page.route('**/sedd-nano/generation_config.json', (route) =>
      route.fulfill({
        json: {
          steps: 24,
          positions: 'fixed',
          order: 'spread',
          grid: 'cosine',
          temperature: 0.7,
          top_p: 0.95,
          top_k: 50,
        },
      }),
    );
    await page.goto(`${url}?lang=en`);
    await ready(page);
    const fields = () =>
      page.evaluate(() =>
        ['steps', 'positions', 'temperature', 'topP', 'topK'].map(
          (name) => document.querySelector(`[name=${name}]`).value,
        ),
      );
    assert.deepEqual(await fields(), ['24', 'planned', '0.7', '0.95', '50']);
    await page.click('#preset-paper');
    assert.deepEqual(await fields(), ['64', 'score', '1', '1', '0']);
    assert.equal(await page.isVisible('[name=topK]'), false);
    await write(page, { seed: 3 });
    assert.equal(`${await text(page)}\n`, native(...PUBLISHED, '--seed', '3', '--prompt', 'Once upon a time'));
    await page.click('#preset-good');
    await page.waitForFunction(() => document.querySelector('[name=steps]').value === '24');
    assert.deepEqual(await fields(), ['24', 'planned', '0.7', '0.95', '50']);
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('seed=3'));
    await page.fill('#prompt', 'Once upon a time');
    await write(page);
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('topK=50'));
  });
});
