// Tests <sedd-player> in Chromium: playing, keys, reduced motion, attributes, and invalid traces.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TRACE, ready, said, withElements } from './elements-page.mjs';
import { readTrace } from '../../web/client/trace.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

test('a player shows a run, plays it to the end and reports the end', async () => {
  await withElements(
    `<sedd-player src="${TRACE}" speed="8"></sedd-player>`,
    {
      script: 'player-element.js',
    },
    async ({ tab, asked, errors }) => {
      await ready(tab);
      const trace = readTrace(readFileSync(path.join(ROOT, TRACE), 'utf8'));
      const player = tab.locator('sedd-player');
      assert.equal(await player.evaluate((element) => element.index), Math.round(trace.events.length / 2));
      assert.ok((await player.locator('.sedd-cell.mask').count()) > 5);
      await player.getByRole('button', { name: 'Play' }).click();
      await said(tab, 'done');
      assert.equal(await player.locator('.sedd-cell.mask').count(), 0);
      assert.equal(await player.locator('.sedd-cell.held').count(), 2);
      const text = await tab.evaluate(() => said.find(({ name }) => name === 'done').detail.text);
      assert.equal(
        text,
        trace.events
          .reduce(
            (ids, event) => {
              event.changed.forEach((place, i) => {
                ids[place] = event.ids[i];
              });
              return ids;
            },
            [...trace.initial],
          )
          .map((id) => trace.texts[id])
          .join(''),
      );
      const steps = await tab.evaluate(() =>
        said.filter(({ name }) => name === 'step').map(({ detail }) => detail.masked),
      );
      assert.deepEqual([steps.at(-1), Math.min(...steps)], [0, 0]);
      assert.ok(await tab.evaluate(() => said.every(({ bubbles, composed }) => bubbles && composed)));
      assert.ok(
        asked.every((url) => !/wasm|worker|client\.js|connection|model\.safetensors/.test(url)),
        `a player asked for ${asked}`,
      );
      assert.deepEqual(errors, []);
    },
  );
});

test('the layout does not move while a run is replayed', async () => {
  await withElements(`<sedd-player src="${TRACE}"></sedd-player>`, { script: 'player-element.js' }, async ({ tab }) => {
    await ready(tab);
    const places = (index) =>
      tab.locator('sedd-player').evaluate((element, i) => {
        element.seek(i);
        return [...element.shadowRoot.querySelectorAll('.sedd-cell')].map((cell) => {
          const { x, y, width } = cell.getBoundingClientRect();
          return [x, y, width].map(Math.round);
        });
      }, index);
    const begin = await places(0);
    for (const index of [3, 6, 9]) assert.deepEqual(await places(index), begin);
  });
});

test('a player works by keyboard alone', async () => {
  await withElements(`<sedd-player src="${TRACE}"></sedd-player>`, { script: 'player-element.js' }, async ({ tab }) => {
    await ready(tab);
    const index = () => tab.locator('sedd-player').evaluate((element) => element.index);
    const focused = () =>
      tab.evaluate(() => document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-label'));
    await tab.keyboard.press('Tab');
    assert.equal(await focused(), 'Play');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Enter'); // presses the button for one step back
    assert.equal(await index(), 4);
    await tab.keyboard.press('Tab');
    assert.equal(await focused(), 'Step');
    await tab.keyboard.press('ArrowRight');
    assert.equal(await index(), 5);
    await tab.keyboard.press('End');
    assert.equal(await index(), 9);
    await tab.keyboard.press('Home');
    assert.equal(await index(), 0);
    const slider = tab.locator('sedd-player').getByRole('slider');
    assert.equal(await slider.getAttribute('aria-valuetext'), 'step 0 of 9, 2 of 48 fixed');
  });
});

test('attributes and properties mirror each other', async () => {
  await withElements(`<sedd-player src="${TRACE}" sheet></sedd-player>`, {}, async ({ tab }) => {
    await ready(tab);
    const result = await tab.evaluate(async () => {
      const player = document.querySelector('sedd-player');
      player.speed = 2;
      player.loop = true;
      player.step = 3;
      const demo = document.createElement('sedd-demo');
      demo.seed = 18446744073709551615n;
      demo.topP = 0.5;
      return [
        player.getAttribute('speed'),
        player.hasAttribute('loop'),
        player.index,
        player.sheet,
        player.meter,
        String(demo.seed),
        demo.getAttribute('top-p'),
        demo.steps,
        demo.length,
      ];
    });
    assert.deepEqual(result, ['2', true, 3, true, 'none', '18446744073709551615', '0.5', 64, null]);
    const box = await tab.locator('sedd-player figure svg').first().boundingBox();
    await tab.mouse.click(box.x + box.width / 2, box.y + box.height * 0.75);
    assert.equal(await tab.evaluate(() => document.querySelector('sedd-player').index), 7);
  });
});

test('a property set before the element is defined counts', async () => {
  await withElements('<p>empty</p>', { script: 'version-that-is-not-there.js' }, async ({ tab }) => {
    const index = await tab.evaluate(async (src) => {
      const player = document.createElement('sedd-player');
      player.src = src;
      player.step = 2;
      document.body.append(player);
      await import('/web/player-element.js');
      await new Promise((resolve) => {
        addEventListener('sedd-ready', resolve);
      });
      player.step = 3; // now sets the element's own property
      return [player.index, player.getAttribute('step'), Object.hasOwn(player, 'src')];
    }, TRACE);
    assert.deepEqual(index, [3, '3', false]);
  });
});

test('with reduced motion nothing fades or plays by itself, and play takes a few large steps', async () => {
  const run = '/models/sedd-nano/trace.json';
  const { events } = readTrace(readFileSync(path.join(ROOT, run), 'utf8'));
  const opening = events.find(({ changed }) => changed.length > 0).step;
  await withElements(
    `<sedd-player src="${run}" autoplay speed="20" step="${opening}"></sedd-player>`,
    { reducedMotion: 'reduce', script: 'player-element.js' },
    async ({ tab }) => {
      await ready(tab);
      await tab.waitForTimeout(200);
      const player = tab.locator('sedd-player');
      assert.equal(await player.evaluate((element) => element.playing), false);
      assert.equal(
        await player
          .locator('.sedd-cell.new')
          .first()
          .evaluate((cell) => getComputedStyle(cell).animationName),
        'none',
      );
      const before = await tab.evaluate(() => said.filter(({ name }) => name === 'step').length);
      await player.getByRole('button', { name: 'Play' }).click();
      await said(tab, 'done');
      const strides = (await tab.evaluate(() => said.filter(({ name }) => name === 'step').length)) - before;
      assert.ok(strides > 1 && strides <= 10, `${strides} strides`);
    },
  );
});

test('a run with autoplay plays by itself, and pauses out of sight', async () => {
  await withElements(
    `<sedd-player src="/models/sedd-nano/trace.json" autoplay loop></sedd-player><p class="far"></p>`,
    { script: 'player-element.js' },
    async ({ tab }) => {
      await tab.waitForFunction(() => document.querySelector('sedd-player').playing);
      await tab.evaluate(() => {
        document.querySelector('.far').style.height = '5000px';
        scrollTo(0, 4000);
      });
      await tab.waitForFunction(() => !document.querySelector('sedd-player').playing);
      await tab.evaluate(() => scrollTo(0, 0));
      await tab.waitForFunction(() => document.querySelector('sedd-player').playing);
      await tab.evaluate(() => document.querySelector('sedd-player').pause());
      assert.equal(await tab.evaluate(() => document.querySelector('sedd-player').playing), false);
    },
  );
});

test('a lazy player far below the viewport requests nothing', async () => {
  await withElements(
    `<p class="far"></p><sedd-player src="${TRACE}"><p slot="poster">Later.</p></sedd-player>`,
    {
      script: 'player-element.js',
      prepare: (tab) =>
        tab.addInitScript(() =>
          addEventListener('DOMContentLoaded', () => {
            document.querySelector('.far').style.height = '5000px';
          }),
        ),
    },
    async ({ tab, asked }) => {
      await tab.waitForTimeout(200);
      assert.ok(!asked.some((url) => url.endsWith('.json')));
      assert.ok(await tab.getByText('Later.').isVisible());
      await tab.evaluate(() => document.querySelector('sedd-player').scrollIntoView());
      await ready(tab);
      assert.ok(await tab.getByText('Later.').isHidden());
    },
  );
});

const REFUSED = [
  ['an address that is not there', 'src="/models/nothing.json"', /nothing\.json answered 404\./],
  ['a web page', 'src="/index.html"', /index\.html is a web page, not a trace\./],
  ['something else', 'src="/web/README.md"', /README\.md is not valid JSON: /],
  [
    'a trace of another version',
    'src="/odd/version.json"',
    /version\.json: version should be 1; found 2\. Record the run again/,
  ],
  [
    'a trace that lies about its masks',
    'src="/odd/masked.json"',
    /events\[3\]\.masked should be \d+, the masks left after this step; found 1\./,
  ],
  [
    'a position out of range',
    'src="/odd/range.json"',
    /events\[0\]\.changed\[0\] should be a whole number from 0 to 47; found 4294967296\./,
  ],
  [
    'a speed that is none',
    `src="${TRACE}" speed="fast"`,
    /<sedd-player>: speed should be a number from 0\.05 to 20; found "fast"\./,
  ],
  [
    'a meter that is none',
    `src="${TRACE}" meter="<b>"`,
    /meter should be "none" or "age" or "confidence"; found "<b>"\./,
  ],
  ['a step below 0', `src="${TRACE}" step="-1"`, /step should be a whole number from 0 to 1000000; found "-1"\./],
];

test('a player reports an error in one sentence', async () => {
  const odd = (name, change) => async (tab) =>
    tab.route(`**/odd/${name}.json`, (route) => {
      const trace = JSON.parse(readFileSync(path.join(ROOT, TRACE), 'utf8'));
      change(trace);
      return route.fulfill({ contentType: 'application/json', body: JSON.stringify(trace) });
    });
  const prepare = async (tab) => {
    await odd('version', (trace) => {
      trace.version = 2;
    })(tab);
    await odd('masked', (trace) => {
      trace.events[3].masked = 1;
    })(tab);
    await odd('range', (trace) => {
      trace.events[0].changed[0] = 2 ** 32;
    })(tab);
  };
  await withElements(
    REFUSED.map(
      ([, attributes]) => `<sedd-player loading="eager" ${attributes.replace('<b>', '&lt;b&gt;')}></sedd-player>`,
    ).join(''),
    { script: 'player-element.js', prepare },
    async ({ tab, errors }) => {
      await tab.waitForFunction((count) => said.filter(({ name }) => name === 'error').length >= count, REFUSED.length);
      const players = tab.locator('sedd-player');
      for (const [i, [name, , sentence]] of REFUSED.entries()) {
        assert.match(await players.nth(i).getByRole('alert').textContent(), sentence, name);
      }
      await tab.waitForFunction(() => said.filter(({ name }) => name === 'ready').length === 3); // these are valid
      assert.ok(
        await tab.evaluate(() =>
          said
            .filter(({ name }) => name === 'error')
            .every(({ detail }) => detail.error.name === 'SeddError' && detail.error.code),
        ),
      );
      const repaired = await tab.evaluate(async (src) => {
        const player = document.querySelector('sedd-player');
        player.src = src;
        await player.load();
        return [player.index, player.shadowRoot.querySelector('[role=alert]').hidden];
      }, TRACE);
      assert.deepEqual(repaired, [5, true]);
      assert.deepEqual(errors, []);
    },
  );
});

test('texts of a trace are shown as text, not as markup', async () => {
  await withElements('<sedd-player></sedd-player>', { script: 'player-element.js' }, async ({ tab }) => {
    const result = await tab.evaluate(() => {
      const player = document.querySelector('sedd-player');
      player.trace = {
        format: 'sedd-trace',
        version: 1,
        length: 2,
        steps: 1,
        seed: 1,
        sampler: '<i>',
        temperature: 1,
        topK: 0,
        topP: 1,
        maskId: 9,
        initial: [9, 1],
        events: [{ step: 1, sigma: 1, masked: 0, changed: [0], ids: [2] }],
        texts: { 1: '<img src=x onerror=alert(1)>', 2: '\u05e9\u05dc\u05d5\u05dd' },
        model: { name: '<b>bold</b>' },
      };
      player.seek(1);
      return [
        player.text,
        player.shadowRoot.querySelectorAll('img, b').length,
        player.shadowRoot.querySelector('.sedd-cells').dir,
      ];
    });
    assert.deepEqual(result, ['\u05e9\u05dc\u05d5\u05dd<img src=x onerror=alert(1)>', 0, 'rtl']);
  });
});
