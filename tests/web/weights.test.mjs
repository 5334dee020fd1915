// Tests how the bytes of a file pass through memory: which buffers are used, and how often a source is read.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { LocalFile } from '../../web/load/remote.js';
import { CHUNK } from '../../web/store/entry.js';
import { ChunkedWeights } from '../../web/load/weights.js';

const COUNT = 8;
const SIZE = (COUNT - 1) * CHUNK + 5;

/** Makes a file whose bytes are the number of their chunk, and which records the chunks that are requested. */
function numbered() {
  const asked = [];
  return {
    asked,
    size: SIZE,
    url: 'model.bin',
    async read(begin, buffer, filled, end, onBytes) {
      asked.push(begin / CHUNK);
      buffer.fill(begin / CHUNK, filled);
      onBytes(buffer.length);
    },
  };
}

/**
 * Reads a range to its end, or until `enough` pieces have arrived. Returns [number, bytes] of each piece and records
 * the buffers.
 */
async function readAll(weights, begin, end, buffers, enough = Infinity) {
  const found = [];
  for await (const bytes of weights.read(begin, end)) {
    assert.ok(bytes.every((byte) => byte === bytes[0]));
    found.push([bytes[0], bytes.length]);
    buffers.add(bytes.buffer);
    if (found.length === enough) break;
  }
  return found;
}

test('a file that is read from front to back passes through one buffer', async () => {
  const source = numbered();
  const buffers = new Set();
  const found = await readAll(new ChunkedWeights(source), CHUNK - 1, SIZE, buffers);
  assert.deepEqual(found, [[0, 1], ...Array.from({ length: COUNT - 2 }, (_, i) => [i + 1, CHUNK]), [COUNT - 1, 5]]);
  assert.equal(buffers.size, 1);
});

test('the first and last bytes of a torch file are requested once', async () => {
  const source = numbered();
  const weights = new ChunkedWeights(source);
  const buffers = new Set();
  await readAll(weights, 0, SIZE, buffers, 1);
  assert.deepEqual(await readAll(weights, SIZE - 2, SIZE, buffers), [[COUNT - 1, 2]]);
  assert.equal((await readAll(weights, 3, SIZE, buffers)).length, COUNT);
  assert.deepEqual(source.asked, [0, COUNT - 1, 1, 2, 3, 4, 5, 6]);
  assert.ok(buffers.size <= 3, `${buffers.size} buffers`);
});

test('a Blob is read from any byte on, and an unreadable one is reported', async () => {
  const bytes = Uint8Array.from({ length: 700000 }, (_, i) => (i * 2654435761) >>> 24);
  const buffer = new Uint8Array(600000).fill(7);
  const told = [];
  await new LocalFile(new Blob([bytes])).read(1000, buffer, 10, bytes.length, (filled) => told.push(filled));
  assert.deepEqual(buffer.subarray(0, 10), new Uint8Array(10).fill(7));
  assert.deepEqual(buffer.subarray(10), bytes.subarray(1010, 601000));
  assert.equal(told.at(-1), buffer.length);
  const gone = {
    size: 9,
    name: 'gone.bin',
    slice: () => ({
      stream: () =>
        new ReadableStream({
          pull() {
            throw new Error('it is gone');
          },
        }),
    }),
  };
  await assert.rejects(
    new LocalFile(gone).read(0, new Uint8Array(9), 0, 9, () => {}),
    { code: 'io', message: 'gone.bin cannot be read: it is gone' },
  );
});
