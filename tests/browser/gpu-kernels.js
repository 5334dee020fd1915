// Compares single WebGPU kernels with the scalar C entries (wasm/kernels.c), in a page or in Node. Each function
// returns the largest ratio of an error to its bound, so a result of at most 1 is correct. In the bounds, u is the unit
// roundoff of floats.
import { attend, keysOfTile } from '/web/gpu/kernels/attend.js';
import { attendAlone } from '/web/gpu/kernels/attend-alone.js';
import { attendOne } from '/web/gpu/kernels/attend-one.js';
import { attendWhole, headSteps, roundHeads } from '/web/gpu/kernels/attend-whole.js';
import { draw } from '/web/gpu/kernels/draw.js';
import { embed, gather } from '/web/gpu/kernels/embed.js';
import { line } from '/web/gpu/kernels/line.js';
import { prepare } from '/web/gpu/kernels/prepare.js';
import { PRODUCT_TILE, product } from '/web/gpu/kernels/product.js';
import { EPILOGUES, rowGroups } from '/web/gpu/kernels/shared.js';
import { Memory } from '/web/gpu/memory.js';
import { unpack } from '/web/gpu/network.js';
import { goldenEngine } from '/tests/web/golden-module.mjs';
import { packMatrix, quantize } from './gpu-models.js';

const u = 2 ** -24;

/** Returns numbers in [-1, 1), the same in every run (a linear congruential generator). */
export function numbers(count, seed, scale = 1) {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale * (state / 2 ** 31 - 1);
  });
}

/* ---- The GPU's side ---- */

/**
 * Runs one kernel on buffers that are given as arrays. Reads back the buffers at `outputs`.
 * @returns {Promise<ArrayBuffer[]>}
 */
async function run(gpu, kernel, constants, span, buffers, outputs, groups) {
  const memory = new Memory(gpu);
  const { device } = gpu;
  const words = new Uint32Array(64);
  const { rows, first = 0, to = 0, keys = 0, index = 0, topK = 0, greedy = 0, topP = 1, temperature = 1 } = span;
  words.set([rows, first, to, keys, index, topK, greedy]);
  new Float32Array(words.buffer).set([topP, 1 / temperature, 1], 7);
  const spans = memory.uniform('span', 256);
  memory.write(spans, words);
  const held = buffers.map((array, i) => memory.upload(`binding ${i + 1}`, array ?? new Float32Array(64)));
  const pipeline = await gpu.compiler.pipeline(kernel, constants);
  const group = device.createBindGroup({
    layout: gpu.compiler.layout(kernel.bindings),
    entries: [{ buffer: spans, size: 256 }, ...held.map((buffer) => ({ buffer }))].map((resource, binding) => ({
      binding,
      resource,
    })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group, [0]);
  pass.dispatchWorkgroups(...groups);
  pass.end();
  const copies = outputs.map((i) => {
    const copy = memory.staging(`copy ${i}`, buffers[i].byteLength);
    encoder.copyBufferToBuffer(held[i], 0, copy, 0, Math.ceil(buffers[i].byteLength / 4) * 4);
    return copy;
  });
  device.queue.submit([encoder.finish()]);
  const got = [];
  for (const copy of copies) {
    await copy.mapAsync(1);
    got.push(copy.getMappedRange().slice(0));
  }
  gpu.check();
  memory.destroy();
  return got;
}

/* ---- The core's side ---- */

let engine;

/** Calls a C entry with arrays in place of pointers, and null for NULL. Copies the arrays at `outputs` back. */
async function callC(name, outputs, ...values) {
  engine ??= await goldenEngine({ wasm: 'simd', kernels: 'scalar' });
  return engine.scoped((scope) => {
    const given = values.map((value) =>
      ArrayBuffer.isView(value)
        ? scope.data(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
        : (value ?? 0),
    );
    engine.module[`_wasm_kernel_${name}`](...given);
    for (const i of outputs) {
      const { buffer, byteOffset, byteLength } = values[i];
      new Uint8Array(buffer, byteOffset, byteLength).set(engine.bytes(given[i], byteLength));
    }
  });
}

/** Returns the largest |got - want| / bound, plus 1 if any value is not a number. */
const share = (got, want, bound) =>
  want.reduce((most, value, i) => Math.max(most, Math.abs(got[i] - value) / bound(i) || (got[i] === value ? 0 : 2)), 0);

/* ---- Products ---- */

const records = ({ rows, scale, sum, bias }) => {
  const out = new Float32Array(4 * Math.ceil(rows / 8) * 8);
  for (let c = 0; c < out.length / 4; c++) out.set([scale?.[c] ?? 1, sum?.[c] ?? 0, bias?.[c] ?? 0], 4 * c);
  return out;
};

/**
 * Compares a float product of many rows with matmul_f32. Both add `size` products, so each errs by at most size u sum
 * |x w|.
 */
export async function productF32(gpu, { rows, size, channels, epilogue }) {
  const x = numbers(rows * size, 1);
  const w = numbers(channels * size, 2);
  const matrix = packMatrix('w', w, channels, size, { bias: numbers(channels, 3) });
  const y = numbers(rows * channels, 4);
  const gate = numbers(channels, 5);
  const constants = { INPUTS: size, OUT: channels, EPILOGUE: EPILOGUES[epilogue], GATE: epilogue === 'add' };
  const groups = [Math.ceil(channels / PRODUCT_TILE.channels), Math.ceil(rows / PRODUCT_TILE.rows)];
  const [out] = await run(
    gpu,
    product('f32', gpu.features),
    constants,
    { rows },
    [x, matrix.panels, records(matrix), gate, y],
    [4],
    groups,
  );
  const code = { store: 0, gelu_tanh: 1, add: 2 }[epilogue];
  const wanted = y.slice();
  await callC('matmul_f32', [0], wanted, x, matrix.panels, matrix.bias, gate, rows, size, channels, code);
  return share(new Float32Array(out), wanted, (i) => {
    const [row, channel] = [Math.floor(i / channels), i % channels];
    let sum = Math.abs(matrix.bias[channel]) + 1;
    for (let k = 0; k < size; k++) sum += Math.abs(x[row * size + k] * w[channel * size + k]);
    return 2.3 * (size + 4) * u * sum; // the slope of GELU is at most 1.13
  });
}

/**
 * Compares an int8 product with matmul_q8. The integers are equal, and four roundings follow. With `plain`, all scales
 * are 1 and the bits are equal.
 */
export async function productQ8(gpu, { rows, size, channels, plain = false, dot4 = false, tiles = false }) {
  const padded = Math.ceil(size / 8) * 8;
  const { q, scale } = quantize(numbers(channels * size, 6), channels, size);
  if (plain) scale.fill(1);
  q[0] = -128; // a file may hold weights of -128
  const bias = plain ? null : numbers(channels, 7);
  const matrix = packMatrix('w', q, channels, size, { scale, bias });
  const x = Uint8Array.from(numbers(rows * padded, 8), (v) => Math.round(63.5 * v + 63.5));
  const scales = new Float32Array(2 * rows).map((_, i) => (i % 2 ? (i * 7) % 128 : plain ? 1 : 0.01 + i / 1000));
  const y = new Float32Array(rows * channels);
  const groups = [Math.ceil(channels / PRODUCT_TILE.channels), Math.ceil(rows / PRODUCT_TILE.rows)];
  const [out] = await run(
    gpu,
    product('q8', { dot4, tiles }),
    { INPUTS: padded / 4, OUT: channels },
    { rows },
    [x, matrix.panels, records(matrix), null, y, scales],
    [4],
    groups,
  );
  const whole = new Int32Array(scales.buffer.slice(0)).map((bits, i) => (i % 2 ? scales[i] : bits));
  const wanted = y.slice();
  const { panels, sum } = matrix;
  await callC(
    ...['matmul_q8', [0], wanted, x, whole, panels, matrix.scale, sum, matrix.bias, null],
    ...[rows, padded, channels, 0],
  );
  if (plain) return share(new Float32Array(out), wanted, () => 1e-30);
  return share(new Float32Array(out), wanted, (i) => 4 * u * (Math.abs(wanted[i]) + Math.abs(bias[i % channels])));
}

/** Normalises rows of `size` from x into `to` in C. */
async function normRows(to, x, factor, shift, size) {
  for (let at = 0; at < to.length; at += size)
    await callC('norm', [0], to.subarray(at, at + size), x.slice(at), factor, shift, size, 1e-5);
}

/**
 * Compares the fused row product with norm, quantize_row and matmul of C. An input that rounds differently moves a
 * result by one step of that input.
 */
export async function rowProduct(gpu, { size, channels, q8, dot4 = false, subgroups = false }) {
  const rows = 2;
  const padded = Math.ceil(size / 8) * 8;
  const x = numbers(rows * size, 9, 2);
  const [factor, shift] = [numbers(size, 10), numbers(size, 11)];
  const values = numbers(channels * size, 12, 0.5);
  const packed = q8 ? quantize(values, channels, size) : { q: values, scale: null };
  const bias = numbers(channels, 13);
  const matrix = packMatrix('w', packed.q, channels, size, { scale: packed.scale, bias });
  const y = new Float32Array(rows * channels);
  const constants = { IN: size, OUT: channels, NORM: true, EPS: 1e-5, ...(q8 && { GROUPS: padded / 4 }) };
  const [out] = await run(
    gpu,
    line(q8 ? 'q8' : 'f32', { dot4, subgroups }),
    constants,
    { rows },
    [x, factor, shift, matrix.panels, records(matrix), null, y],
    [6],
    [Math.ceil(channels / 8), rows],
  );
  const wanted = y.slice();
  const normed = new Float32Array(rows * size);
  await normRows(normed, x, factor, shift, size);
  let step = 0;
  if (q8) {
    const xq = new Uint8Array(rows * padded);
    const xs = new Int32Array(2 * rows);
    for (let row = 0; row < rows; row++) {
      const [q, scale] = [xq.subarray(row * padded, (row + 1) * padded), xs.subarray(2 * row, 2 * row + 2)];
      await callC('quantize', [0, 1], q, scale, normed.slice(row * size), size, padded);
      step = Math.max(step, new Float32Array(xs.buffer)[2 * row]);
    }
    await callC(
      ...['matmul_q8', [0], wanted, xq, xs, matrix.panels, matrix.scale, matrix.sum, matrix.bias, null],
      ...[rows, padded, channels, 0],
    );
  } else await callC('matmul_f32', [0], wanted, normed, matrix.panels, matrix.bias, null, rows, size, channels, 0);
  // At most 2 inputs are so close to a rounding boundary that the norm's error can move them over it.
  return share(new Float32Array(out), wanted, () => 2 * step * 0.5 + 8 * size * u * size * 0.5);
}

/* ---- Rows ---- */

/**
 * Compares the norm with C. If one thread computes a row, the bits are equal. Otherwise, sums of n terms in another
 * order err by n u each, and the mean and the deviation carry these errors into every element.
 */
export async function norm(gpu, { rows, size }) {
  const x = numbers(rows * size, 14, 3);
  const [factor, shift] = [numbers(size, 15), numbers(size, 16)];
  const y = new Float32Array(rows * size);
  const constants = { IN: size, NORM: true, EPS: 1e-5 };
  const groups = [rowGroups(gpu.alone, rows)];
  const [out] = await run(gpu, prepare('f32', gpu), constants, { rows }, [x, factor, shift, y], [3], groups);
  const wanted = y.slice();
  await normRows(wanted, x, factor, shift, size);
  return share(new Float32Array(out), wanted, () => (gpu.alone ? 0 : (2 * size + 8) * u * 3));
}

/**
 * Compares rounding to 7 bits with quantize_row. Steps and zeros are equal. A value may round differently only within
 * 1e-3 of a half.
 * @returns {Promise<number>} 0 if that holds, otherwise the largest distance to a half of a value that rounded
 *   differently
 */
export async function rounding(gpu, { rows, size }) {
  const padded = Math.ceil(size / 8) * 8;
  const x = numbers(rows * size, 17, 3);
  if (rows > 3) {
    x.fill(0, size, 2 * size);
    x[2 * size] = Number.NaN;
    x[3 * size] = Number.POSITIVE_INFINITY;
  }
  const y = new Uint8Array(rows * padded);
  const scales = new Float32Array(2 * rows);
  const constants = { IN: size, NORM: false, EPS: 1e-5, GROUPS: padded / 4 };
  const [bytes, steps] = await run(
    gpu,
    prepare('q8', gpu),
    constants,
    { rows },
    [x, null, null, y, scales],
    [3, 4],
    [rowGroups(gpu.alone, rows)],
  );
  const got = new Uint8Array(bytes);
  const gotScales = new Float32Array(steps);
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    const wanted = new Uint8Array(padded);
    const scale = new Int32Array(2);
    await callC('quantize', [0, 1], wanted, scale, x.slice(row * size, (row + 1) * size), size, padded);
    const step = new Float32Array(scale.buffer)[0];
    worst = Math.max(
      worst,
      Math.abs(gotScales[2 * row] - step) > 4 * u * step || gotScales[2 * row + 1] !== scale[1] ? 2 : 0,
    );
    wanted.forEach((value, k) => {
      const fraction = Math.abs((((Math.abs(x[row * size + k] / step) % 1) + 1) % 1) - 0.5);
      if (got[row * padded + k] !== value) worst = Math.max(worst, fraction > 1e-3 ? 1 + fraction : 0);
    });
  }
  return worst;
}

/** Checks that embedding and gathering copy values bit for bit. */
export async function lookups(gpu, { size }) {
  const rows = 5;
  const ids = Uint32Array.from([3, 0, 10, 3, 7]);
  const values = numbers(11 * size, 18);
  const positions = numbers(20 * size, 19);
  const { q, scale } = quantize(values, 11, size);
  const padded = Math.ceil(size / 8) * 8;
  const sources = [
    ['table', 'f32', values, null, (id, k) => values[id * size + k]],
    ['table', 'q8', q, scale, (id, k) => Math.fround(q[id * size + k] * scale[id])],
    ['panels', 'f32', packMatrix('e', values, 11, size).panels, null, (id, k) => values[id * size + k]],
  ];
  const packed = packMatrix('e', q, 11, size, { scale });
  sources.push(['panels', 'q8', packed.panels, records(packed), (id, k) => Math.fround(q[id * size + k] * scale[id])]);
  let worst = 0;
  for (const [source, dtype, table, scales, value] of sources) {
    const constants = {
      SIZE: size,
      POSITIONS: true,
      ...(source === 'panels' && dtype === 'q8' && { GROUPS: padded / 4 }),
    };
    const y = new Float32Array(rows * size);
    const buffers = [ids, table, scales, positions, y];
    const [out] = await run(gpu, embed(source, dtype), constants, { rows: 4, index: 1, to: 6 }, buffers, [4], [4]);
    const wanted = Float32Array.from({ length: 4 * size }, (_, i) => {
      const [row, k] = [Math.floor(i / size), i % size];
      return Math.fround(value(ids[1 + row], k) + positions[(6 + row) * size + k]);
    });
    worst = Math.max(
      worst,
      share(new Float32Array(out), wanted, (i) => u * Math.abs(wanted[i]) + 1e-30),
    );
  }
  const y = new Float32Array(2 * size);
  const [copied] = await run(gpu, gather, { SIZE: size }, { rows: 2 }, [Uint32Array.from([4, 9]), values, y], [2], [2]);
  const wanted = Float32Array.from([...values.subarray(4 * size, 5 * size), ...values.subarray(9 * size, 10 * size)]);
  return Math.max(
    worst,
    share(new Float32Array(copied), wanted, () => 1e-30),
  );
}

/* ---- Attention ---- */

/** Runs the two kernels of attention in integers, with the arguments of run(). */
async function runWhole(gpu, size, { HEADS, SCALE }, span, buffers, groups) {
  const heads = { HEADS, SCALE, ROTARY: true, ROWS: span.keys };
  const whole = new Int32Array(2 * HEADS * span.keys * 4 * Math.ceil(size / 4));
  const steps = new Float32Array(HEADS * headSteps(size));
  const inputs = buffers.slice(0, -1);
  const rounded = await run(gpu, roundHeads({ size }), heads, span, [...inputs, whole, steps], [4, 5], [HEADS]);
  const read = [...buffers, new Int32Array(rounded[0]), new Float32Array(rounded[1])];
  return run(gpu, attendWhole({ size }), { ...heads, MAPPED: true }, span, read, [4], groups);
}

/**
 * Compares attention with C. Bidirectional attention with the rotary embedding and causal attention over a cache are
 * compared with rotate and attention; attention in integers (`whole`) with attention_q8, whose bits it has.
 * A score errs by at most e = 2 D u |q| |k| / sqrt(D), and a weight by 2 e + 1e-6 of itself. The weighted mean of
 * values up to 1 errs by twice that, once each for numerator and denominator. Sums of n terms add n u.
 * @param {{size: number, heads: number, queries: number, keys: number, causal?: boolean, one?: boolean, whole?: boolean,
 *   subgroups?: boolean}} shape
 */
export async function attention(
  gpu,
  { size, heads, queries, keys, causal = false, one = false, whole = false, subgroups = false },
) {
  const width = heads * size;
  const half = size >> 1;
  const qkv = numbers(keys * 3 * width, 20, 2);
  const places = Uint32Array.from({ length: keys }, (_, i) => i + (i >> 2)); // every fifth place is not read
  const list = Uint32Array.from({ length: queries }, (_, i) => Math.floor((i * keys) / queries));
  const angle = (p, j) => p * 10000 ** ((-2 * j) / size);
  const turns = new Float32Array(4 * keys * half);
  for (let p = 0; p < 2 * keys; p++)
    for (let j = 0; j < half; j++) turns.set([Math.cos(angle(p, j)), Math.sin(angle(p, j))], 2 * (p * half + j));
  const scale = Math.fround(1 / Math.sqrt(size));
  const constants = { HEADS: heads, SCALE: scale };
  if (!one) Object.assign(constants, { CAUSAL: causal, ROTARY: !causal, MAPPED: !causal });
  const tile = keysOfTile(size, gpu.limits.maxComputeWorkgroupStorageSize);
  const kernel = one ? attendOne({ size }, { subgroups }) : gpu.alone ? attendAlone({ size }) : attend({ size, tile });
  const y = new Float32Array(queries * width);
  const buffers = one ? [qkv, y] : [qkv, list, places, turns, y];
  const span = { rows: queries, keys, to: causal ? keys - queries : 0 };
  const groups = [one ? queries : Math.ceil(queries / attend.queries), heads];
  const [out] = whole
    ? await runWhole(gpu, size, constants, span, buffers, groups)
    : await run(gpu, kernel, constants, span, buffers, [buffers.length - 1], groups);
  const rotated = qkv.slice();
  if (!causal)
    for (let row = 0; row < keys; row++)
      for (let head = 0; head < 2 * heads; head++) {
        const part = (i) => Float32Array.from({ length: half }, (_, j) => turns[2 * (places[row] * half + j) + i]);
        const at = row * 3 * width + head * size;
        await callC('rotate', [0], rotated.subarray(at, at + size), part(0), part(1), half);
      }
  const q = Float32Array.from({ length: queries * width }, (_, i) => {
    const row = causal ? keys - queries + Math.floor(i / width) : list[Math.floor(i / width)];
    return rotated[row * 3 * width + (i % width)];
  });
  const wanted = new Float32Array(queries * width);
  for (let head = 0; head < heads; head++) {
    const result = new Float32Array(queries * width);
    const from = (part) => rotated.subarray(part * width + head * size);
    const sizes = [width, width, 3 * width, size, queries, keys, causal ? keys - queries : -1, scale, Number(whole)];
    await callC('attention', [0], result, q.subarray(head * size), from(1), from(2), ...sizes);
    for (let row = 0; row < queries; row++)
      wanted.set(result.subarray(row * width, row * width + size), row * width + head * size);
  }
  const e = 2 * size * u * 4 * Math.sqrt(size);
  if (whole) return share(new Float32Array(out), wanted, () => 0);
  return share(new Float32Array(out), wanted, () => 2 * 2 * (2 * (2 * e + 1e-6) + 2 * keys * u));
}

/* ---- Draws ---- */

/** Computes the rules of draw.c in double from logits in float. */
function drawn(logits, uniform, { temperature = 1, topK = 0, topP = 1, greedy = 0 }) {
  const largest = Math.max(...logits);
  const exponents = Array.from(logits, (v) => (v - largest) / temperature);
  const all = exponents.map(Math.exp);
  const total = (list) => list.reduce((a, b) => a + b, 0);
  const sum = total(all);
  const falling = [...all].sort((a, b) => b - a);
  let kept = all;
  if (topK > 0 && topK < logits.length) kept = kept.map((w) => (w >= falling[topK - 1] ? w : 0));
  if (topP < 1) {
    const goal = topP * total(kept);
    let [mass, least] = [0, 0];
    for (const w of kept.toSorted((a, b) => b - a)) {
      if (mass >= goal) break;
      mass += w;
      least = w;
    }
    kept = kept.map((w) => (w >= least ? w : 0));
  }
  const mass = total(kept);
  let [token, edge] = [logits.indexOf(largest), 1];
  for (let [y, before] = [0, 0]; y < logits.length && !greedy; before += kept[y++])
    if (kept[y] > 0 && before + kept[y] > uniform * mass) {
      [token, edge] = [y, Math.min(uniform * mass - before, before + kept[y] - uniform * mass) / mass];
      break;
    }
  return {
    ...{ token, edge, confidence: all[token] / sum, likeliest: 1 / sum, second: (falling[1] ?? 0) / sum },
    entropy: Math.log(sum) - exponents.reduce((a, x, y) => a + all[y] * x, 0) / sum,
    logSum: largest + Math.log(Array.from(logits, (v) => Math.exp(v - largest)).reduce((a, b) => a + b, 0)),
  };
}

/**
 * Compares draws of rows with the rules of draw.c in double. Tokens are equal unless the uniform is closer to an edge
 * than the error of the sums, which is at most tokens * u.
 * @returns {Promise<{worst: number, differ: number, near: number}>} share of the bounds, tokens that differ, and those of
 *   them near an edge
 */
export async function draws(gpu, { rows, tokens, muted = [], ...choice }) {
  const stride = tokens + 1; // the mask's column is never drawn
  const logits = numbers(rows * stride, 21, 9);
  const uniforms = Float32Array.from(numbers(rows + 2, 22), (v) => (v + 1) / 2);
  const kernel = draw(gpu);
  const results = new Float32Array(8 * (rows + 2));
  const [, packed] = await run(
    gpu,
    kernel,
    { TOKENS: tokens, STRIDE: stride, MUTED: muted.length },
    { rows, index: 2, ...choice },
    [logits, uniforms, Uint32Array.from(muted), new Uint32Array(rows + 2), results],
    [3, 4],
    [rowGroups(gpu.alone, rows)],
  );
  const got = unpack(new Float32Array(packed).subarray(16), rows);
  const state = { worst: 0, differ: 0, near: 0 };
  for (let row = 0; row < rows; row++) {
    const line_ = logits.slice(row * stride, row * stride + tokens);
    for (const id of muted) line_[id] = -1e30;
    const want = drawn(line_, uniforms[row + 2], choice);
    const same = want.token === got.token[row];
    state.differ += same ? 0 : 1;
    state.near += !same && want.edge < 4 * tokens * u ? 1 : 0;
    const bounds = { logSum: 1e-5, entropy: 2e-5, likeliest: 2e-6, second: 2e-6 };
    if (same) Object.assign(bounds, { confidence: 2e-6, edge: 4 * tokens * u + 1e-6 });
    for (const [name, bound] of Object.entries(bounds))
      state.worst = Math.max(
        state.worst,
        Math.abs(got[name][row] - want[name]) / bound || (got[name][row] === want[name] ? 0 : 2),
      );
  }
  return state;
}

/** Draws from equal weights. top_k and top_p keep ties, so every token can be drawn. */
export async function ties(gpu, { topK = 0, topP = 1 }) {
  const rows = 64;
  const logits = Float32Array.from({ length: rows * 98 }, (_, i) => (i % 98 < 10 ? 2 : -3));
  const uniforms = Float32Array.from({ length: rows }, (_, i) => (i + 0.5) / rows);
  const buffers = [logits, uniforms, null, new Uint32Array(rows), new Float32Array(8 * rows)];
  const groups = [rowGroups(gpu.alone, rows)];
  const [tokens] = await run(gpu, draw(gpu), SMALL, { rows, topK, topP }, buffers, [3], groups);
  return [...new Set(new Uint32Array(tokens))].sort((a, b) => a - b);
}

/** Returns which of three rows are reported as non-finite. The first holds NaN, the second infinity. */
export async function damaged(gpu) {
  const logits = numbers(3 * 98, 23);
  logits[5] = Number.NaN;
  logits[98 + 96] = Number.POSITIVE_INFINITY;
  const buffers = [logits, new Float32Array(3), null, new Uint32Array(3), new Float32Array(24)];
  const [packed] = await run(gpu, draw(gpu), SMALL, { rows: 3 }, buffers, [4], [rowGroups(gpu.alone, 3)]);
  return [...unpack(new Float32Array(packed), 3).logSum].map(Number.isNaN);
}

/** Returns the sizes of draws from a vocabulary of 97 tokens and a mask. */
const SMALL = { TOKENS: 97, STRIDE: 98, MUTED: 0 };
