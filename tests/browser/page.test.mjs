// Tests the page in Chromium as a person uses it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const ready = async (page, { paced = false } = {}) => {
  await page.waitForSelector('body[data-ready]', { timeout: 30000 });
  if (!paced) await page.check('#full-speed');
};
const native = (...flags) =>
  execFileSync(path.join(ROOT, 'build/native/sedd'), ['sample', 'models/sedd-nano', ...flags], {
    cwd: ROOT,
    encoding: 'utf8',
  });

/** The published sampler, whatever the model's folder says. */
const PUBLISHED = [
  ...['--steps', '64', '--positions', 'score', '--grid', 'linear', '--context', 'all'],
  ...['--temperature', '1', '--top-k', '0', '--top-p', '1'],
];

/** Waits until no run is in progress. */
const rest = (page) =>
  page.waitForFunction(
    () =>
      !document.body.classList.contains('busy') &&
      document.getElementById('status').textContent + document.getElementById('form-error').textContent !== '',
    null,
    { timeout: 30000 },
  );
const write = async (page, fields = {}) => {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, String(value));
  await page.click('#run');
  await rest(page);
};
/** Returns the whole text of the cells, through the button that copies it into the editor. */
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
      assert.equal(
        `${await text(page)}\n`,
        native(
          '--steps',
          '16',
          '--seed',
          '11',
          '--prompt',
          'Once upon a time',
          '--temperature',
          '0.8',
          '--top-p',
          '0.9',
        ),
      );
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
    assert.ok((await masks(page)) > 60);
    assert.match(await page.textContent('#position'), /^step 20 of 65, σ = \d/);
    await page.click('#sheet-open');
    assert.ok(await page.locator('#sheet svg path.new').first().getAttribute('d'));
  } finally {
    await close();
  }
});

test('a run pauses, steps, continues and stops, and the page stays usable', async () => {
  const { page, close } = await open('?lang=en');
  try {
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

test('the network may read only what is known, where positions are planned, and a link says so', async () => {
  const { page, close } = await open('?lang=en#v=1&positions=score&steps=4&seed=21&prompt=Once+upon+a+time');
  try {
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
      native(
        '--steps',
        '4',
        '--seed',
        '21',
        '--prompt',
        'Once upon a time',
        '--temperature',
        '0.8',
        '--top-p',
        '0.9',
        '--positions',
        'planned',
        '--order',
        'spread',
        '--context',
        'known',
      ),
    );
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('order=spread') && location.hash.includes('context=known'));
  } finally {
    await close();
  }
});

test('invalid fields and links of other versions are refused with a sentence', async () => {
  const { page, close } = await open('?lang=en#v=7&seed=1');
  try {
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
  } finally {
    await close();
  }
});

test('a saved trace opens unchanged, and another file is refused with a sentence', async () => {
  const { page, close } = await open('?lang=en', { reducedMotion: 'reduce' });
  try {
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
  } finally {
    await close();
  }
});

test('words become holes, holes are filled, the rest is held; undo and redo', async () => {
  const { page, close } = await open('?lang=en');
  try {
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
    assert.match(await page.textContent('#form-error'), /\{x\} is no hole/);
  } finally {
    await close();
  }
});

test('by keyboard alone: write, step back, look inside, branch, read the list of keys', async () => {
  const { page, close } = await open('?lang=en');
  try {
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
  } finally {
    await close();
  }
});

test('noise, race, measurement and likelihood, in Chinese too, without an accessibility violation', async () => {
  const { page, errors, close } = await open('?lang=en', { reducedMotion: 'reduce', colorScheme: 'dark' });
  try {
    await ready(page);
    await page.locator('#noise').scrollIntoViewIfNeeded();
    await page.fill('#noise-view input[type=range]', '0');
    assert.match(await page.textContent('#noise-view .status'), /: 0 of 35 tokens hidden$/);
    const gone = async (time) => {
      await page.fill('#noise-view input[type=range]', String(time));
      return page.$$eval('#noise-view .sedd-cell', (cells) =>
        cells.flatMap((cell, i) => (cell.classList.contains('mask') ? [i] : [])),
      );
    };
    const [few, many] = [await gone(0.3), await gone(0.8)];
    assert.ok(
      few.length > 2 && many.length > few.length && few.every((i) => many.includes(i)),
      'more noise hides the same tokens and others',
    );
    await page.click('#noise-view .toolbar button');
    await page.waitForFunction(() =>
      /came back as they were/.test(document.querySelector('#noise-view [role=status]').textContent),
    );

    await page.locator('#race').scrollIntoViewIfNeeded();
    await page.fill('[name=race-steps]', '4');
    await page.click('#race-start');
    await page.waitForFunction(() => /times as fast/.test(document.querySelector('#race-view .status').textContent));
    assert.equal(await page.locator('#race-view .mask').count(), 0);
    await page.fill('[name="measure.steps"]', '1, 2');
    await page.fill('[name="measure.rounds"]', '6');
    await page.click('#measure-start');
    await page.waitForSelector('#measure-view table', { timeout: 60000 });
    assert.match(
      await page.textContent('.verdict'),
      /SEDD is faster up to \d+ steps?, at worse text: .*Break-even|GPT-2 is faster than SEDD with any number of steps/i,
    );
    await page.waitForSelector('#measure-view canvas');
    assert.match(await page.evaluate(() => location.search), /measure=1%2C2&rounds=6/);

    await page.locator('#likelihood').scrollIntoViewIfNeeded();
    await page.click('#likelihood-start');
    await page.waitForSelector('.heat.twin');
    const values = await page.$$eval('.measure strong', (all) => all.map((one) => parseFloat(one.textContent)));
    assert.ok(values.length === 2 && values.every((value) => value > 1 && value < 5), String(values));

    await page.addScriptTag({ path: path.join(ROOT, 'node_modules/axe-core/axe.min.js') });
    const violations = () =>
      page.evaluate(async () =>
        (await globalThis.axe.run()).violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' ; ')}`,
        ),
      );
    assert.deepEqual(await violations(), []);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.fill('#timeline input[type=range]', '30');
    await page.locator('#cells .mask').first().click();
    await page.waitForSelector('.candidate');
    assert.deepEqual(await violations(), []);
    assert.deepEqual(errors, [], 'nothing in the console, and no request failed');
    await page.goto(`${await page.evaluate(() => location.origin)}/?lang=zh`);
    await ready(page);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans');
    assert.equal(await page.textContent('#run'), '写作');
  } finally {
    await close();
  }
});

test('without a model, the recorded run and the texts remain', async () => {
  const { page, close } = await open('web/README.md', { serviceWorkers: 'block' }); // a service worker's requests pass the route by
  try {
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
  } finally {
    await close();
  }
});

test('a narrow screen needs no sideways scrolling', async () => {
  const { page, close } = await open('?lang=en', { viewport: { width: 320, height: 640 } });
  try {
    await ready(page);
    await write(page, { steps: 4 });
    await page.click('#sheet-open');
    await page.locator('#library').scrollIntoViewIfNeeded();
    await page.waitForSelector('#library-view form');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320));
  } finally {
    await close();
  }
});

/* ---- The first screen ---- */

const box = (page, selector) =>
  page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const { top, bottom, height } = element.getBoundingClientRect();
      return { top: top + scrollY, bottom: bottom + scrollY, height };
    });

for (const viewport of [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]) {
  test(`at ${viewport.width} x ${viewport.height} the first screen has both ways of writing, the text, and Write`, async () => {
    const { page, close } = await open('?lang=en', { viewport, reducedMotion: 'reduce' });
    try {
      await ready(page);
      await page.waitForSelector('.strips .is-sedd li');
      const { bottom } = await box(page, '#run');
      assert.ok(bottom < viewport.height - 100, `Write ends at ${bottom}`);
      const line = await box(page, '#cells .sedd-cell');
      const last = await box(page, '#cells .sedd-cell:nth-child(20)');
      assert.ok(line.top > bottom, 'Write stands above the text');
      assert.ok(last.bottom < viewport.height, `the twentieth token ends at ${last.bottom}`);
      const rows = await page.$$eval('.strips section', (sections) =>
        sections.map((section) =>
          [...section.querySelectorAll('[role=img]')].map((row) => row.getAttribute('aria-label')),
        ),
      );
      assert.equal(rows.length, 2);
      const [gpt2, sedd] = rows;
      assert.equal(gpt2.at(-1), sedd.at(-1), 'the same text');
      assert.match(gpt2[0], /^\w+( \w+,?)+( …)+$/, 'from left to right');
      assert.match(sedd[0], /… .*\w+.* … .*\w/, 'in any order');
      const tops = await page.$$eval('.contents > *', (items) => items.map((item) => item.getBoundingClientRect().top));
      assert.ok(Math.max(...tops) - Math.min(...tops) < 8, 'the contents are one line');
    } finally {
      await close();
    }
  });
}

/** Where a heading stands once the page has come to rest: 0 is right; where the page ends first, that is right too. */
const landed = (page, id) =>
  page.evaluate(async (name) => {
    const target = document.getElementById(name);
    let before = NaN;
    for (let still = 0; still < 12; ) {
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      const { top } = target.getBoundingClientRect();
      still = top === before ? still + 1 : 0;
      before = top;
    }
    const padding = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    return end && before >= 0 && before < innerHeight ? 0 : before - padding;
  }, id);

for (const width of [1280, 390]) {
  test(`links land on their headings, also when the figures come late, at ${width}`, async () => {
    const { page, url, close } = await open('web/README.md', {
      viewport: { width, height: 844 },
      serviceWorkers: 'block',
    });
    try {
      await page.route(/page\/(noise|race|measure|likelihood-panel|own|library)\.js/, async (route) => {
        await new Promise((resolve) => {
          setTimeout(resolve, 400);
        });
        await route.continue();
      });
      await page.goto(`${url}?lang=en#library`);
      await page.waitForSelector('#library-view form');
      assert.ok(Math.abs(await landed(page, 'library')) < 2, 'by the address');
      for (const id of ['tree', 'noise', 'race', 'likelihood', 'library', 'stage']) {
        await page.evaluate(() => scrollTo(0, 0));
        await page.click(`.contents a[href="#${id}"]`);
        const off = await landed(page, id);
        assert.ok(Math.abs(off) < 2, `#${id} is ${off} px off`);
      }
      await page.click('.contents a[href="#race"]');
      await page.mouse.wheel(0, 500);
      await page.waitForTimeout(300);
      await page.evaluate(() => document.getElementById('noise-view').append(document.createElement('hr')));
      await page.waitForTimeout(200);
      assert.ok((await landed(page, 'race')) < -200, 'the reader who scrolls is not brought back');
    } finally {
      await close();
    }
  });
}

test('a run is shown slowly enough to follow and tells its true time at once; full speed shows it as it is', async () => {
  const { page, close } = await open('?lang=en');
  try {
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
  } finally {
    await close();
  }
});

test('each example is one press to a finished text, with GPT-2 on the same task beside it', async () => {
  const { page, errors, close } = await open('?lang=en');
  try {
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
  } finally {
    await close();
  }
});

test('a model writes as its folder says; the published sampler is a choice of its own', async () => {
  const { page, url, close } = await open('web/README.md', { serviceWorkers: 'block' });
  try {
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
    assert.deepEqual(await fields(), ['24', 'fixed', '0.7', '0.95', '50']);
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('seed=3'));
    await page.fill('#prompt', 'Once upon a time');
    await write(page);
    await page.click('#share');
    await page.waitForFunction(() => location.hash.includes('topK=50'));
  } finally {
    await close();
  }
});

test('beside the steps stands what two tokens cost that do not see each other', async () => {
  const { page, close } = await open('?lang=en');
  try {
    await ready(page);
    await page.locator('#settings').scrollIntoViewIfNeeded();
    await page.waitForSelector('.toy tbody tr');
    const shares = await page.$$eval('.toy tbody tr', (rows) =>
      rows.map((row) => ({
        fits: !row.classList.contains('misfit'),
        shares: [...row.querySelectorAll('td')].map((cell) => parseFloat(cell.textContent.replace('< ', ''))),
      })),
    );
    assert.equal(shares.length, 4);
    for (const {
      fits,
      shares: [together, turn],
    } of shares)
      assert.ok(fits ? turn > together : turn < together / 3, 'in turn the pairs agree');
    const told = async () =>
      Number(/and ([\d.]+) % of the texts/.exec(await page.textContent('#toy-view [role=status]'))[1]);
    await page.fill('#steps-slider', '0');
    assert.equal(await page.inputValue('[name=steps]'), '1');
    const sum = shares.filter(({ fits }) => !fits).reduce((all, { shares: [together] }) => all + together, 0);
    assert.ok(Math.abs((await told()) - sum) < 1.1, 'in one step: as in the table');
    await page.fill('#steps-slider', '6');
    assert.equal(await page.inputValue('[name=steps]'), '64');
    assert.ok((await told()) < sum / 10);
    await page.fill('[name=steps]', '4');
    assert.equal(await page.inputValue('#steps-slider'), '2', 'the slider follows the number');
  } finally {
    await close();
  }
});
