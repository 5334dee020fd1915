// Checks the parts of the bench that need no browser: model files for LiteRT, the search for relaxed instructions, the order of turns, plans.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ByteBuffer } from 'flatbuffers';
import { Checkpoint, dequantise, transpose } from '../../scripts/bench/checkpoint.mjs';
import { Table, byte, flatbuffer, int } from '../../scripts/bench/engines/flatbuffer.js';
import { decodeGraph, prefillGraph, seddGraph } from '../../scripts/bench/engines/tflite-graphs.js';
import { Clock } from '../../scripts/bench/plan.mjs';
import { relaxedByEngine, relaxedInstructions } from '../../scripts/bench/relaxed.mjs';
import { race, rotated } from '../../scripts/bench/run.mjs';
import { writeWeights } from '../../scripts/bench/tflite.mjs';
import { contendersFor } from '../../scripts/bench/works.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const checkpointOf = (name) => new Checkpoint(path.join(ROOT, 'models', name));

// ---- An independent reader ---------------------------------------------------------------------

/** Reads fields of a table by their numbers, with the flatbuffers package. */
class Read {
  constructor(bytes, at) {
    Object.assign(this, { buffer: bytes instanceof ByteBuffer ? bytes : new ByteBuffer(bytes) });
    this.at = at ?? this.buffer.readInt32(0);
  }
  #field(number) {
    const offset = this.buffer.__offset(this.at, 4 + 2 * number);
    return offset && this.at + offset;
  }
  int(number) {
    const at = this.#field(number);
    return at ? this.buffer.readInt32(at) : 0;
  }
  byte(number) {
    const at = this.#field(number);
    return at ? this.buffer.readUint8(at) : 0;
  }
  text(number) {
    return this.buffer.__string(this.#field(number));
  }
  length(number) {
    const at = this.#field(number);
    return at ? this.buffer.__vector_len(at) : 0;
  }
  start(number) {
    return this.buffer.__vector(this.#field(number));
  }
  ints(number) {
    return Array.from({ length: this.length(number) }, (_, i) => this.buffer.readInt32(this.start(number) + 4 * i));
  }
  tables(number) {
    return Array.from(
      { length: this.length(number) },
      (_, i) => new Read(this.buffer, this.buffer.__indirect(this.start(number) + 4 * i)),
    );
  }
  table(number) {
    const at = this.#field(number);
    return at ? new Read(this.buffer, this.buffer.__indirect(at)) : null;
  }
}

test('a FlatBuffer reads back: scalars, texts, vectors, tables, fields that are missing', () => {
  const inner = new Table(undefined, int(-7));
  const bytes = flatbuffer(new Table(byte(200), 'words', Int32Array.of(1, -2), undefined, [inner, inner]), 'TEST');
  assert.equal(bytes.length % 16, 0);
  assert.equal(new TextDecoder().decode(bytes.subarray(4, 8)), 'TEST');
  const root = new Read(bytes);
  assert.deepEqual([root.byte(0), root.text(1), root.ints(2), root.length(3)], [200, 'words', [1, -2], 0]);
  assert.deepEqual(
    root.tables(4).map((table) => table.int(1)),
    [-7, -7],
  );
});

/** Returns the whole model file of a graph, read. */
function modelOf(graph, weights) {
  const head = graph.head('main');
  const bytes = new Uint8Array(head.length + weights.length);
  bytes.set(head);
  bytes.set(weights, head.length);
  return new Read(bytes);
}

function weightsOf(name, kind, dtype) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tflite-'));
  const file = path.join(folder, 'weights');
  writeWeights(file, checkpointOf(name), kind, dtype);
  const bytes = readFileSync(file);
  rmSync(folder, { recursive: true });
  return bytes;
}

const FULLY_CONNECTED = 9;
/** Says whether two arrays hold the same bytes. */
const same = (a, b) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

/** Returns the matrices of all products of a model: shape, data and scales. */
function matricesOf(model) {
  const codes = model.tables(1).map((code) => code.int(3));
  const [graph] = model.tables(2);
  const tensors = graph.tables(0);
  const buffers = model.tables(4);
  return graph
    .tables(3)
    .filter((operator) => codes[operator.int(0)] === FULLY_CONNECTED)
    .map((operator) => {
      const tensor = tensors[operator.ints(1)[1]];
      const buffer = buffers[tensor.int(2)];
      const start = buffer.start(0);
      const quantization = tensor.table(4);
      return {
        shape: tensor.ints(0),
        type: tensor.byte(1),
        start,
        bytes: buffer.buffer.bytes().slice(start, start + buffer.length(0)),
        scales: quantization && {
          count: quantization.length(2),
          zeros: quantization.length(3),
          first: quantization.buffer.readFloat32(quantization.start(2)),
        },
      };
    });
}

for (const [name, kind, build, wanted, transposed] of [
  ['sedd-nano', 'sedd', seddGraph, 'blocks.0.attn_qkv.weight', false],
  ['gpt2-nano', 'gpt2', decodeGraph, 'h.0.attn.c_attn.weight', true],
]) {
  test(`${name}: a LiteRT model holds the checkpoint's matrices, aligned, for any length`, () => {
    const checkpoint = checkpointOf(name);
    const stored = checkpoint.matrix(wanted);
    const matrix = transposed ? transpose(stored) : stored;
    const int8 = weightsOf(name, kind, 'int8');
    for (const length of [3, 128]) {
      const found = matricesOf(modelOf(build(checkpoint.config, 'int8', length), int8)).find(
        ({ type, shape }) => type === 9 && shape[0] === matrix.rows,
      );
      assert.deepEqual(found.shape, [matrix.rows, matrix.columns]);
      assert.equal(found.start % 16, 0);
      assert.ok(same(found.bytes, matrix.values));
      assert.deepEqual(found.scales, { count: matrix.rows, zeros: matrix.rows, first: matrix.scales[0] });
    }
    const f32 = matricesOf(modelOf(build(checkpoint.config, 'f32', 5), weightsOf(name, kind, 'f32')));
    const floats = f32.find(({ shape }) => shape[0] === matrix.rows && shape[1] === matrix.columns);
    assert.ok(same(floats.bytes, dequantise(matrix)));
  });
}

test('prefill and decode share one file of weights', () => {
  const { config } = checkpointOf('gpt2-nano');
  for (const dtype of ['int8', 'f32']) {
    assert.deepEqual(
      prefillGraph(config, dtype, 16).weights.entries,
      decodeGraph(config, dtype, 32).weights.entries,
      dtype,
    );
  }
});

// ---- Relaxed instructions ----------------------------------------------------------------------

/** Returns a module with one function of this body. */
const moduleOf = (...body) =>
  Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[3, 2, 1, 0],
    ...[10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b],
  ]);

test('relaxed instructions are found by name, and constants that look like one are not', () => {
  const vector = [0xfd, 12, ...Array(16).fill(0xfd)]; // v128.const
  const madd = [...vector, ...vector, ...vector, 0xfd, 0x85, 0x02, 0x1a];
  assert.deepEqual([...relaxedInstructions(moduleOf(...madd, ...madd))], [['f32x4.relaxed_madd', 2]]);
  assert.deepEqual([...relaxedInstructions(moduleOf(0x41, 0xfd, 0x85, 0x02, 0x1a))], []); // i32.const 33021
  assert.throws(() => relaxedInstructions(moduleOf(0xff)), /unknown wasm instruction 0xff/);
});

test('the modules of this engine and of LiteRT hold relaxed dot products, those of the other peers none', () => {
  const found = relaxedByEngine();
  assert.match(found['sedd-web'], /relaxed_dot_i8x16_i7x16_add_s/);
  assert.match(found['litert.js'], /relaxed_dot_i8x16_i7x16_add_s/);
  assert.deepEqual([found['onnxruntime-web'], found.wllama], ['none', 'none']);
});

// ---- The order of turns ------------------------------------------------------------------------

/** A contender that records when it is opened and when it runs. */
const noting = (name, notes) => ({
  engine: name,
  open: false,
  async ready() {
    if (!this.open) notes.push(`+${name}`);
    this.open = true;
  },
  async drop() {
    this.open = false;
  },
  async once() {
    notes.push(name);
    return 1;
  },
});

test('every round begins with another contender, and every opening, too', async () => {
  assert.deepEqual(rotated(['a', 'b', 'c'], 4), ['b', 'c', 'a']);
  const notes = [];
  const work = { repeat: 1, rounds: [4], openings: [2], count: [1] };
  const options = { quick: false, quietSeconds: 0, log() {} };
  const contenders = ['a', 'b', 'c', 'd'].map((name) => noting(name, notes));
  const raced = await race(contenders, work, options);
  assert.deepEqual(
    raced.map(({ times }) => times.length),
    [4, 4, 4, 4],
  );
  const openings = notes.filter((note) => note.startsWith('+')).join('');
  assert.equal(openings, '+a+b+c+d+c+d+a+b');
  const text = notes.join('').replace(/(\+?[a-d])\1+/g, '$1'); // warm-up runs follow each other
  assert.match(text, /\+dd?abcdbcda\+c/);
  assert.match(text, /cdabdabc$/);
});

test('contenders can be chosen by their weights; Node leaves out those that need a page', () => {
  const all = { quick: false, peers: true, node: false };
  const names = (options) => contendersFor({ kind: 'gpt2' }, options).map(({ engine, dtype }) => `${engine} ${dtype}`);
  assert.equal(names(all).length, 10);
  assert.deepEqual(names({ ...all, dtypes: ['q8_0'] }), ['wllama q8_0']);
  assert.deepEqual(
    new Set(names({ ...all, node: true, dtypes: ['int8', 'q4_0'] })),
    new Set(['sedd-web int8', 'onnxruntime-web int8']),
  );
});

// ---- Plans -------------------------------------------------------------------------------------

/** Returns the pieces that `--plan` prints, as [words, seconds]; the last is the whole run. */
function planOf(...flags) {
  const { stdout, stderr } = spawnSync(process.execPath, ['scripts/bench.mjs', '--plan', ...flags], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const pieces = [...stdout.matchAll(/^(.*\S) +(\d+) s$/gm)].map(([, words, seconds]) => [words, Number(seconds)]);
  assert.ok(pieces.length > 1, stderr);
  return pieces;
}

test('a quick run is planned for at most six minutes, and any piece of a whole run for five', () => {
  const quick = planOf('--quick');
  assert.equal(quick.at(-1)[0], 'together');
  assert.ok(quick.at(-1)[1] <= 360, `${quick.at(-1)[1]} s`);
  assert.equal(
    quick.at(-1)[1],
    quick.slice(0, -1).reduce((sum, [, seconds]) => sum + seconds, 0),
  );
  const names = new Set();
  for (const dtypes of ['int8,q8_0', 'f32', 'q4_0']) {
    const pieces = planOf('--dtypes', dtypes).slice(0, -2);
    for (const [words, seconds] of pieces) assert.ok(seconds > 1 && seconds <= 285, `${words}: ${seconds} s`);
    for (const [words] of pieces) names.add(words);
  }
  for (const words of ['sedd-small-step-256, 2 threads', 'texts-small, 1 threads', 'load, sedd-small'])
    assert.ok(names.has(words), words);
});

test('a resumed run goes on with the contenders, texts and loads that have no row', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  const report = path.join(folder, 'report.json');
  const row = (work, engine, dtype, kernels) => ({ work, engine, dtype, kernels, threads: 1 });
  const rows = [
    row('sedd-nano-step-128', 'sedd-web', 'int8', 'relaxed16'),
    row('sedd-nano-step-128', 'litert.js', 'int8', 'relaxed'),
    row('texts-nano', 'sedd-web', 'int8', 'relaxed16'),
  ];
  writeFileSync(report, JSON.stringify({ rows, loads: [{ model: 'sedd-nano', engine: 'sedd-web' }] }));
  const flags = [
    '--only',
    'sedd-nano-step-128,texts-nano,load',
    '--threads',
    '1',
    '--dtypes',
    'int8',
    '--report',
    report,
  ];
  const words = (...more) => planOf(...flags, ...more).map(([text]) => text);
  const all = words();
  const left = words('--resume');
  assert.deepEqual(
    all.filter((text) => !left.includes(text)),
    ['texts-nano, 1 threads', 'load, sedd-nano'],
  );
  const seconds = (...more) => planOf(...flags, ...more)[0][1];
  assert.ok(seconds('--resume') < seconds(), 'two of four contenders are left');
  rows.push(row('sedd-nano-step-128', 'onnxruntime-web', 'int8', 'simd128'));
  rows.push(row('sedd-nano-step-128', 'sedd-web', 'int8', 'simd128'));
  writeFileSync(report, JSON.stringify({ rows, loads: [] }));
  assert.ok(!words('--resume').includes('sedd-nano-step-128, 1 threads'));
  rmSync(folder, { recursive: true });
});

test('works begin while they can end in time; slow works stretch what is left', () => {
  let now = 100;
  const clock = new Clock(5, () => now);
  assert.ok(clock.admit('too long, but the first', 1000));
  now += 30;
  assert.ok(clock.admit('b', 100));
  now += 50;
  assert.ok(!clock.admit('c', 250));
  assert.ok(clock.admit('d', 200));
  now += 10;
  assert.deepEqual(clock.left, ['c']);
  const slow = new Clock(5, () => now);
  slow.admit('a', 20);
  now += 80; // four times as long as planned
  assert.ok(!slow.fits(54) && slow.fits(53));
});
