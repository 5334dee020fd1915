// Tests the custom elements in Chromium: playing, keys, reduced motion, events, invalid input, a strict policy, several
// demos, a frame from another origin, disposal, and axe-core.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';
import { serve } from '../../scripts/serve.mjs';
import { readTrace } from '../../web/client/trace.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const AXE = readFileSync(path.join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');
const TRACE = '/web/examples/few-steps.trace.json'; // 48 tokens, 9 steps

let session; // one browser for all tests
before(async () => {
  session = await open('web/examples/', { isolation: false });
});
after(() => session.close());

/** Opens a new page with this body and the elements, and records its messages and requests. */
async function page(body, { context: options = {}, script = 'define.js', ...more } = {}) {
  const context = await session.page.context().browser().newContext(options);
  const tab = await context.newPage();
  const asked = [];
  const errors = [];
  tab.on('request', (request) => asked.push(request.url()));
  tab.on('pageerror', (error) => errors.push(error.message));
  await tab.route('**/blank.html', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>Test</title><script src="/said.js"></script><script type="module" src="/web/${script}"></script><body><main>${body}</main></body></html>`,
    }),
  );
  await tab.route('**/said.js', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: "window.said = []; for (const name of ['progress', 'ready', 'step', 'done', 'error', 'select']) addEventListener(`sedd-${name}`, (event) => said.push({ name, bubbles: event.bubbles, composed: event.composed, detail: event.detail, message: event.detail.error?.message }));",
    }),
  );
  if (more.prepare) await more.prepare(tab);
  await tab.goto(`${session.url}blank.html`);
  return { tab, asked, errors, close: () => context.close() };
}

const names = (tab) => tab.evaluate(() => said.map(({ name }) => name));
const said = (tab, name) => tab.waitForFunction((wanted) => said.some((event) => event.name === wanted), name);
const ready = (tab) => said(tab, 'ready');

async function violations(tab, options = {}) {
  await tab.evaluate(AXE);
  const { violations: found } = await tab.evaluate((more) => axe.run(document, more), options);
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary.slice(0, 200)}`).join(' | ')}`,
  );
}

/* ---- <sedd-player> ---- */

test('a player shows a run, plays it to the end and reports the end', async () => {
  const { tab, asked, errors, close } = await page(`<sedd-player src="${TRACE}" speed="8"></sedd-player>`, {
    script: 'player-element.js',
  });
  try {
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
  } finally {
    await close();
  }
});

test('the layout does not move while a run is replayed', async () => {
  const { tab, close } = await page(`<sedd-player src="${TRACE}"></sedd-player>`, { script: 'player-element.js' });
  try {
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
  } finally {
    await close();
  }
});

test('a player works by keyboard alone', async () => {
  const { tab, close } = await page(`<sedd-player src="${TRACE}"></sedd-player>`, { script: 'player-element.js' });
  try {
    await ready(tab);
    const index = () => tab.locator('sedd-player').evaluate((element) => element.index);
    const focused = () =>
      tab.evaluate(() => document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-label'));
    await tab.keyboard.press('Tab');
    assert.equal(await focused(), 'Play');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Enter'); // one step back
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
  } finally {
    await close();
  }
});

test('attributes and properties mirror each other', async () => {
  const { tab, close } = await page(`<sedd-player src="${TRACE}" sheet></sedd-player>`);
  try {
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
  } finally {
    await close();
  }
});

test('a property set before the element is defined counts', async () => {
  const { tab, close } = await page('<p>empty</p>', { script: 'version-that-is-not-there.js' });
  try {
    const index = await tab.evaluate(async (src) => {
      const player = document.createElement('sedd-player');
      player.src = src;
      player.step = 2;
      document.body.append(player);
      await import('/web/player-element.js');
      await new Promise((resolve) => {
        addEventListener('sedd-ready', resolve);
      });
      player.step = 3; // reaches the element's own property now
      return [player.index, player.getAttribute('step'), Object.hasOwn(player, 'src')];
    }, TRACE);
    assert.deepEqual(index, [3, '3', false]);
  } finally {
    await close();
  }
});

test('with reduced motion nothing fades or plays by itself, and play takes a few large steps', async () => {
  const { tab, close } = await page(
    `<sedd-player src="/models/sedd-nano/trace.json" autoplay speed="20"></sedd-player>`,
    { context: { reducedMotion: 'reduce' }, script: 'player-element.js' },
  );
  try {
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
  } finally {
    await close();
  }
});

test('a run with autoplay plays by itself, and pauses out of sight', async () => {
  const { tab, close } = await page(
    `<sedd-player src="/models/sedd-nano/trace.json" autoplay loop></sedd-player><p class="far"></p>`,
    { script: 'player-element.js' },
  );
  try {
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
  } finally {
    await close();
  }
});

test('a lazy player far below the viewport requests nothing', async () => {
  const { tab, asked, close } = await page(
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
  );
  try {
    await tab.waitForTimeout(200);
    assert.ok(!asked.some((url) => url.endsWith('.json')));
    assert.ok(await tab.getByText('Later.').isVisible());
    await tab.evaluate(() => document.querySelector('sedd-player').scrollIntoView());
    await ready(tab);
    assert.ok(await tab.getByText('Later.').isHidden());
  } finally {
    await close();
  }
});

const REFUSED = [
  ['an address that is not there', 'src="/models/nothing.json"', /nothing\.json answered 404\./],
  ['a web page', 'src="/index.html"', /index\.html is a web page, not a trace\./],
  ['something else', 'src="/web/README.md"', /README\.md is no JSON: /],
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
  const { tab, errors, close } = await page(
    REFUSED.map(
      ([, attributes]) => `<sedd-player loading="eager" ${attributes.replace('<b>', '&lt;b&gt;')}></sedd-player>`,
    ).join(''),
    { script: 'player-element.js', prepare },
  );
  try {
    await tab.waitForFunction((count) => said.filter(({ name }) => name === 'error').length >= count, REFUSED.length);
    const players = tab.locator('sedd-player');
    for (const [i, [name, , sentence]] of REFUSED.entries()) {
      assert.match(await players.nth(i).getByRole('alert').textContent(), sentence, name);
    }
    await tab.waitForFunction(() => said.filter(({ name }) => name === 'ready').length === 3); // the last three play all the same
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
  } finally {
    await close();
  }
});

test('texts of a trace are shown as text, not as markup', async () => {
  const { tab, close } = await page('<sedd-player></sedd-player>', { script: 'player-element.js' });
  try {
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
  } finally {
    await close();
  }
});

/* ---- <sedd-demo> ---- */

const DEMO = 'model="/models/sedd-nano" steps="4" length="24" seed="7" temperature="0.8" top-p="0.9"';

test('a demo downloads nothing before a request, then writes, replays, branches and exports', async () => {
  const { tab, asked, errors, close } = await page(
    `<sedd-demo ${DEMO} prompt="One day, {10} the end."><sedd-player slot="poster" src="${TRACE}"></sedd-player></sedd-demo>`,
  );
  try {
    await ready(tab); // the poster's
    await tab.waitForTimeout(150);
    assert.ok(
      asked.every((url) => !/wasm|worker|client\.js|safetensors/.test(url)),
      `asked for ${asked}`,
    );
    assert.deepEqual(
      await tab.evaluate(async () => [
        (await caches.keys()).length,
        (await indexedDB.databases()).length,
        localStorage.length,
      ]),
      [0, 0, 0],
    );
    const demo = tab.locator('sedd-demo');
    await demo.getByRole('button', { name: 'Run it here' }).click();
    await tab.waitForFunction(() => said.some(({ name, detail }) => name === 'done' && detail.sample));
    assert.ok(asked.every((url) => new URL(url).origin === new URL(session.url).origin));
    const order = await names(tab);
    assert.ok(
      order.includes('progress') &&
        order.lastIndexOf('ready') < order.lastIndexOf('step') &&
        order.lastIndexOf('step') < order.lastIndexOf('done'),
    );
    const sample = await tab.evaluate(() => said.at(-1).detail.sample);
    assert.match(sample.text, /^One day,.* the end\./s);
    assert.equal(sample.ids.length, 24);
    assert.match(
      await demo.getByRole('status').last().textContent(),
      /24 tokens, 4 steps and the denoiser, \d+ ms, seed 7/,
    );
    assert.equal(await demo.getByRole('listbox').locator('.sedd-cell').count(), 24);

    // again by hand: the same seed writes the same
    assert.equal(await demo.evaluate(async (element) => (await element.run()).text), sample.text);
    assert.notEqual(await demo.evaluate(async (element) => (await element.run({ seed: 8 })).text), sample.text);
    assert.equal(await demo.evaluate(async (element) => (await element.run()).text), sample.text);

    // a planned number of masks a step, and no last step by the denoiser
    const planned = await demo.evaluate(async (element) => {
      element.positions = 'fixed';
      const { text } = await element.run({ order: 'spread' });
      const { events, positions } = JSON.parse(element.exportTrace());
      return { text, events, positions };
    });
    assert.equal(planned.positions, 'planned', 'the old word fixed is read, the new one written');
    assert.deepEqual(planned.events.map(({ masked }) => masked).slice(-1), [0]);
    assert.equal(planned.events.length, 4);
    assert.ok(planned.events.every(({ changed, confidence }) => confidence.length === changed.length));
    await demo.evaluate((element) => {
      element.positions = null;
    });
    assert.equal(await demo.evaluate(async (element) => (await element.run()).text), sample.text);

    // temperature 0 is greedy, and what means nothing is said
    const greedy = await demo.evaluate(async (element) => {
      const { temperature } = element;
      element.temperature = 0;
      const { settings } = await element.run();
      const wrong = await element.run({ topK: 0.5 }).catch(({ message }) => message);
      element.temperature = temperature;
      return { settings, wrong };
    });
    assert.equal(greedy.settings.temperature, 0);
    assert.match(greedy.wrong, /^topK is 0\.5; expected a whole number/);
    assert.equal(await demo.evaluate(async (element) => (await element.run()).text), sample.text);

    // back and on otherwise: what was open stays
    const branched = await demo.evaluate(async (element) => {
      element.seekTo(2);
      const kept = JSON.parse(element.exportTrace());
      const other = await element.branch(2, { seed: 99 });
      return { kept, other: other.ids, trace: JSON.parse(element.exportTrace()) };
    });
    assert.equal(branched.trace.events.length, 5);
    assert.deepEqual(
      branched.trace.events.slice(0, 2).map(({ ids }) => ids),
      branched.kept.events.slice(0, 2).map(({ ids }) => ids),
    );
    for (const { changed, ids } of branched.kept.events.slice(0, 2))
      changed.forEach((place, i) => assert.equal(branched.other[place], ids[i]));
    readTrace(branched.kept);

    // a trace of the page plays in a player
    await tab.evaluate((trace) => {
      const player = document.createElement('sedd-player');
      document.querySelector('main').append(player);
      player.trace = trace;
    }, branched.kept);
    assert.equal(
      await tab.evaluate(() => {
        const player = document.querySelector('main > sedd-player');
        player.seek(99);
        return player.text;
      }),
      sample.text,
    );
    assert.deepEqual(errors, []);
  } finally {
    await close();
  }
});

test('a demo samples as its model was trained to, unless an attribute says otherwise', async () => {
  const trained = { steps: 5, positions: 'fixed', order: 'spread', grid: 'cosine', context: 'known', temperature: 0.7 };
  const { tab, errors, close } = await page('<sedd-demo model="/models/sedd-nano" length="24" seed="7"></sedd-demo>', {
    prepare: (target) =>
      target.context().route('**/generation_config.json', (route) => route.fulfill({ json: trained })),
  });
  try {
    const demo = tab.locator('sedd-demo');
    const run = () =>
      demo.evaluate(async (element) => {
        const { ids, steps } = await element.run();
        return {
          ids,
          steps,
          shown: element.shadowRoot.querySelector('[name=steps]').value,
          trace: JSON.parse(element.exportTrace()),
        };
      });
    const plain = await run();
    assert.deepEqual([plain.steps, plain.shown, plain.trace.steps, plain.trace.temperature], [5, '5', 5, 0.7]);
    assert.deepEqual(
      plain.trace.events.map(({ changed }) => changed.length),
      [1, 3, 5, 7, 8],
      'the cosine grid',
    );
    await demo.evaluate((element) => {
      element.steps = 3;
      element.context = 'all';
    });
    const other = await run();
    assert.deepEqual([other.steps, other.shown, other.trace.events.length], [3, '3', 3]);
    await demo.evaluate((element) => {
      element.positions = 'score';
      element.context = null;
    });
    assert.equal((await run()).trace.events.length, 4, 'as published, with the denoiser');
    assert.deepEqual(errors, []);
  } finally {
    await close();
  }
});

test('tokens are chosen and held by keys, and Escape stops a run', async () => {
  const { tab, close } = await page(`<sedd-demo ${DEMO} loading="eager"></sedd-demo>`, {
    context: { viewport: { width: 400, height: 700 } },
  });
  try {
    await ready(tab);
    const demo = tab.locator('sedd-demo');
    await demo.evaluate((element) => element.run());
    const cells = demo.getByRole('listbox');
    assert.equal(await cells.locator('[tabindex="0"]').count(), 1);
    await cells.locator('[tabindex="0"]').focus();
    for (const key of [
      'ArrowRight',
      'ArrowRight',
      'ArrowLeft',
      'End',
      'ArrowLeft',
      'ArrowUp',
      'Home',
      'ArrowDown',
      'Enter',
    ])
      await tab.keyboard.press(key);
    const { position, text } = await tab.evaluate(() => said.findLast(({ name }) => name === 'select').detail);
    assert.ok(position > 3 && typeof text === 'string', `chose ${position}, "${text}"`);
    assert.equal(await cells.locator('[aria-selected="true"]').count(), 1);
    await tab.setViewportSize({ width: 700, height: 700 }); // lines are laid out anew, focus stays
    await tab.waitForTimeout(100);
    assert.equal(
      await cells.locator('[tabindex="0"]').evaluate((cell) => cell === cell.getRootNode().activeElement),
      true,
    );

    const held = await demo.evaluate(async (element) => {
      const run = element.run({ steps: 5000 }).catch((error) => error.name);
      await new Promise((resolve) => {
        element.addEventListener('sedd-step', resolve, { once: true });
      });
      element.pause();
      await new Promise((resolve) => {
        setTimeout(resolve, 150);
      });
      const before = said.length;
      await new Promise((resolve) => {
        setTimeout(resolve, 150);
      });
      const still = said.length === before;
      element.continue();
      await new Promise((resolve) => {
        element.addEventListener('sedd-step', resolve, { once: true });
      });
      element.focus();
      window.stopped = run;
      return still;
    });
    assert.equal(held, true);
    await demo.getByRole('button', { name: 'Stop' }).focus();
    await tab.keyboard.press('Escape');
    assert.equal(await tab.evaluate(() => window.stopped), 'AbortError');
    assert.equal(await demo.getAttribute('data-state'), 'ready');
    assert.ok(!(await names(tab)).includes('error'));
  } finally {
    await close();
  }
});

test('a demo reports an error in one sentence and stays usable', async () => {
  const { tab, errors, close } = await page('<sedd-demo></sedd-demo>');
  try {
    const demo = tab.locator('sedd-demo');
    const tried = (attributes, changes = {}) =>
      demo.evaluate(
        async (element, [attrs, more]) => {
          for (const name of element.getAttributeNames()) if (name !== 'data-state') element.removeAttribute(name);
          for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
          const shown = () => element.shadowRoot.querySelector('[role=alert]').textContent;
          const early = shown();
          if (early) return early;
          await element.run(more).catch(() => {});
          return shown();
        },
        [attributes, changes],
      );
    const model = '/models/sedd-nano';
    assert.match(await tried({}), /<sedd-demo>: it has no model\./);
    assert.match(await tried({ model, steps: '0' }), /steps should be a whole number from 1 to 1000000; found "0"\./);
    assert.match(
      await tried({ model, seed: '1e99' }),
      /seed should be a whole number from 0 to 18446744073709551615; found "1e99"\./,
    );
    assert.match(await tried({ model, loading: 'soon' }), /loading should be "lazy" or "eager"; found "soon"\./);
    assert.match(await tried({ model, prompt: 'a {x} b' }), /\{x\} is no hole/);
    assert.match(await tried({ model, prompt: 'a { b' }), /A \{ is never closed/);
    assert.match(await tried({ model: '/models/nothing' }), /404/);
    assert.match(await tried({ model: '/models/gpt2-nano' }), /GPT-2, not a SEDD\. Use .*compare="…" of <sedd-demo>\./);
    assert.match(
      await tried({ model, compare: '/models/sedd-nano' }),
      /SEDD, not a GPT-2\. Use .*model="…" of <sedd-demo>\./,
    );
    assert.match(await tried({ model, prompt: '{400}', length: '8' }), /400 tokens.*window has 8/);
    assert.equal(await tried({ model, prompt: 'One day', length: '16', steps: '2' }), '');
    assert.equal(await demo.evaluate((element) => element.sample.ids.length), 16);
    assert.match(
      await demo.evaluate((element) => element.copyReport().catch((error) => error.message)),
      /a comparison needs a GPT-2/,
    );
    assert.deepEqual(errors, []);
  } finally {
    await close();
  }
});

test('a load can be stopped, and an element that is removed ends its worker', async () => {
  const { tab, close } = await page(`<sedd-demo id="a" ${DEMO}></sedd-demo><sedd-demo id="b" ${DEMO}></sedd-demo>`);
  try {
    const stopped = await tab.evaluate(async () => {
      const load = document
        .getElementById('a')
        .load()
        .catch((error) => error.name);
      document.getElementById('a').stop();
      return load;
    });
    assert.equal(stopped, 'AbortError');
    await tab.waitForFunction(() => document.getElementById('a').dataset.state === 'waiting');
    await tab.evaluate(() => Promise.all(['a', 'b'].map((id) => document.getElementById(id).run())));
    assert.equal(tab.workers().length, 1, 'two demos share one worker');
    await tab.evaluate(() => {
      const b = document.getElementById('b');
      document.body.append(b);
    }); // moving is not going
    await tab.evaluate(() => document.getElementById('a').remove());
    await tab.waitForTimeout(100);
    assert.equal(tab.workers().length, 1);
    assert.equal(await tab.evaluate(async () => (await document.getElementById('b').run()).ids.length), 24);
    await tab.evaluate(() => document.getElementById('b').remove());
    for (let i = 0; i < 20 && tab.workers().length; i++) await tab.waitForTimeout(50);
    assert.equal(tab.workers().length, 0);
  } finally {
    await close();
  }
});

/* ---- Loads and runs that meet ---- */

const NANO = 'model="/models/sedd-nano" steps="3" length="16" seed="5"';
/** Text of a promise in the page: of its sample, or the name of its error. */
const outcome = 'const outcome = (promise) => promise.then((sample) => sample.text, (error) => error.name);';

test('a run waits for a load in progress, whoever began it', async () => {
  for (const way of ['loading="eager"', 'reveal="auto"', '']) {
    const { tab, close } = await page(`<sedd-demo ${NANO} ${way}></sedd-demo>`);
    try {
      const { text, state, loads } = await tab.evaluate(async () => {
        await customElements.whenDefined('sedd-demo');
        const demo = document.querySelector('sedd-demo');
        if (!demo.loading.startsWith('eager')) demo.load();
        while (demo.dataset.state !== 'loading') await new Promise((resolve) => setTimeout(resolve));
        const sample = await demo.run();
        return {
          text: sample.text,
          state: demo.dataset.state,
          loads: said.filter(({ name }) => name === 'ready').length,
        };
      });
      assert.ok(text.length > 10, way);
      assert.deepEqual([state, loads], ['ready', 1], way);
      assert.ok(!(await names(tab)).includes('error'), way);
    } finally {
      await close();
    }
  }
});

test('a comparison waits for a load in progress, too', async () => {
  const { tab, close } = await page(
    `<sedd-demo ${NANO} steps="1" length="6" compare="/models/gpt2-nano" loading="eager"></sedd-demo>`,
  );
  try {
    const report = await tab.evaluate(async () => {
      await customElements.whenDefined('sedd-demo');
      return document.querySelector('sedd-demo').copyReport('json');
    });
    assert.equal(JSON.parse(report).gpt2.rawMs.length, 10);
    assert.ok(!(await names(tab)).includes('error'));
  } finally {
    await close();
  }
});

test('of two runs in one task the first ends with AbortError and the second writes', async () => {
  const { tab, errors, close } = await page(`<sedd-demo ${NANO}></sedd-demo>`);
  try {
    const result = await tab.evaluate(async (helper) => {
      const run = new Function(`${helper} return outcome;`)();
      await customElements.whenDefined('sedd-demo');
      const demo = document.querySelector('sedd-demo');
      const alone = (await demo.run({ seed: 8 })).text;
      demo.dispose();
      const tries = {};
      for (const [name, between] of Object.entries({
        'a second run': () => {},
        'stopped between': () => demo.stop(),
        'disposed of between': () => demo.dispose(),
        'moved between': () => document.body.append(demo),
      })) {
        for (const loaded of [false, true]) {
          if (!loaded) demo.dispose();
          const first = run(demo.run({ seed: 7 }));
          between();
          const second = run(demo.run({ seed: 8 }));
          const [one, two] = await Promise.all([first, second]);
          tries[`${name}, ${loaded ? 'loaded' : 'not loaded'}`] = [one, two === alone, demo.dataset.state];
        }
      }
      return { tries, trace: JSON.parse(demo.exportTrace()) };
    }, outcome);
    for (const [name, found] of Object.entries(result.tries))
      assert.deepEqual(found, ['AbortError', true, 'ready'], name);
    assert.equal(readTrace(result.trace).seed, '8');
    assert.deepEqual(errors, []);
    assert.ok(!(await names(tab)).includes('error'));
  } finally {
    await close();
  }
});

test('the trace of a run is complete when another run ends it, when it is stopped half way, and when it is branched with an edit', async () => {
  const { tab, close } = await page(`<sedd-demo ${NANO} loading="eager"></sedd-demo>`);
  try {
    await ready(tab);
    const traces = await tab.evaluate(async () => {
      const demo = document.querySelector('sedd-demo');
      const stepped = () => new Promise((resolve) => demo.addEventListener('sedd-step', resolve, { once: true }));
      const found = {};
      const long = demo.run({ steps: 400, seed: 1 }).catch(({ name }) => name);
      await stepped();
      const { text } = await demo.run({ seed: 9 });
      found.after = { ended: await long, text, trace: JSON.parse(demo.exportTrace()) };

      const stopped = demo.run({ steps: 400, seed: 2 }).catch(({ name }) => name);
      await stepped();
      await stepped();
      demo.stop();
      found.stopped = { ended: await stopped, trace: JSON.parse(demo.exportTrace()) };

      await demo.run({ steps: 6 });
      const open = JSON.parse(demo.exportTrace()).events[3].changed[0] ?? 0;
      const kept = await demo.branch(4, { edit: [[open, null]], seed: 3 });
      found.masked = { open, text: kept.text, trace: JSON.parse(demo.exportTrace()) };
      await demo.run({ steps: 6 });
      const given = await demo.branch(0, { edit: [[2, 300]] });
      found.given = { ids: given.ids, trace: JSON.parse(demo.exportTrace()) };
      const whole = await demo.branch(3, { edit: [[2, 301]] });
      found.changed = { ids: whole.ids, trace: JSON.parse(demo.exportTrace()) };
      return found;
    });
    const endOf = (trace) => {
      const ids = [...trace.initial];
      for (const { changed, ids: news } of readTrace(trace).events)
        changed.forEach((place, i) => {
          ids[place] = news[i];
        });
      return ids;
    };
    const textOf = (trace) =>
      endOf(trace)
        .map((id) => trace.texts[id])
        .join('');
    assert.deepEqual([traces.after.ended, traces.stopped.ended], ['AbortError', 'AbortError']);
    assert.deepEqual(
      [traces.after.trace.seed, traces.after.trace.steps, textOf(traces.after.trace)],
      ['9', 3, traces.after.text],
    );
    const { events } = readTrace(traces.stopped.trace);
    assert.ok(events.length >= 2 && events.length < 400 && traces.stopped.trace.seed === '2');
    assert.equal(textOf(traces.masked.trace), traces.masked.text);
    assert.ok(readTrace(traces.given.trace).initial[2] === 300);
    assert.deepEqual(endOf(traces.given.trace), traces.given.ids);
    assert.deepEqual(endOf(traces.changed.trace), traces.changed.ids);
    assert.equal(traces.changed.ids[2], 301);
  } finally {
    await close();
  }
});

test('setting reveal or loading later loads the model, and so does replacing a loaded model', async () => {
  const { tab, close } = await page(
    `<sedd-demo id="a" ${NANO}></sedd-demo><sedd-demo id="b" ${NANO}></sedd-demo><sedd-demo id="c" ${NANO}></sedd-demo>`,
  );
  try {
    const result = await tab.evaluate(async () => {
      await customElements.whenDefined('sedd-demo');
      const [a, b, c] = document.querySelectorAll('sedd-demo');
      const loaded = (demo) =>
        new Promise((resolve) =>
          demo.addEventListener('sedd-ready', ({ detail }) => resolve(detail.model.parameters), { once: true }),
        );
      const wait = new Promise((resolve) => setTimeout(resolve, 150));
      await wait;
      const before = [a, b, c].map((demo) => demo.dataset.state);
      a.reveal = 'auto';
      b.loading = 'eager';
      await Promise.all([loaded(a), loaded(b)]);
      c.model = '/models/sedd-nano-fast'; // nobody has asked for c's model
      a.model = '/models/sedd-nano-fast';
      const again = loaded(a);
      b.compare = '/models/gpt2-nano';
      await Promise.all([again, loaded(b)]);
      const { text } = await a.run();
      return {
        before,
        states: [a, b, c].map((demo) => demo.dataset.state),
        trace: JSON.parse(a.exportTrace()).model.name,
        text,
      };
    });
    assert.deepEqual(result.before, ['waiting', 'waiting', 'waiting']);
    assert.deepEqual(result.states, ['ready', 'ready', 'waiting']);
    assert.match(result.trace, /sedd-nano-fast/);
    assert.ok(!(await names(tab)).includes('error'));
  } finally {
    await close();
  }
});

/* ---- Pages of every kind ---- */

const BOTH = `<sedd-player src="${TRACE}" sheet loading="eager"></sedd-player><sedd-demo ${NANO} compare="/models/gpt2-nano" prompt="One day, {12}" sheet></sedd-demo>`;

for (const [name, look] of [
  ['dark', 'background: #14110f; color: #f2efe9'],
  ['light', 'background: #fffdf5; color: #1d1b18'],
]) {
  test(`without a color-scheme the elements follow the text colour of the page: ${name}`, async () => {
    const { tab, close } = await page(`<h1>A page</h1>${BOTH}`);
    try {
      await tab.evaluate((css) => {
        document.body.style.cssText = `${css}; padding: 2rem; margin: 0`;
      }, look);
      await ready(tab);
      await tab.locator('sedd-demo').evaluate((element) => element.run());
      await tab.locator('sedd-demo').evaluate((element) => element.shadowRoot.querySelector('.sedd-cell').click());
      assert.deepEqual(await violations(tab), []);
      const inks = await tab.evaluate(() =>
        ['sedd-player', 'sedd-demo'].map((one) => {
          const element = document.querySelector(one);
          const page = getComputedStyle(document.body).color;
          const ink = (selector) => getComputedStyle(element.shadowRoot.querySelector(selector)).color === page;
          return [ink('.sedd-cell:not(.held, .new)'), ink('[part~=play]')];
        }),
      );
      assert.deepEqual(inks, [
        [true, true],
        [true, true],
      ]);
    } finally {
      await close();
    }
  });
}

test('on a right-to-left page, sentences and prompts keep their own direction', async () => {
  const { tab, close } = await page(BOTH);
  try {
    await tab.evaluate(() => {
      document.documentElement.dir = 'rtl';
    });
    await ready(tab);
    const demo = tab.locator('sedd-demo');
    await demo.evaluate((element) => element.run());
    const directions = await tab.evaluate(() => {
      const found = {};
      for (const [name, selector] of [
        ['sedd-player', '.caption'],
        ['sedd-demo', '[part=status]'],
        ['sedd-demo', '[name=prompt]'],
        ['sedd-demo', '[part=verdict]'],
        ['sedd-demo', '.name'],
        ['sedd-demo', '.twin .text'],
        ['sedd-demo', '.sedd-sheet'],
      ])
        found[selector] = getComputedStyle(document.querySelector(name).shadowRoot.querySelector(selector)).direction;
      return found;
    });
    assert.deepEqual(new Set(Object.values(directions)), new Set(['ltr']), JSON.stringify(directions));
    assert.equal(await tab.locator('sedd-player').locator('.caption bdi').textContent(), 'sedd-nano');
    await demo.evaluate((element) => {
      element.prompt = '\u05e9\u05dc\u05d5\u05dd, {12}';
    });
    assert.equal(await demo.locator('[name=prompt]').evaluate((input) => getComputedStyle(input).direction), 'rtl');
  } finally {
    await close();
  }
});

test('in print, the elements show only the finished text', async () => {
  const { tab, close } = await page(BOTH);
  try {
    await ready(tab);
    const sample = await tab.locator('sedd-demo').evaluate(async (element) => (await element.run()).text);
    await tab.emulateMedia({ media: 'print' });
    const printed = () =>
      tab.evaluate(() =>
        [...document.querySelectorAll('main > *')].map((element) => {
          const seen = [...element.shadowRoot.querySelectorAll('*')].filter(
            (one) => one.checkVisibility() && one.localName !== 'slot',
          );
          return { parts: seen.map((one) => one.className), text: seen.map((one) => one.textContent).join('') };
        }),
      );
    const [player, demo] = await printed();
    const trace = readTrace(readFileSync(path.join(ROOT, TRACE), 'utf8'));
    const ids = [...trace.initial];
    for (const { changed, ids: news } of trace.events)
      changed.forEach((place, i) => {
        ids[place] = news[i];
      });
    assert.deepEqual([player.parts, player.text], [['print'], ids.map((id) => trace.texts[id]).join('')]);
    assert.deepEqual([demo.parts, demo.text], [['print'], sample]);
  } finally {
    await close();
  }
});

test('in Chinese text the elements are in Chinese, elsewhere in English', async () => {
  const { tab, asked, errors, close } = await page(
    `<div lang="zh-Hans">${BOTH}</div><div lang="fr"><sedd-demo id="other" ${NANO}></sedd-demo></div>`,
  );
  try {
    await ready(tab);
    const demo = tab.locator('sedd-demo').first();
    await demo.getByRole('button', { name: '在这里运行' }).click();
    await tab.waitForFunction(() => said.some(({ name, detail }) => name === 'done' && detail.sample));
    assert.match(
      await demo.getByRole('status').last().textContent(),
      /^16 个词元，3 步，另有最后的去噪，\d+ 毫秒，种子 5$/,
    );
    assert.ok(await demo.getByRole('button', { name: '写作' }).isVisible());
    assert.ok(await demo.getByText('种子', { exact: true }).isVisible());
    assert.match(await demo.locator('[part=verdict]').textContent(), /^就这一次运行/);
    assert.ok(await demo.getByRole('listbox', { name: '文字的词元' }).isVisible());
    const player = tab.locator('sedd-player');
    assert.match(
      await player.locator('.caption').textContent(),
      /^录制的运行，模型 sedd-nano · 8 步，另有最后的去噪 · 48 个词元 · 种子 \d+/,
    );
    assert.ok(await player.getByRole('button', { name: '播放' }).isVisible());
    assert.match(await player.locator('figure').textContent(), /在这一步揭开/);
    assert.deepEqual(await player.locator('figure').evaluate(({ dataset }) => [dataset.places, dataset.steps]), [
      '48 个位置 →',
      '9 步 →',
    ]);
    assert.ok(await tab.locator('#other').getByRole('button', { name: 'Run it here' }).isVisible());
    assert.equal(asked.filter((url) => url.endsWith('/words/zh.js')).length, 1);
    assert.deepEqual(errors, []);
  } finally {
    await close();
  }
});

test('without JavaScript, a reader sees the poster', async () => {
  const { tab, close } = await page(
    `<sedd-player src="${TRACE}"><p slot="poster">Once upon a time.</p></sedd-player><sedd-demo ${NANO}><p slot="poster">One day.</p></sedd-demo>`,
    { context: { javaScriptEnabled: false } },
  );
  try {
    assert.ok(await tab.getByText('Once upon a time.').isVisible());
    assert.ok(await tab.getByText('One day.').isVisible());
  } finally {
    await close();
  }
});

/* ---- The examples ---- */

test('under a strict policy a demo runs beside its twin', async () => {
  const context = await session.page
    .context()
    .browser()
    .newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const tab = await context.newPage();
  const errors = [];
  tab.on('pageerror', (error) => errors.push(error.message));
  tab.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  try {
    await tab.goto(`${session.url}web/examples/csp.html`);
    await tab.locator('sedd-demo').evaluate(async (element) => {
      element.steps = 4;
      await element.run();
    });
    assert.match(
      await tab.locator('sedd-demo').locator('[part=verdict]').textContent(),
      /In this one run on this device (SEDD|GPT-2) was [\d.]+ times as fast\./,
    );
    const report = await tab.locator('sedd-demo').evaluate(async (element) => {
      element.length = 12;
      return element.copyReport();
    });
    assert.match(report, /medians of 10 rounds in turns after 3 dropped/);
    assert.match(report, /SEDD, 4 steps/);
    assert.equal(await tab.evaluate(() => navigator.clipboard.readText()), report);
    assert.deepEqual(errors, []);
    assert.deepEqual(await violations(tab), []);
  } finally {
    await context.close();
  }
});

test('three demos on one page keep their own runs and share one model', async () => {
  const context = await session.page.context().browser().newContext();
  const tab = await context.newPage();
  try {
    const weights = [];
    tab.on('request', (request) => {
      if (request.url().endsWith('model.safetensors')) weights.push(request.url());
    });
    await tab.goto(`${session.url}web/examples/three.html`);
    const texts = await tab.evaluate(() =>
      Promise.all(
        [...document.querySelectorAll('sedd-demo')].map(async (demo) => {
          demo.steps = 3;
          return (await demo.run()).text;
        }),
      ),
    );
    assert.match(texts[0], /^Lily had a red ball\./);
    assert.match(texts[1], / and they all went home\.$/);
    assert.match(texts[2], /^Tom.*the park.*a dog.*happy/s);
    assert.equal(tab.workers().length, 1);
    assert.equal(new Set(weights).size, 1);
    assert.deepEqual(await violations(tab), []);
  } finally {
    await context.close();
  }
});

test('a demo runs in a frame from another origin', async () => {
  const other = await serve({ isolation: false });
  const context = await session.page.context().browser().newContext();
  const tab = await context.newPage();
  try {
    await tab.goto(`${session.url}web/examples/embed.html`);
    await tab.evaluate((src) => {
      document.querySelector('iframe').src = src;
    }, `${other.url}web/examples/frame.html`);
    const frame = tab.frameLocator('iframe');
    await frame.getByRole('button', { name: 'Run it here' }).click();
    await frame.locator('sedd-demo[data-state=ready]').waitFor();
    assert.match(await frame.locator('sedd-demo').evaluate((element) => element.sample.text), /^One day,/);
    assert.notEqual(new URL(other.url).origin, new URL(session.url).origin);
  } finally {
    await context.close();
    await other.close();
  }
});

for (const [name, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark, 320 pixels', { colorScheme: 'dark', viewport: { width: 320, height: 700 } }],
]) {
  test(`the project page has no violation and no sideways scrolling: ${name}`, async () => {
    const context = await session.page
      .context()
      .browser()
      .newContext({ ...options, reducedMotion: 'reduce' });
    const tab = await context.newPage();
    try {
      await tab.goto(`${session.url}web/examples/paper.html`);
      await tab.waitForFunction(() => document.querySelector('sedd-player').trace);
      await tab.locator('sedd-demo').evaluate(async (element) => {
        element.steps = 3;
        await element.run();
      });
      assert.deepEqual(await violations(tab), []);
      assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    } finally {
      await context.close();
    }
  });
}
