// Tests loads and runs of <sedd-demo> that overlap: a new one waits for the previous one, ends it, or replaces it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { NANO, names, ready, said, withElements } from './elements-page.mjs';
import { readTrace } from '../../web/client/trace.js';

/** Returns the text of the sample that a promise in the page gives, or the name of its error. */
const outcome = 'const outcome = (promise) => promise.then((sample) => sample.text, (error) => error.name);';

test('a run waits for a load in progress, whoever began it', async () => {
  for (const way of ['loading="eager"', 'reveal="auto"', '']) {
    await withElements(`<sedd-demo ${NANO} ${way}></sedd-demo>`, {}, async ({ tab }) => {
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
    });
  }
});

test('a comparison waits for a load in progress, too', async () => {
  await withElements(
    `<sedd-demo ${NANO} steps="1" length="6" compare="/models/gpt2-nano" loading="eager"></sedd-demo>`,
    {},
    async ({ tab }) => {
      const report = await tab.evaluate(async () => {
        await customElements.whenDefined('sedd-demo');
        return document.querySelector('sedd-demo').copyReport('json');
      });
      assert.equal(JSON.parse(report).gpt2.rawMs.length, 10);
      assert.ok(!(await names(tab)).includes('error'));
    },
  );
});

test('of two runs in one task the first ends with AbortError and the second writes', async () => {
  await withElements(`<sedd-demo ${NANO}></sedd-demo>`, {}, async ({ tab, errors }) => {
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
  });
});

test('the trace of a run is complete when another run ends it, when it is stopped half way, and when it is branched with an edit', async () => {
  await withElements(`<sedd-demo ${NANO} loading="eager"></sedd-demo>`, {}, async ({ tab }) => {
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
  });
});

test('setting reveal or loading later loads the model, and so does replacing a loaded model', async () => {
  await withElements(
    `<sedd-demo id="a" ${NANO}></sedd-demo><sedd-demo id="b" ${NANO}></sedd-demo><sedd-demo id="c" ${NANO}></sedd-demo>`,
    {},
    async ({ tab }) => {
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
        c.model = '/models/sedd-nano-fast'; // c has not requested its model yet
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
    },
  );
});
