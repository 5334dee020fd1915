/**
 * y = epilogue(norm(x) W^T + bias) for one row or a few. Everything before and after the product is fused, because
 * decoding is slow if it has many dispatches. A workgroup computes one row and a panel of 8 channels. Its threads share
 * the inputs, so that they read adjacent parts of the panel. Each workgroup computes the row's norm and range again:
 * the row is in the cache, and another dispatch costs more.
 */
import { EXP, FINISH, MEETING, ROUNDING, SCALED, SPAN, UNPACK, rowOfProduct, sums } from './shared.js';

/** @typedef {'together'|'subgroups'} Meeting see shared.js */

const head = (
  /** @type {Meeting} */ meeting,
  /** @type {string} */ sum,
  /** @type {string} */ word,
) => `${MEETING[meeting].enable}${SPAN}
override IN: u32;
override NORM: bool = false;
override EPS: f32 = 1e-5;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> factor: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read> w: array<vec4<${word}>>;
@group(0) @binding(5) var<storage, read> channels: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> gate: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
${EXP}${FINISH}${sums(meeting)}${rowOfProduct(false)}
var<workgroup> parts: array<vec4<${sum}>, 128>;
var<workgroup> channel_parts: array<${sum}, 64>;
/** Returns the workgroup's sum of the panel's channel lane % 8, if lane < 8. */
fn add_up(low: vec4<${sum}>, high: vec4<${sum}>, lane: u32) -> ${sum} {
  parts[2u * lane] = low;
  parts[2u * lane + 1u] = high;
  workgroupBarrier();
  var part = ${sum}(0);
  let quad = lane % 8u / 4u;
  for (var i = lane / 8u; i < 64u; i += 8u) { part += parts[2u * i + quad][lane % 4u]; }
  channel_parts[lane] = part;
  workgroupBarrier();
  part = ${sum}(0);
  for (var i = lane % 8u; i < 64u; i += 8u) { part += channel_parts[i]; }
  return part;
}`;

const main = (/** @type {Meeting} */ meeting) => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32${MEETING[meeting].argument}) {
  ${MEETING[meeting].keep}
  let row = group.y;
  let base = (span.first + row) * IN;
  if (NORM) { measure(base, lane); }`;

const store = (/** @type {string} */ value) => `
  let sum = add_up(low, high, lane);
  let channel = 8u * group.x + lane;
  if (lane < 8u && channel < OUT) { finish(row, channel, ${value}); }
}
`;

/** @param {Meeting} meeting @returns {import('./shared.js').Kernel} */
const floats = (meeting) => ({
  name: `row product${MEETING[meeting].suffix}`,
  bindings: 'urrrrrrw',
  code: `${head(meeting, 'f32', 'f32')}${main(meeting)}
  var low = vec4(0.0);
  var high = vec4(0.0);
  for (var k = lane; k < IN; k += THREADS) {
    let v = value(base, k);
    low += v * w[2u * (group.x * IN + k)];
    high += v * w[2u * (group.x * IN + k) + 1u];
  }
${store('sum')}`,
});

const UNPACKED = `
fn dots(q: vec4<i32>, b: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(vec4<f32>(q) * mat4x4<f32>(bytes(b.x), bytes(b.y), bytes(b.z), bytes(b.w)));
}
`;

const PACKED = `
fn dots(q: vec4<i32>, b: vec4<u32>) -> vec4<i32> {
  let a = bitcast<u32>(q.x | (q.y << 8u) | (q.z << 16u) | (q.w << 24u));
  return vec4(dot4I8Packed(a, b.x), dot4I8Packed(a, b.y), dot4I8Packed(a, b.z), dot4I8Packed(a, b.w));
}
`;

/** @param {Meeting} meeting @param {boolean} dot4 @returns {import('./shared.js').Kernel} */
const whole = (meeting, dot4) => ({
  name: `int8 row product${dot4 ? ', packed' : ''}${MEETING[meeting].suffix}`,
  bindings: 'urrrrrrw',
  code: `${head(meeting, 'i32', 'u32')}${ROUNDING}${SCALED}${dot4 ? PACKED : UNPACK + UNPACKED}
override GROUPS: u32;
${main(meeting)}
  let scale = round_row(base, lane);
  var low = vec4(0);
  var high = vec4(0);
  for (var g = lane; g < GROUPS; g += THREADS) {
    let q = rounded(base, 4u * g);
    low += dots(q, w[2u * (group.x * GROUPS + g)]);
    high += dots(q, w[2u * (group.x * GROUPS + g) + 1u]);
  }
${store('scaled(sum, vec2(scale, f32(zero)), channels[channel])')}`,
});

/** @param {'f32'|'q8'} dtype @param {{dot4: boolean, subgroups: boolean}} features */
export const line = (dtype, { dot4, subgroups }) => {
  const meeting = subgroups ? 'subgroups' : 'together';
  return dtype === 'q8' ? whole(meeting, dot4) : floats(meeting);
};
