// Tests <sedd-demo> in Chromium: a run with its replay and branches, the defaults of a model, keys, errors, and disposal.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { DEMO, TRACE, names, ready, said, withElements } from './elements-page.mjs';
import { readTrace } from '../../web/client/trace.js';

test('a demo downloads nothing before a request, then writes, replays, branches and exports', async () => {
  await withElements(
    `<sedd-demo ${DEMO} prompt="One day, {10} the end."><sedd-player slot="poster" src="${TRACE}"></sedd-player></sedd-demo>`,
    {},
    async ({ tab, asked, errors }) => {
      await ready(tab); // the poster is ready
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
      assert.ok(asked.every((url) => new URL(url).origin === new URL(tab.url()).origin));
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

      // runs again by hand: the same seed gives the same text
      assert.equal(await demo.evaluate(async (element) => (await element.run()).text), sample.text);
      assert.notEqual(await demo.evaluate(async (element) => (await element.run({ seed: 8 })).text), sample.text);
      assert.equal(await demo.evaluate(async (element) => (await element.run()).text), sample.text);

      // fills in a planned number of masks per step, without a last step of the denoiser
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

      // temperature 0 is greedy, and a meaningless value gives an error
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

      // goes back and continues differently: tokens that were already filled in stay
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

      // a player plays a trace that the page exported
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
    },
  );
});

test('a demo samples as its model was trained to, unless an attribute says otherwise', async () => {
  const trained = {
    steps: 5,
    positions: 'planned',
    order: 'spread',
    grid: 'cosine',
    context: 'known',
    temperature: 0.7,
  };
  await withElements(
    '<sedd-demo model="/models/sedd-nano" length="24" seed="7"></sedd-demo>',
    {
      prepare: (target) =>
        target.context().route('**/generation_config.json', (route) => route.fulfill({ json: trained })),
    },
    async ({ tab, errors }) => {
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
    },
  );
});

test('tokens are chosen and held by keys, and Escape stops a run', async () => {
  await withElements(
    `<sedd-demo ${DEMO} loading="eager"></sedd-demo>`,
    {
      viewport: { width: 400, height: 700 },
    },
    async ({ tab }) => {
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
      await tab.setViewportSize({ width: 700, height: 700 }); // the lines change, the focus stays
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
    },
  );
});

test('a demo reports an error in one sentence and stays usable', async () => {
  await withElements('<sedd-demo></sedd-demo>', {}, async ({ tab, errors }) => {
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
    assert.match(await tried({ model, prompt: 'a {x} b' }), /\{x\} is not a hole/);
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
  });
});

test('a load can be stopped, and an element that is removed ends its worker', async () => {
  await withElements(
    `<sedd-demo id="a" ${DEMO}></sedd-demo><sedd-demo id="b" ${DEMO}></sedd-demo>`,
    {},
    async ({ tab }) => {
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
      }); // moving an element does not dispose of it
      await tab.evaluate(() => document.getElementById('a').remove());
      await tab.waitForTimeout(100);
      assert.equal(tab.workers().length, 1);
      assert.equal(await tab.evaluate(async () => (await document.getElementById('b').run()).ids.length), 24);
      await tab.evaluate(() => document.getElementById('b').remove());
      for (let i = 0; i < 20 && tab.workers().length; i++) await tab.waitForTimeout(50);
      assert.equal(tab.workers().length, 0);
    },
  );
});
