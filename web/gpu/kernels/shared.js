/**
 * WGSL that several kernels share. A kernel is an object { name, bindings, code }. `bindings` has a letter for each
 * binding of group 0 (u: the span, r: read-only storage, w: writable storage), and `code` holds the entry point `main`.
 * Sizes are override constants.
 */

/** @typedef {{name: string, bindings: string, code: string}} Kernel */

/**
 * The arguments of one dispatch (a span), at binding 0. They change from step to step; everything else is constant.
 *   rows    number of rows of this dispatch
 *   first   first row that is read, if the kernel uses it
 *   to      first row that is written, if the kernel uses it; in GPT-2, the number of tokens in the cache
 *   keys    number of keys that every query attends to (bidirectional attention)
 *   index   first token of an embedding; first uniform and first result of a draw
 *   unit    always 1. Divisors are multiplied by it, because compilers replace a division by a constant by a less exact
 *           multiplication
 */
export const SPAN = `
struct Span {
  rows: u32, first: u32, to: u32, keys: u32, index: u32,
  top_k: u32, greedy: u32, top_p: f32, inverse: f32, unit: f32,
}
@group(0) @binding(0) var<uniform> span: Span;
`;

/**
 * The exponential of core/kernels/math.h, with a relative error within 3e-7. The builtin may err by 3 + 2|x| units in
 * the last place. The core rounds by adding and subtracting 1.5 * 2^23, which WGSL compilers may remove; round() gives
 * the same integers.
 */
export const EXP = `
fn exponential(x: f32) -> f32 {
  let c = clamp(x, -87.3, 88.0);
  let n = round(c * 1.44269504);
  let r = (c - n * 0.693359375) - n * -2.12194440e-4;
  let r2 = r * r;
  var p = 1.388888889e-3 * r2 + (8.333333333e-3 * r + 4.166666667e-2);
  p = p * r2 + (1.666666667e-1 * r + 0.5);
  p = p * r2 + (r + 1.0);
  return select(p * bitcast<f32>((i32(n) + 127) << 23u), 0.0, x < -87.3);
}
`;

/**
 * Returns how the threads of a row combine their values. A thread may compute its row `alone`, threads may combine
 * `together` in workgroup memory, or mostly within `subgroups`.
 * @typedef {'alone'|'together'|'subgroups'} Meeting
 * @param {{alone: boolean, features: {subgroups: boolean}}} gpu @returns {Meeting}
 */
export const meetingOf = ({ alone, features }) => (alone ? 'alone' : features.subgroups ? 'subgroups' : 'together');

/** The first line of a kernel, a further argument of its main function, and the statement that stores that argument. */
export const MEETING = {
  alone: { enable: '', argument: '', keep: '', suffix: ', alone' },
  together: { enable: '', argument: '', keep: '', suffix: '' },
  subgroups: {
    enable: 'enable subgroups;',
    argument: ', @builtin(subgroup_size) subgroup_lanes: u32',
    keep: 'lanes = subgroup_lanes;',
    suffix: ', subgroups',
  },
};

const SUMS = {
  alone: `
const THREADS = 1u;
fn sum_of(v: f32, lane: u32) -> f32 { return v; }
fn max_of(v: vec2<f32>, lane: u32) -> vec2<f32> { return v; }
`,
  together: `
const THREADS = 64u;
var<workgroup> shared_values: array<vec2<f32>, THREADS>;
fn sum_of(v: f32, lane: u32) -> f32 {
  shared_values[lane].x = v;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < THREADS; i++) { sum += shared_values[i].x; }
  workgroupBarrier();
  return sum;
}
fn max_of(v: vec2<f32>, lane: u32) -> vec2<f32> {
  shared_values[lane] = v;
  workgroupBarrier();
  var largest = v;
  for (var i = 0u; i < THREADS; i++) { largest = max(largest, shared_values[i]); }
  workgroupBarrier();
  return largest;
}
`,
  subgroups: `
const THREADS = 64u;
var<private> lanes: u32;
var<workgroup> shared_values: array<vec2<f32>, THREADS>; /* one for each subgroup, whose size is the device's */
fn sum_of(v: f32, lane: u32) -> f32 {
  shared_values[lane / lanes].x = subgroupAdd(v);
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < THREADS; i += lanes) { sum += shared_values[i / lanes].x; }
  workgroupBarrier();
  return sum;
}
fn max_of(v: vec2<f32>, lane: u32) -> vec2<f32> {
  shared_values[lane / lanes] = vec2(subgroupMax(v.x), subgroupMax(v.y));
  workgroupBarrier();
  var largest = v;
  for (var i = 0u; i < THREADS; i += lanes) { largest = max(largest, shared_values[i / lanes]); }
  workgroupBarrier();
  return largest;
}
`,
};

/**
 * Returns WGSL for the sum and the maximum over the threads that share a row. The order is always the same, so that
 * every run gives the same bits. Every thread adds all values, because threads that read the same shared word at once
 * cost less than the barriers of a tree. All threads must make these calls, which contain barriers.
 *
 * On a software renderer a barrier costs microseconds at run time and seconds of compilation. There, each thread
 * computes a row `alone`. Subgroups of n threads leave 64 / n values to add. probe.js checks by a value that their
 * threads are neighbours.
 * @param {Meeting} meeting
 */
export const sums = (meeting) => SUMS[meeting];

/**
 * Returns the beginning of a kernel's main function, which finds the thread's row. A row is shared by `threads`
 * threads, or computed by one alone.
 * @param {Meeting} meeting @param {number} threads
 */
export const rowOf = (meeting, threads) =>
  meeting === 'alone'
    ? `
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  let row = at.x;
  let lane = 0u;
  if (row >= span.rows) { return; }`
    : `
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32${MEETING[meeting].argument}) {
  ${MEETING[meeting].keep}
  let row = group.x;`;

/** Returns the number of workgroups for these rows. @param {boolean} alone @param {number} rows */
export const rowGroups = (alone, rows) => (alone ? Math.ceil(rows / 16) : rows);

/**
 * Sums over a row. A thread alone uses the core's eight lanes in the core's order (kernels.h); threads that share a row
 * use another order.
 */
const TOTAL_ALONE = `
fn total(base: u32, squared: bool, lane: u32) -> f32 {
  var low = vec4(0.0);
  var high = vec4(0.0);
  for (var k = 0u; k < IN; k += 8u) {
    for (var c = 0u; c < 4u; c++) {
      low[c] += term(base, k + c, squared);
      high[c] += term(base, k + 4u + c, squared);
    }
  }
  let pairs = low + high;
  return (pairs.x + pairs.z) + (pairs.y + pairs.w);
}
`;
const TOTAL_TOGETHER = `
fn total(base: u32, squared: bool, lane: u32) -> f32 {
  var sum = 0.0;
  for (var k = lane; k < IN; k += THREADS) { sum += term(base, k, squared); }
  return sum_of(sum, lane);
}
`;

/**
 * Returns WGSL that prepares a row for a product: the norm with factor and shift, and the rounding to 7 bits
 * (quantize_row of core/kernels/scalar.c). It needs the overrides IN, NORM and EPS, the buffers x, factor and shift,
 * and sums().
 * @param {boolean} alone
 */
export const rowOfProduct = (alone) => `
var<private> mean: f32;
var<private> deviation: f32;
fn value(base: u32, k: u32) -> f32 {
  let v = x[base + k];
  if (!NORM) { return v; }
  return ((v - mean) * deviation) * factor[k] + shift[k];
}
/** The value, or the square of its distance from the mean; 0 past the end. */
fn term(base: u32, k: u32, squared: bool) -> f32 {
  if (k >= IN) { return 0.0; }
  let v = x[base + k];
  return select(v, (v - mean) * (v - mean), squared);
}
${alone ? TOTAL_ALONE : TOTAL_TOGETHER}
/** Sets mean and 1 / deviation of the row at \`base\`. */
fn measure(base: u32, lane: u32) {
  let count = f32(IN) * span.unit;
  mean = total(base, false, lane) / count;
  deviation = 1.0 / sqrt(total(base, true, lane) / count + EPS);
}
`;

export const ROUNDING_LIMITS = `
/** NaN counts as 0, infinities are clamped. Comparisons with NaN may be assumed false, so the bits are tested. */
fn tame(v: f32) -> f32 {
  let bits = bitcast<u32>(v) & 0x7fffffffu;
  return select(clamp(v, -8.5070587e37, 8.5070587e37), 0.0, bits > 0x7f800000u);
}
`;

export const ROUNDING = `${ROUNDING_LIMITS}
var<private> reciprocal: f32;
var<private> zero: i32;
/** Returns the step of the row at \`base\`, and sets its reciprocal and its zero. */
fn round_row(base: u32, lane: u32) -> f32 {
  var low = 0.0;
  var high = 0.0;
  for (var k = lane; k < IN; k += THREADS) {
    let v = tame(value(base, k));
    low = min(low, v);
    high = max(high, v);
  }
  let ends = max_of(vec2(-low, high), lane);
  let scale = (ends.y + ends.x) / (127.0 * span.unit);
  reciprocal = 0.0;
  if (scale > 0.0) { reciprocal = min(1.0 / scale, 3.4028234e38); }
  zero = i32(round(ends.x * reciprocal));
  return scale;
}
/** Four inputs from k on as bytes 0..127; inputs past the end are \`zero\`. */
fn rounded(base: u32, k: u32) -> vec4<i32> {
  var q = vec4(zero);
  for (var i = 0u; i < 4u; i++) {
    if (k + i < IN) { q[i] += i32(round(tame(value(base, k + i)) * reciprocal)); }
  }
  return clamp(q, vec4(0), vec4(127));
}
`;

/** Unpacks the four signed bytes of a word. */
export const UNPACK = `
fn bytes(word: u32) -> vec4<f32> {
  return vec4<f32>((vec4(bitcast<i32>(word)) << vec4(24u, 16u, 8u, 0u)) >> vec4(24u));
}
`;

/**
 * Converts an integer sum to its value by the row's (step, zero) and the channel's record (scale, sum of weights, bias,
 * 0).
 */
export const SCALED = `
fn scaled(sum: i32, row: vec2<f32>, channel: vec4<f32>) -> f32 {
  return f32(sum - i32(row.y) * i32(channel.y)) * (row.x * channel.x);
}
`;

/** Epilogues of a product. ADD adds gate * v to the value that y already holds; the others overwrite y. */
export const EPILOGUES = { store: 0, gelu_tanh: 1, add: 2, relu: 3, silu: 4 };

/**
 * Stores a value of channel `channel` after bias and epilogue. Needs EXP, and the buffers channels (scale, sum of
 * weights, bias, 0), gate and y.
 */
export const FINISH = `
override OUT: u32;
override EPILOGUE: u32 = 0;
override GATE: bool = false;
override TO: bool = false;
fn finish(row: u32, channel: u32, sum: f32) {
  let place = select(row, span.to + row, TO) * OUT + channel;
  var v = sum + channels[channel].z;
  if (EPILOGUE == 1) { v = v / (1.0 + exponential(v * (-1.59576912 + -0.0713548163 * (v * v)))); }
  if (EPILOGUE == 3) { v = max(v, 0.0); }
  if (EPILOGUE == 4) { v = v / (1.0 + exponential(-v)); }
  if (EPILOGUE == 2) {
    if (GATE) { v *= gate[channel]; }
    v += y[place];
  }
  y[place] = v;
}
`;
