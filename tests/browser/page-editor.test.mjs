// Tests the prompt on the page in Chromium: holes, examples, and everything by keyboard.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { withPage } from './browser.mjs';
import { ready, rest, seek, text, write } from './page-helpers.mjs';

test('words become holes, holes are filled, the rest is held; undo and redo', async () => {
  await withPage('?lang=en', {}, async ({ page }) => {
    await ready(page);
    await page.fill('#prompt', 'Once upon a time there was a little dog. They lived happily ever after.');
    await page.evaluate(() => {
      const field = document.getElementById('prompt');
      const from = field.value.indexOf('ittle dog'); // half a word: the hole takes the whole token
      field.focus();
      field.setSelectionRange(from, from + 'ittle dog'.length);
    });
    await page.keyboard.press('Alt+m');
    await page.waitForFunction(
      () =>
        document.getElementById('prompt').value === 'Once upon a time there was a {2}. They lived happily ever after.',
    );
    await page.waitForFunction(() => document.querySelectorAll('#mirror mark').length === 1);
    await page.keyboard.press('Control+z');
    assert.match(await page.inputValue('#prompt'), /a little dog\./);
    await page.click('#redo');
    assert.equal(await page.inputValue('[name=length]'), '16', 'the text and its hole make the length');
    assert.ok(await page.locator('[name=length]').evaluate((field) => field.readOnly));
    await page.focus('[name=length]');
    await page.keyboard.press('Enter');
    await rest(page);
    assert.match(await text(page), /^Once upon a time there was a .+\. They lived happily ever after\.$/);
    await page.fill('#prompt', 'Once upon a time');
    await page.waitForFunction(() => document.querySelector('[name=length]').value === '128', null, { timeout: 5000 });
    await page.evaluate(() => document.getElementById('prompt').setSelectionRange(16, 16));
    await page.click('#holes button:text-is("8")');
    assert.equal(await page.inputValue('#prompt'), 'Once upon a time {8}');
    await page.click('#holes button:text-is("32")');
    assert.equal(
      await page.inputValue('#prompt'),
      'Once upon a time {32}',
      'the hole at the cursor changes its length',
    );
    await page.fill('#prompt', 'a {x} b');
    await write(page);
    assert.match(await page.textContent('#form-error'), /\{x\} is not a hole/);
  });
});

test('each example is one press to a finished text, with GPT-2 on the same task beside it', async () => {
  await withPage('?lang=en', {}, async ({ page, errors }) => {
    await ready(page);
    const examples = await page.$$eval('[data-example]', (chips) => chips.map((chip) => chip.dataset.example));
    assert.deepEqual(examples, ['continue', 'middle', 'ends', 'words', 'acrostic']);
    for (const id of examples) {
      await page.click(`[data-example=${id}]`);
      await page.waitForFunction(() => document.body.classList.contains('busy'));
      await page.waitForSelector('#twin:not([hidden]) .sedd-cell');
      await rest(page);
      assert.match(await page.textContent('#status'), /This seed was chosen for a good text/);
      const given = await page.inputValue('#prompt');
      const pattern = new RegExp(
        `^${given
          .split(/ ?\{\d+\}/)
          .map((words) => words.replace(/[.*+?^${'$'}()|[\]\\]/g, '\\$&'))
          .join('.+')}`,
        's',
      );
      const [sedd, gpt2] = await page.$$eval('#cells, #twin .sedd-cells', (all) =>
        all.map((cells) => [...cells.querySelectorAll('.sedd-cell')].map((cell) => cell.textContent).join('')),
      );
      assert.match(sedd, pattern, id);
      assert.match(gpt2, pattern, id);
      assert.notEqual(sedd, gpt2);
      assert.match(await page.textContent('#twin .note'), /^\d+ tokens in .* GPT-2/);
    }
    await seek(page, 10);
    assert.ok((await page.locator('#twin .mask').count()) > 5, 'GPT-2 is shown as far as SEDD');
    assert.deepEqual(errors, []);
  });
});

test('by keyboard alone: write, step back, look inside, branch, read the list of keys', async () => {
  await withPage('?lang=en', {}, async ({ page }) => {
    await ready(page);
    await page.fill('[name=steps]', '6');
    await page.locator('#stage-title').evaluate(() => document.activeElement.blur());
    await page.keyboard.press('w');
    await rest(page);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => /^step 1 of 7/.test(document.getElementById('position').textContent));
    await page.locator('#cells [tabindex="0"]').focus();
    for (let i = 0; i < 9; i++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.candidate');
    await page.locator('.candidate').nth(2).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.tree .branch');
    await rest(page);
    await page.locator('.tree .branch').focus();
    await page.keyboard.press('?');
    assert.ok(await page.locator('#keys').evaluate((dialog) => dialog.open));
    await page.keyboard.press('Escape');
    assert.ok(!(await page.locator('#keys').evaluate((dialog) => dialog.open)));
  });
});
