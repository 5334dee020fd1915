/**
 * Attention of one query over the keys of a cache, for decoding. A workgroup computes one query of one head, 64 keys at
 * a time. Scores are computed with one thread per key. The weighted sum is computed with one thread per dimension, or
 * several threads for each if heads are small. The maximum and the sum of the softmax are kept as running values.
 */
import { EXP, MEETING, SPAN, sums } from './shared.js';

const KEYS = 64;

/**
 * Returns the kernel that writes y [rows, HEADS * D]. Query r is row to + r of qkv and attends to the keys 0..to + r.
 * @param {{size: number}} shape head size @param {{subgroups: boolean}} features
 * @returns {import('./shared.js').Kernel}
 */
export const attendOne = ({ size }, { subgroups }) => {
  const meeting = subgroups ? 'subgroups' : 'together';
  const shares = Math.max(1, Math.floor(KEYS / size)); // threads per dimension
  const own = Math.ceil(size / KEYS); // dimensions per thread
  return {
    name: `attention of one query, heads of ${size}${MEETING[meeting].suffix}`,
    bindings: 'urw',
    code: `${MEETING[meeting].enable}${SPAN}${EXP}${sums(meeting)}
override HEADS: u32;
override SCALE: f32;
const D = ${size}u;
const NONE = -1e30;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
var<workgroup> q: array<f32, ${size}>;
var<workgroup> p: array<f32, THREADS>;
var<workgroup> parts: array<f32, ${size * shares}>;

@compute @workgroup_size(${KEYS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32${MEETING[meeting].argument}) {
  ${MEETING[meeting].keep}
  let width = HEADS * D;
  let column = group.y * D;
  let end = span.to + group.x + 1u;
  for (var d = lane; d < D; d += THREADS) { q[d] = qkv[(end - 1u) * 3u * width + column + d]; }
  workgroupBarrier();
  var largest = NONE;
  var sum = 0.0;
  var values: array<f32, ${own}>;
  for (var start = 0u; start < end; start += THREADS) {
    let count = min(THREADS, end - start);
    var score = NONE;
    if (lane < count) {
      let base = ((start + lane) * 3u + 1u) * width + column;
      score = 0.0;
      for (var d = 0u; d < D; d++) { score += q[d] * qkv[base + d]; }
    }
    let next = max(largest, max_of(vec2(score), lane).x);
    let weight = exponential(SCALE * (score - next));
    p[lane] = weight;
    let shrink = exponential(SCALE * (largest - next));
    largest = next;
    sum = sum * shrink + sum_of(weight, lane);
    for (var n = 0u; n < ${own}u; n++) {
      let d = ${shares > 1 ? 'lane % D' : 'lane + n * THREADS'};
      values[n] *= shrink;
      if (d < D && lane < D * ${shares > 1 ? shares : KEYS}u) {
        for (var key = ${shares > 1 ? 'lane / D' : '0u'}; key < count; key += ${shares}u) {
          values[n] += p[key] * qkv[((start + key) * 3u + 2u) * width + column + d];
        }
      }
    }
    workgroupBarrier();
  }
${
  shares > 1
    ? `  if (lane < D * ${shares}u) { parts[lane] = values[0]; }
  workgroupBarrier();
  if (lane < D) {
    var value = 0.0;
    for (var share = 0u; share < ${shares}u; share++) { value += parts[share * D + lane]; }
    y[group.x * width + column + lane] = value / sum;
  }`
    : `  for (var n = 0u; n < ${own}u; n++) {
    let d = lane + n * THREADS;
    if (d < D) { y[group.x * width + column + d] = values[n] / sum; }
  }`
}
}
`,
  };
};
