// Tests the module in Chromium, Firefox and WebKitGTK with the same scenarios (scenarios.js).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINES, openEngine } from './engines.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const tool = (...flags) => execFileSync(path.join(ROOT, 'build/native/sedd'), flags, { cwd: ROOT, encoding: 'utf8' });
const TEXT = 'Once upon a time there was a little girl.';
const CYCLES = 20;
const GROWTH = 20e6; // allowed growth of the script heap over the cycles, in bytes, if the browser reports it; a model's weights alone are 4.5 MB

for (const name of Object.keys(ENGINES)) {
  describe(name, () => {
    let engine;
    const play = (scenario, argument) =>
      engine.evaluate(
        `const scenarios = await import('/tests/browser/scenarios.js'); return scenarios[${JSON.stringify(scenario)}](${JSON.stringify(argument) ?? ''});`,
      );
    before(async () => {
      engine = await openEngine(name);
      await engine.goto('tests/browser/blank.html');
    });
    after(() => engine?.close());

    test('writes the native text for a seed', async (t) => {
      const { agent, wasm, kernels, threads, reasons } = await play('what');
      t.diagnostic(`${agent}: ${wasm}, kernels ${kernels}, threads ${threads}; ${reasons.join(' ')}`);
      const { text, events, steps } = await play('write', {
        length: 48,
        steps: 6,
        seed: 11,
        prompt: 'Once upon a time',
        temperature: 0.8,
      });
      assert.equal(
        `${text}\n`,
        tool(
          'sample',
          'models/sedd-nano',
          '--length',
          '48',
          '--steps',
          '6',
          '--seed',
          '11',
          '--prompt',
          'Once upon a time',
          '--temperature',
          '0.8',
        ),
      );
      assert.deepEqual([events, steps], [7, 7]);
    });

    test('stops, and continues where it stopped', async () => {
      const { error, same } = await play('stopAndResume', { length: 32, steps: 8, seed: 3 });
      assert.equal(error.name, 'AbortError');
      assert.ok(same);
    });

    test('inspects, bounds and tests itself', async () => {
      const { found, stay, entropy, count } = await play('inspect');
      assert.ok(found && stay > 0 && stay < 1 && entropy >= 0 && count === 3);
      const { natsPerToken, standardError, parts } = await play('bound', TEXT);
      const { ids } =
        await engine.evaluate(`const { loadSEDD } = await import('/web/client.js'); const own = await loadSEDD('/models/sedd-nano', { cache: false });
        const { ids } = await own.tokenize(${JSON.stringify(TEXT)}); await own.dispose(); return { ids };`);
      const native = JSON.parse(
        tool('bound', 'models/sedd-nano', '--ids', ids.join(','), '--samples', '8', '--seed', '1', '--json'),
      );
      assert.ok(
        Math.abs(natsPerToken - native.nats_per_token) < 1e-4 * native.nats_per_token,
        `${natsPerToken}, natively ${native.nats_per_token}`,
      );
      assert.ok(standardError > 0 && parts === ids.length);
      const { ok, checks } = await play('selfTest');
      assert.ok(ok && checks.length === 4, JSON.stringify(checks));
    });

    test('aborts take effect, and the worker is free again', async (t) => {
      const { load, run, free } = await play('abortLatency');
      t.diagnostic(
        `load ${load.map(({ ms }) => ms.toFixed(1)).join(', ')} ms; run ${run.ms.toFixed(1)} ms; worker free after ${free.toFixed(1)} ms`,
      );
      assert.ok(load.length >= 1 && load.every(({ name: what }) => what === 'AbortError'));
      assert.equal(run.name, 'AbortError');
    });

    test(`${CYCLES} loads and disposals leave nothing behind`, async (t) => {
      const sizes = await play('cycles', CYCLES);
      t.diagnostic(`script heap after the first and the last: ${sizes[0]}, ${sizes.at(-1)} bytes`);
      assert.equal(sizes.length, CYCLES);
      assert.ok(sizes.at(-1) - sizes[0] < GROWTH);
    });

    test('a worker that dies gives a clear error', async () => {
      const { during, after: later } = await play('killed');
      for (const error of [during, later]) {
        assert.deepEqual([error.typed, error.code], [true, 'worker']);
        assert.match(error.message, /worker stopped: out of memory/);
        assert.match(error.hint, /load the model again/);
      }
    });

    test('a hidden tab makes a comparison invalid', async () => {
      const { before: none, valid, reasons } = await play('hidden');
      assert.deepEqual([none.filter((reason) => /hidden/.test(reason)), valid], [[], false]);
      assert.match(reasons.join(), /The tab was hidden/);
    });
  });
}
