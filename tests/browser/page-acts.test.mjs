// Tests what each action on the page leads to, in Chromium: errors beside their button, consistent figures of a paused
// run, branches, files.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { violations, withPage } from './browser.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const PHONE = { viewport: { width: 390, height: 844 } };

const ready = (page) => page.waitForSelector('body[data-ready]', { timeout: 30000 });
const rest = (page) =>
  page.waitForFunction(
    () => !document.body.classList.contains('busy') && document.getElementById('status').textContent !== '',
    null,
    { timeout: 30000 },
  );
const write = async (page, fields = {}) => {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, String(value));
  await page.click('#run');
  await rest(page);
};
const seek = (page, index) => page.fill('#timeline input[type=range]', String(index));
const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.name || '');
const play = '#timeline [part~=play]';
const forward = '#timeline [part~=forward]';

/** Runs a test on the page after its model has loaded, and fails if anything is written to the console. */
function onPage(name, options, work) {
  test(name, async () => {
    const address = `?lang=${options.lang ?? 'en'}`;
    await withPage(address, { reducedMotion: 'reduce', ...options }, async ({ page, errors }) => {
      await ready(page);
      await work(page);
      assert.deepEqual(errors, []);
    });
  });
}

for (const [size, options] of [
  ['wide', { viewport: { width: 1280, height: 800 } }],
  ['narrow', PHONE],
])
  onPage(
    `a wrong field is marked and focused, and its sentence stands beside the button (${size})`,
    options,
    async (page) => {
      for (const [field, wrong, right, words] of [
        ['temperature', 'warm', '0.8', /not “warm”/],
        ['steps', '0', '4', /not “0”/],
        ['prompt', 'Once {upon', 'Once upon', /hole|brace|closed/],
        ['prompt', 'Once upon a time '.repeat(60), 'Once upon', /needs \d+ tokens; the window has 128/],
      ]) {
        await page.fill(`[name=${field}]`, wrong);
        await page.click('#run');
        await page.waitForFunction(() => document.getElementById('form-error').textContent !== '');
        assert.match(await page.textContent('#form-error'), words);
        assert.equal(await focused(page), field);
        assert.equal(await page.getAttribute(`[name=${field}]`, 'aria-invalid'), 'true');
        assert.equal(await page.getAttribute(`[name=${field}]`, 'aria-errormessage'), 'form-error');
        const gap = await page.evaluate(() => {
          const [error, button] = ['form-error', 'run'].map((id) =>
            document.getElementById(id).getBoundingClientRect(),
          );
          return error.top - button.bottom;
        });
        assert.ok(gap >= 0 && gap < 130, `the sentence stands ${gap} px below Write`);
        assert.deepEqual(await violations(page), []);
        await page.fill(`[name=${field}]`, right);
        await page.waitForFunction(() => document.getElementById('form-error').textContent === '');
        assert.equal(await page.getAttribute(`[name=${field}]`, 'aria-invalid'), null);
      }
    },
  );

onPage('the form that branches marks its own field', {}, async (page) => {
  await page.fill('[name=branch-seed]', '-1');
  await page.click('#branch');
  assert.match(await page.textContent('#branch-error'), /not “-1”/);
  assert.equal(await focused(page), 'branch-seed');
  await page.fill('[name=branch-seed]', '7');
  assert.equal(await page.textContent('#branch-error'), '');
  assert.equal(await page.getAttribute('[name=branch-seed]', 'aria-invalid'), null);
});

onPage('a run that pauses and steps tells one story, and no button moves', {}, async (page) => {
  const story = () =>
    page.evaluate(() => {
      const read = (selector) => document.querySelector(selector).textContent.match(/\d+/g)?.slice(0, 2).map(Number);
      const slider = document.querySelector('#timeline input[type=range]');
      return {
        position: read('#position'),
        count: read('#timeline [part~=count]'),
        status: read('#status'),
        slider: [Number(slider.value), Number(slider.max)],
        buttons: [...document.querySelectorAll('#run, #single, #shuffle, #timeline button, #timeline select')].map(
          (button) => Math.round(button.getBoundingClientRect().x),
        ),
        labels: [...document.querySelectorAll('.toolbar button, #timeline button')]
          .map((button) => button.getAttribute('aria-label') ?? button.textContent)
          .filter((label) => /^(Play|Pause|Continue)$/.test(label)),
      };
    });
  const agrees = async (step, label) => {
    await page.waitForFunction(
      (wanted) => document.getElementById('position').textContent.startsWith(`step ${wanted} of 901`),
      step,
    );
    await page.waitForFunction(
      (wanted) => document.getElementById('status').textContent.startsWith(`Step ${wanted} of 901`),
      step,
    );
    const { position, count, status, slider, labels, buttons } = await story();
    assert.deepEqual([position, count, status, slider], Array(4).fill([step, 901]));
    assert.deepEqual(labels, [label], 'one play button');
    return buttons;
  };
  await page.fill('[name=steps]', '900');
  await page.click('#single');
  const places = await agrees(1, 'Play');
  await page.click('#single');
  await agrees(2, 'Play');
  await page.click(forward);
  assert.deepEqual(await agrees(3, 'Play'), places);
  await seek(page, 1);
  await page.click(forward);
  await page.waitForFunction(() => document.getElementById('position').textContent.startsWith('step 2 of 901'));
  await seek(page, 3);
  await page.click(play); // continues the computation
  await page.waitForFunction(() => Number(/\d+/.exec(document.getElementById('position').textContent)[0]) > 30);
  await page.click(play);
  await page.waitForFunction(
    () => document.querySelector('#timeline [part~=play]').getAttribute('aria-label') === 'Play',
  );
  await page.waitForTimeout(300); // a step may have been in progress
  const { position } = await story();
  assert.ok(position[0] < 900, 'it paused');
  assert.deepEqual(await agrees(position[0], 'Play'), places);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.getElementById('status').textContent === 'Stopped.');
});

onPage(
  'a branch starts in the middle with the next seed and marks what differs; runs merge, and forgetting is undone',
  {},
  async (page) => {
    await write(page, { steps: 8, seed: 41 });
    assert.equal(await page.inputValue('[name=branch-seed]'), '42');
    assert.match(await page.textContent('#tree-view form'), /^Continue from step 4 /);
    const roots = await page.locator('.tree li').count();
    await write(page);
    assert.match(await page.textContent('#status'), /seed 41\. It repeats an earlier run/);
    assert.equal(await page.locator('.tree li').count(), roots, 'the same run is there once');

    await page.click('#branch');
    await page.waitForSelector('.tree .branch');
    await rest(page);
    const differing = Number(/(\d+) tokens? differs?/.exec(await page.textContent('.tree .branch'))[1]);
    assert.ok(differing > 5);
    assert.equal(await page.locator('#cells .differs').count(), differing);
    assert.match(await page.textContent('#origin'), new RegExp(`^live · ${differing} tokens differ`));
    assert.equal(await page.getAttribute('#cells .differs', 'title'), 'differs from the parent run');
    assert.equal(await page.inputValue('[name=branch-seed]'), '43');
    await seek(page, 4);
    assert.equal(await page.locator('#cells .differs').count(), 0, 'they parted after this step');
    await page.click('.tree .root >> nth=-1');
    assert.equal(await page.locator('#cells .differs').count(), 0);

    await page.locator('#tree-view form .link:visible').focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.tree li').count(), 1);
    const back = () => page.evaluate(() => document.activeElement.textContent);
    assert.match(await back(), /^Bring back \d+ runs?$/);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.tree li').count(), roots + 1);
    assert.equal(await back(), 'Forget all runs but this');

    // Setting a token to the one that it already has changes nothing.
    await page.click('.tree .root >> nth=-1');
    await seek(page, 8);
    await page.locator('#cells .new').first().click();
    await page.waitForSelector('.candidate');
    const text = await page.evaluate(() => document.querySelector('#cells [aria-selected=true]').textContent.trim());
    const same = page.locator('.candidate', { has: page.locator('.word', { hasText: new RegExp(`^${text}$`) }) });
    await same.first().click();
    await page.waitForFunction(() => /repeats an earlier run/.test(document.getElementById('status').textContent));
    assert.equal(await page.locator('.tree li').count(), roots + 1);
    assert.ok(
      await page.evaluate(() => document.activeElement.matches('#cells .sedd-cell')),
      'the focus is on the token',
    );
  },
);

onPage('a tapped token opens a sheet at the bottom of a phone, and closing it leads back', PHONE, async (page) => {
  await write(page, { steps: 16, seed: 3 });
  await seek(page, 8);
  const cell = page.locator('#cells .sedd-cell.mask').last();
  await cell.scrollIntoViewIfNeeded();
  await cell.click();
  await page.waitForSelector('.candidate');
  const box = () => page.locator('#inspector').boundingBox();
  const { y, height, width } = await box();
  assert.equal(Math.round(y + height), 844);
  assert.equal(width, 390);
  assert.ok(height < 844 * 0.65);
  await page.waitForFunction(
    () =>
      document.querySelector('#cells [aria-selected=true]').getBoundingClientRect().bottom <
      document.getElementById('inspector').getBoundingClientRect().top,
  );
  assert.equal(await focused(page), 'inspector');
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Escape');
  assert.ok(await page.isHidden('#inspector'));
  assert.equal(await page.evaluate(() => document.activeElement.classList.contains('sedd-cell')), true);
});

onPage('the inspector gives the probability, then the ratio, with real superscripts', {}, async (page) => {
  await write(page, { steps: 16, seed: 3 });
  await seek(page, 15);
  await page.locator('#cells .new').first().click();
  await page.waitForSelector('.candidate');
  const rows = await page.$$eval('.candidate', (all) =>
    all.map((row) =>
      [...row.querySelectorAll('.figure-number')].map(({ textContent }) => textContent.replace('< ', '')),
    ),
  );
  const shares = rows.map(([share]) => parseFloat(share));
  assert.ok(rows.every(([share, ratio]) => share.endsWith('%') && !ratio.includes('^') && !ratio.includes('%')));
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
  );
  const sum = shares.reduce((a, b) => a + b, 0);
  assert.ok(sum > 20 && sum < 100.5, String(sum));
  await seek(page, 1);
  await page.locator('#cells .mask').first().click();
  await page.waitForFunction(() => /step 1$/.test(document.getElementById('inspector-title').textContent));
  await page.waitForSelector('.candidate sup');
});

onPage('own folders go by their names: a SEDD writes, a GPT-2 becomes the twin', {}, async (page) => {
  await page.locator('#library').scrollIntoViewIfNeeded();
  const choose = async (folder) => {
    await page.setInputFiles('.library input[type=file]', path.join(ROOT, folder));
    await page.click('.library-load');
    await page.waitForSelector('.library-next:not([hidden])', { timeout: 30000 });
    assert.match(await page.textContent('.library-status'), new RegExp(`^${path.basename(folder)} is loaded`));
    return page.textContent('.library-next');
  };
  assert.equal(await choose('models/sedd-nano'), 'Write with it');
  assert.match(await page.textContent('.library-list'), /sedd-nano/);
  assert.doesNotMatch(await page.textContent('.library-list'), /model\.safetensors|0 %/);
  await page.click('.library-next button');
  assert.equal(await page.inputValue('[name=model]'), 'own:sedd-nano');
  assert.equal(await focused(page), 'run');
  assert.equal(await page.textContent('.library-status'), '', 'it speaks of nothing that is over');

  assert.equal(await choose('models/gpt2-nano'), 'Compare SEDD with it');
  await page.click('.library-next button');
  await page.waitForSelector('#race-start');
  await page.selectOption('[name=race-model]', 'own:sedd-nano');
  await page.fill('[name=race-steps]', '4');
  await page.click('#race-start');
  await page.waitForFunction(() => /times as fast/.test(document.querySelector('#race-view .status').textContent));
  await page.locator('#library').scrollIntoViewIfNeeded();
  await page.setViewportSize(PHONE.viewport);
  assert.deepEqual(await violations(page), []);
  const stored = await page.locator('.library-list li').count();
  await page.click('.library-list button >> nth=-1');
  await page.waitForFunction((left) => document.querySelectorAll('.library-list li').length === left, stored - 1);
  assert.equal(await page.evaluate(() => document.activeElement.closest('.library') !== null), true);
});

/** Finds words that are broken over two lines, in the elements of a selector. */
const brokenWords = (page, selector) =>
  page.$$eval(selector, (all) =>
    all.flatMap((one) => {
      const broken = [];
      const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
      for (let node; (node = walker.nextNode()); ) {
        for (const { index, 0: word } of node.data.matchAll(/[^\s\u200b-]+/g)) {
          const range = document.createRange();
          range.setStart(node, index);
          range.setEnd(node, index + word.length);
          if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) broken.push(word);
        }
      }
      return broken;
    }),
  );

onPage('sheet and noise slider name their axes; cells are even; ticks and tables fit a phone', PHONE, async (page) => {
  await write(page, { steps: 16, seed: 3 });
  await page.click('#sheet-open');
  await page.waitForSelector('#sheet svg path.new');
  const axes = await page.$eval('#sheet .sedd-sheet', (sheet) =>
    ['::before', '::after'].map((axis) => getComputedStyle(sheet, axis).content),
  );
  assert.deepEqual(axes, ['"places 1 to 128 →"', '"steps 0 to 17 →"']);

  await page.selectOption('#layout', 'grid');
  const widths = await page.$$eval('#cells .sedd-cell', (cells) =>
    cells.map((cell) => cell.getBoundingClientRect().width),
  );
  assert.ok(
    Math.max(...widths) - Math.min(...widths) < 1,
    `cells of ${Math.min(...widths)} to ${Math.max(...widths)} px`,
  );

  await page.fill('#prompt', 'Lily and Tom went to the park. '.repeat(8));
  await page.waitForFunction(() => document.querySelectorAll('#mirror span').length > 60);
  const stray = await page.$$eval(
    '#mirror span',
    (spans) => spans.filter((span) => span.textContent && span.getClientRects()[0].width < 2).length,
  );
  assert.equal(stray, 0, 'no tick stands alone at the end of a line');

  await page.locator('#noise').scrollIntoViewIfNeeded();
  await page.waitForSelector('#noise-view .ends');
  const [slider, ...ends] = await page.$$eval('#noise-view input[type=range], #noise-view .ends span', (all) =>
    all.map((one) => {
      const { left, right } = one.getBoundingClientRect();
      return { left, right, text: one.textContent };
    }),
  );
  assert.deepEqual(
    ends.map(({ text }) => text),
    ['t = 0: your sentence', 't = 1: almost all masks'],
  );
  assert.ok(Math.abs(ends[0].left - slider.left) < 4 && Math.abs(ends[1].right - slider.right) < 4);

  await page.locator('#settings').scrollIntoViewIfNeeded();
  await page.waitForSelector('.toy tbody tr', { timeout: 30000 });
  assert.deepEqual(await brokenWords(page, '.toy table'), []);
  const wide = await page.$$eval('table', (tables) =>
    tables.filter((table) => table.getBoundingClientRect().right > innerWidth).map(({ className }) => className),
  );
  assert.deepEqual(wide, [], 'no table is cut');
});

onPage(
  'a link is without leftovers, saving says so, and a reload keeps the prompt',
  { permissions: ['clipboard-read', 'clipboard-write'] },
  async (page) => {
    await page.evaluate(() => history.replaceState(null, '', '?lang=en&model=sedd-nano&measure=4&rounds=6'));
    await write(page, { steps: 2, seed: 5 });
    await page.click('#share');
    await page.waitForFunction(() => /copied/.test(document.getElementById('file-status').textContent));
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(link.search, '');
    assert.match(link.hash, /^#v=1&.*seed=5/);
    assert.equal(await page.evaluate(() => location.search), '?lang=en');
    const beside = await page.evaluate(() => {
      const [status, button] = ['file-status', 'share'].map((id) =>
        document.getElementById(id).getBoundingClientRect(),
      );
      return status.top - button.top;
    });
    assert.ok(beside > 0 && beside < 160, String(beside));
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('#trace-save')]);
    assert.equal(await page.textContent('#file-status'), `The trace is saved as ${file.suggestedFilename()}.`);
    await page.fill('#prompt', 'The cat sat');
    assert.equal(await page.evaluate(() => location.hash), '', 'the address no longer says another text');
    await page.reload();
    await ready(page);
    assert.equal(await page.inputValue('#prompt'), 'The cat sat');
    assert.match(await page.getAttribute('footer a >> nth=-1', 'href'), /\.html$/);
  },
);

onPage('a measurement says what speed costs, and an own sentence says when SEDD is better', PHONE, async (page) => {
  await page.locator('#race').scrollIntoViewIfNeeded();
  await page.fill('[name="measure.steps"]', 'many');
  await page.click('#measure-start');
  assert.equal(await focused(page), 'measure.steps');
  assert.match(await page.textContent('#measure-error'), /whole number/);
  await page.fill('[name="measure.steps"]', '1, 4, 8');
  assert.equal(await page.textContent('#measure-error'), '');
  await page.selectOption('[name="measure.model"]', 'sedd-nano-fast');
  await page.fill('[name="measure.rounds"]', '6');
  await page.click('#measure-start');
  await page.waitForSelector('#measure-view canvas', { timeout: 90000 });
  const verdict = await page.textContent('.verdict');
  const { own } = JSON.parse(readFileSync(path.join(ROOT, 'models/gpt2-nano/card.json'), 'utf8'));
  assert.ok(verdict.includes(`GPT-2’s ${own.ppl.toFixed(1)}.`), verdict);
  assert.match(
    verdict,
    /^SEDD is faster up to \d+ steps?, at worse text: .* perplexity of [\d.]+, and GPT-2’s [\d.]+\./,
  );
  assert.match(verdict, /T\* = [\d.]+ steps: .* takes as long as GPT-2.*95 % interval/);
  assert.doesNotMatch(verdict, /wins/);
  assert.match(await page.textContent('#measure-view .scroll .note'), /“ms each” is .* one step .* one token/);
  assert.ok(
    await page.evaluate(() => {
      const scroll = document.querySelector('#measure-view .scroll');
      return scroll.scrollWidth <= scroll.clientWidth;
    }),
    'the table is not cut on a phone',
  );
});
