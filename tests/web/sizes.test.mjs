// Tests that a model's memory is predicted from config.json alone, before anything is loaded, and that the prediction holds.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from '../../scripts/generate.mjs';
import { configOf } from '../../scripts/generate/shapes.mjs';
import { Engine } from '../../web/engine/engine.js';
import { Model } from '../../web/engine/model.js';
import { ROOM, WASM_MAX, predict, sharedMaximum } from '../../web/engine/sizes.js';
import { ROOT } from './files.mjs';

const config = (name) => new TextEncoder().encode(JSON.stringify(configOf(name)));

/** Makes the device report this many GB of memory. */
function onDevice(gigabytes, work) {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { deviceMemory: gigabytes }, configurable: true });
  try {
    return work();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else delete globalThis.navigator;
  }
}

test('official models are held as int8 unless floats are requested, and small models as they are', async () => {
  const engine = await Engine.create();
  const [small, medium] = ['sedd-small', 'sedd-medium'].map((name) => predict(engine, config(name), 'auto'));
  assert.deepEqual(
    [small.dtype, medium.dtype, predict(engine, config('sedd-nano'), 'auto').dtype],
    ['q8', 'q8', 'auto'],
  );
  assert.ok(small.info.weightBytes < 200e6 && medium.info.weightBytes < 490e6 && medium.memory < WASM_MAX);
  assert.ok(Math.abs(predict(engine, config('sedd-small'), 'f32').info.weightBytes - 678509000) < 1e6);
  const large = predict(engine, config('sdtt-large'), 'auto');
  assert.deepEqual([large.dtype, large.fits, large.defaults.steps], ['q8', true, 32]);
  assert.ok(large.memory > 1.05e9 && large.memory < 1.15e9, `${large.memory}`);
  assert.throws(() => predict(engine, config('gpt2'), 'f16'), /dtype is "f16"/);
});

test('if a model does not fit, the plan says what would', async () => {
  const engine = await Engine.create();
  const floats = onDevice(2, () => predict(engine, config('sedd-medium'), 'f32'));
  assert.equal(floats.fits, false);
  assert.match(
    floats.advice,
    /needs 18\d\d MB of memory; on this device a tab should use at most 1074 MB\. As int8 \(dtype: 'q8'\) it takes 6\d\d MB/,
  );
  const tiny = onDevice(1, () => predict(engine, config('sedd-medium'), 'f32'));
  assert.match(tiny.advice, /Choose a smaller model, such as louaaron\/sedd-small/);
  assert.ok(onDevice(8, () => predict(engine, config('sedd-medium'), 'q8')).fits);
});

test('loading and a session of full length stay within the prediction', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sedd-sizes-'));
  try {
    for (const shape of ['sedd-10m', 'gpt2-10m']) {
      const weights = readFileSync(generate(folder, { shape, dtype: 'f32' }));
      const files = {
        config: config(shape),
        weights: [weights],
        tokenizer: readFileSync(path.join(ROOT, 'models/sedd-nano/tokenizer.json')),
      };
      for (const dtype of ['q8', 'f32']) {
        const engine = await Engine.create();
        const { info, memory } = predict(engine, files.config, dtype);
        const model = await Model.load(engine, files, { dtype });
        assert.equal(model.info.weightBytes, info.weightBytes, `${shape} ${dtype}`);
        const ids = Array.from({ length: info.length }, (_, i) => i);
        (info.kind === 'sedd' ? model.startBound(ids, { samples: 1 }) : model.startExact(ids)).free(); // adds a session
        assert.ok(
          engine.memorySize <= memory - ROOM + (16 << 20),
          `${shape} ${dtype}: ${engine.memorySize} bytes of wasm memory; ${memory} were told`,
        );
        assert.ok(sharedMaximum(memory) >= engine.memorySize);
        model.dispose();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
