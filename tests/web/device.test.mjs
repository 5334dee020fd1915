// Tests when a model leaves its graphics device, with simulated devices. tests/browser/webgpu.test.mjs uses real ones.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Device } from '../../web/worker/device.js';

const fault = (reason, message) => Object.assign(new Error(message), { reason });
const never = () => false;

/** A model whose steps and tokens report that they ran on wasm. */
const model = {
  startGeneration: (_, written = []) => ({
    done: false,
    advance: () => `wasm after ${written.length}`,
    free() {},
  }),
};
const run = { advance: () => 'wasm' };

/** Opens a simulated device with the members `gpu`. Also records what it reported and how often it was destroyed. */
async function open(gpu) {
  const seen = { told: [], destroyed: 0, opened: 0, lost: () => {} };
  const openWebGPU = async (_, { onLost }) => {
    seen.lost = onLost;
    seen.opened++;
    return {
      name: 'card',
      reason: 'It was asked for.',
      destroy: () => {
        seen.destroyed++;
        onLost(fault('lost', 'The graphics device was lost: destroyed.')); // a destroyed device reports its loss
      },
      ...gpu,
    };
  };
  seen.device = new Device(
    'webgpu',
    (info) => seen.told.push(info),
    async () => ({ openWebGPU }),
  );
  await seen.device.open(model);
  return seen;
}

test('a lost device is told once, and the step at hand is made on wasm', async () => {
  const seen = await open({
    advance: async () => {
      seen.lost(fault('lost', 'The graphics device was lost: reset.')); // event first, then the call fails
      throw fault('lost', 'The graphics device was lost: reset.');
    },
  });
  assert.deepEqual(seen.device.info, { kind: 'webgpu', name: 'card', reason: 'It was asked for.' });
  assert.equal(await seen.device.advance(run, never), 'wasm');
  assert.equal(await seen.device.advance(run, never), 'wasm');
  const wasm = { kind: 'wasm', name: '', reason: 'The graphics device was lost: reset.' };
  assert.deepEqual([seen.told, seen.device.info, seen.destroyed], [[wasm], wasm, 1]);
});

test('a device that is lost while nothing runs is given up', async () => {
  const seen = await open({ advance: async () => 'gpu' });
  assert.equal(await seen.device.advance(run, never), 'gpu');
  seen.lost(fault('lost', 'gone'));
  assert.equal(await seen.device.advance(run, never), 'wasm');
  assert.equal(seen.told.length, 1);
});

test('a lost device is opened anew before the next run, twice at most; other faults are for good', async () => {
  const seen = await open({ advance: async () => 'gpu' });
  const devices = [];
  for (let loss = 1; loss <= 3; loss++) {
    seen.lost(fault('lost', `loss ${loss}`));
    devices.push(await seen.device.advance(run, never));
    await seen.device.ready();
    devices.push(await seen.device.advance(run, never));
  }
  assert.deepEqual(devices, ['wasm', 'gpu', 'wasm', 'gpu', 'wasm', 'wasm']);
  assert.equal(seen.opened, 3);
  const card = { kind: 'webgpu', name: 'card', reason: 'It was asked for.' };
  const wasm = (reason) => ({ kind: 'wasm', name: '', reason });
  assert.deepEqual(seen.told, [wasm('loss 1'), card, wasm('loss 2'), card, wasm('loss 3')]);

  const full = await open({ advance: async () => 'gpu' });
  full.lost(fault('memory', 'full'));
  await full.device.ready();
  assert.equal(await full.device.advance(run, never), 'wasm');
  assert.equal(full.opened, 1);
});

test('what the device does not do runs on wasm, and the device stays', async () => {
  let turn = 0;
  const seen = await open({
    advance: async () => {
      if (turn++ === 0) throw fault('unsupported', 'no kernel');
      return turn === 2 ? undefined : 'gpu'; // a step of a likelihood returns nothing
    },
  });
  assert.equal(await seen.device.advance(run, never), 'wasm');
  assert.equal(await seen.device.advance(run, never), undefined);
  assert.equal(await seen.device.advance(run, never), 'gpu');
  assert.deepEqual([seen.told, seen.destroyed], [[], 0]);
});

test('an abort is not a fault', async () => {
  const seen = await open({
    advance: async () => {
      throw new DOMException('aborted', 'AbortError');
    },
  });
  await assert.rejects(seen.device.advance(run, never), { name: 'AbortError' });
  assert.equal(seen.device.info.kind, 'webgpu');
});

test('GPT-2 goes on after the tokens that the device has written', async () => {
  const written = [];
  const seen = await open({
    generation: async () => ({
      written,
      done: false,
      advance: async () => {
        if (written.length === 2) throw fault('memory', 'full');
        written.push(7);
        return 7;
      },
      free() {},
    }),
  });
  const generation = await seen.device.generation({}, never);
  const tokens = [await generation.advance(), await generation.advance(), await generation.advance()];
  assert.deepEqual(tokens, [7, 7, 'wasm after 2']);
  assert.equal(seen.device.info.reason, 'full');
});

test('code that cannot be fetched, and a word that is none', async () => {
  const device = new Device('auto', undefined, async () => {
    throw new TypeError('Failed to fetch');
  });
  await device.open(model);
  assert.deepEqual(device.info, { kind: 'wasm', name: '', reason: 'Failed to fetch' });
  assert.throws(() => new Device('cuda'), {
    code: 'argument',
    message: /device is "cuda"; expected wasm, webgpu or auto/,
  });
});
