// Tests the page and an example in Firefox and WebKitGTK with the same scenarios (page-scenarios.js); page-*.test.mjs test more in Chromium.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { openEngine } from './engines.mjs';
import { nativeStory } from './page-helpers.mjs';

for (const name of /** @type {const} */ (['Firefox', 'WebKitGTK'])) {
  describe(name, () => {
    let engine;
    const play = (scenario, argument) =>
      engine.evaluate(
        `const scenarios = await import('/tests/browser/page-scenarios.js'); return scenarios[${JSON.stringify(scenario)}](${JSON.stringify(argument) ?? ''});`,
      );
    before(async () => {
      engine = await openEngine(name);
      await engine.goto('?lang=en');
    });
    after(() => engine?.close());

    test('the page writes the native text', async () => {
      const { cells, masks, status, text } = await play('run', { steps: 16, seed: 11 });
      assert.deepEqual([cells, masks], [128, 0]);
      assert.match(status, /^128 tokens in .* ms a step, seed 11\.$/);
      assert.equal(`${text}\n`, nativeStory({ steps: 16, seed: 11 }));
    });

    test('Escape stops, and the page stays usable', async () => assert.equal(await play('stop'), 0));

    test('holes are filled, the rest is held', async () => {
      assert.match(
        await play('infill', 'Once upon a time there was a {3}. They lived happily ever after.'),
        /^Once upon a time there was a .+\. They lived happily ever after\.$/s,
      );
    });

    test('a run is shown slowly enough to follow, and its time is told at once', async () => {
      const { early, masks, ms, status } = await play('paced');
      assert.ok(early > 30 && masks === 0, `${early} masks when it had been made`);
      assert.ok(ms > 3500, `shown in ${ms} ms`);
      assert.match(status, /^128 tokens in .* Shown slower, in 4 s\./);
    });

    test('scrub, look inside, branch; the link reproduces it', async () => {
      const { first, masked, facts, branch, link } = await play('scrubInspectBranch');
      assert.ok(masked > 20 && branch !== first);
      assert.match(facts, /nats/);
      await engine.goto('tests/browser/blank.html');
      await engine.goto(link.slice(engine.url.length));
      assert.equal(await play('opened'), branch);
    });

    test('a paused run tells one story; a wrong field is marked until it is right', async () => {
      await engine.goto('?lang=en');
      assert.deepEqual(await play('pausedAndWrong'), {
        told: ['3 / 901', '3 / 901'],
        name: 'branch-seed',
        marked: 'true',
        left: 'null',
      });
    });

    test('links land on their headings', async () => {
      for (const [id, off] of Object.entries(await play('links')))
        assert.ok(Math.abs(off) < 2, `#${id} is ${off} px off`);
    });

    test('320 pixels and accessibility', async () => {
      assert.ok((await play('narrow')) <= 320);
      assert.deepEqual(await play('violations'), []);
    });

    test('three demos on one page, without a violation', async () => {
      await engine.goto('web/examples/three.html');
      const texts = await play('demos');
      assert.match(texts[0], /^Lily had a red ball\./);
      assert.match(texts[1], / and they all went home\.$/);
      assert.deepEqual(await play('violations'), []);
    });
  });
}
