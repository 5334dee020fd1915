// Tests the page's panels in Chromium: noise, race, measurement, likelihood, and the cost of drawing tokens apart.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { violations, withPage } from './browser.mjs';
import { ready } from './page-helpers.mjs';

test('noise, race, measurement and likelihood, in Chinese too, without an accessibility violation', async () => {
  await withPage('?lang=en', { reducedMotion: 'reduce', colorScheme: 'dark' }, async ({ page, errors }) => {
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

    assert.deepEqual(await violations(page), []);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.fill('#timeline input[type=range]', '30');
    await page.locator('#cells .mask').first().click();
    await page.waitForSelector('.candidate');
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(errors, [], 'nothing in the console, and no request failed');
    await page.goto(`${await page.evaluate(() => location.origin)}/?lang=zh`);
    await ready(page);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans');
    assert.equal(await page.textContent('#run'), '写作');
  });
});

test('beside the steps stands what two tokens cost that do not see each other', async () => {
  await withPage('?lang=en', {}, async ({ page }) => {
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
  });
});
