/**
 * Attention in integers, as the core computes it for int8 models (attention_q8 of core/kernels/scalar.c). The results
 * have the same bits if the device rounds every operation to nearest and fuses none, as software renderers do. Every
 * value that is then rounded to 7 bits equals the core's, so that no activation rounds to a different integer. One
 * thread computes one head, or one query of a head.
 */
import { EXP, ROUNDING_LIMITS, SPAN } from './shared.js';
import { TURNED } from './attend.js';

/**
 * Number of keys whose weighted values are added as integers (SEDD_VALUE_KEYS), and of levels of a value
 * (SEDD_VALUE_LEVELS).
 */
const VALUE_KEYS = 64;
const VALUE_LEVELS = 1023;
/** Returns the number of levels of a query or key of D elements, for which a dot product stays within 2^30. */
const levelsOf = (/** @type {number} */ size) => (size === 1 ? 32767 : Math.floor(Math.sqrt(2 ** 30 / size)));

/**
 * Returns the number of step sizes of one head: one for its keys, and one for each dimension of its values.
 * @param {number} size
 */
export const headSteps = (size) => 1 + 4 * Math.ceil(size / 4);

const STEP = `
/** The step of values up to \`largest\`, and its reciprocal. */
fn step_of(largest: f32, levels: f32) -> vec2<f32> {
  let size = largest / (levels * span.unit);
  return vec2(size, select(0.0, min(1.0 / size, 3.4028234e38), size > 0.0));
}
fn tame_quad(v: vec4<f32>) -> vec4<f32> { return vec4(tame(v.x), tame(v.y), tame(v.z), tame(v.w)); }
fn whole_quad(v: vec4<f32>, reciprocal: vec4<f32>) -> vec4<i32> { return vec4<i32>(round(tame_quad(v) * reciprocal)); }
fn largest_in(v: vec4<f32>) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
`;

/**
 * Returns the kernel that rounds the keys and values of each head. whole [2, HEADS, ROWS, QUADS] receives the keys,
 * then the values; steps [HEADS, headSteps] receives their step sizes.
 * @param {{size: number}} shape head size
 * @returns {import('./shared.js').Kernel}
 */
export const roundHeads = ({ size }) => ({
  name: `rounding of heads of ${size}`,
  bindings: 'urrrrww',
  code: `${SPAN}${ROUNDING_LIMITS}${TURNED(size, 'unused')}${STEP}
override ROWS: u32;
@group(0) @binding(5) var<storage, read_write> whole: array<vec4<i32>>;
@group(0) @binding(6) var<storage, read_write> steps: array<f32>;
@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  let head = at.x;
  if (head >= HEADS) { return; }
  let width = HEADS * D;
  let column = head * D;
  var key_largest = 0.0;
  for (var key = 0u; key < span.keys; key++) {
    for (var i = 0u; i < QUADS; i++) {
      key_largest = max(key_largest, largest_in(abs(tame_quad(turned_quad((key * 3u + 1u) * width + column, i, key)))));
    }
  }
  let own = step_of(key_largest, ${levelsOf(size)}.0);
  steps[head * ${headSteps(size)}u] = own.x;
  for (var i = 0u; i < QUADS; i++) {
    var largest = vec4(0.0);
    for (var key = 0u; key < span.keys; key++) {
      largest = max(largest, abs(tame_quad(plain_quad((key * 3u + 2u) * width + column, i))));
    }
    var reciprocal = vec4(0.0);
    for (var c = 0u; c < 4u; c++) {
      let value_step = step_of(largest[c], ${VALUE_LEVELS}.0);
      steps[head * ${headSteps(size)}u + 1u + 4u * i + c] = value_step.x;
      reciprocal[c] = value_step.y;
    }
    for (var key = 0u; key < span.keys; key++) {
      let base = (key * 3u + 1u) * width + column;
      let place = (head * ROWS + key) * QUADS + i;
      whole[place] = whole_quad(turned_quad(base, i, key), vec4(own.y));
      whole[HEADS * ROWS * QUADS + place] = whole_quad(plain_quad(base + width, i), reciprocal);
    }
  }
}
`,
});

/**
 * Returns the attention kernel. It has the arguments and results of attend() without CAUSAL, and reads what
 * roundHeads() wrote.
 * @param {{size: number}} shape head size
 * @returns {import('./shared.js').Kernel}
 */
export const attendWhole = ({ size }) => {
  const quads = Math.ceil(size / 4);
  return {
    name: `attention in integers, heads of ${size}`,
    bindings: 'urrrrwrr',
    code: `${SPAN}${EXP}${ROUNDING_LIMITS}${TURNED(size)}${STEP}
override ROWS: u32;
@group(0) @binding(6) var<storage, read> whole: array<vec4<i32>>;
@group(0) @binding(7) var<storage, read> steps: array<f32>;
/** Returns 32767 * 2^t, rounded (sedd_weight of core/kernels/math.h). */
fn weight_of(exponent: f32) -> i32 {
  let t = max(exponent, -24.0);
  let n = round(t);
  let r = t - n;
  let r2 = r * r;
  var p = (32767f * 9.5828530e-3f) * r2 + ((32767f * 5.5906425e-2f) * r + 32767f * 2.4024099e-1f);
  p = p * r2 + ((32767f * 6.9312419e-1f) * r + 32767.0);
  return i32(round(bitcast<f32>(bitcast<i32>(p) + (i32(n) << 23u))));
}
var<private> q: array<vec4<i32>, ${quads}>;
fn dot_with(place: u32) -> i32 {
  var sum = 0;
  for (var i = 0u; i < QUADS; i++) { sum += dot(q[i], whole[place + i]); }
  return sum;
}
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  if (at.x >= span.rows) { return; }
  let width = HEADS * D;
  let column = at.y * D;
  let keys = at.y * ROWS * QUADS;
  let values = keys + HEADS * ROWS * QUADS;
  var query = span.to + at.x;
  if (MAPPED) { query = list[at.x]; }
  var top = 0.0;
  for (var i = 0u; i < QUADS; i++) {
    top = max(top, largest_in(abs(tame_quad(turned_quad(query * 3u * width + column, i, query)))));
  }
  let own = step_of(top, ${levelsOf(size)}.0);
  for (var i = 0u; i < QUADS; i++) { q[i] = whole_quad(turned_quad(query * 3u * width + column, i, query), vec4(own.y)); }
  let factor = min((own.x * steps[at.y * ${headSteps(size)}u]) * (SCALE * 1.44269504), 3.4028234e38);
  var largest = dot_with(keys);
  for (var key = 1u; key < span.keys; key++) { largest = max(largest, dot_with(keys + key * QUADS)); }
  var total = 0.0;
  var parts: array<vec4<i32>, ${quads}>;
  var sums: array<vec4<f32>, ${quads}>;
  for (var first = 0u; first < span.keys; first += ${VALUE_KEYS}u) {
    var part = 0;
    for (var i = 0u; i < QUADS; i++) { parts[i] = vec4(0); }
    for (var key = first; key < min(first + ${VALUE_KEYS}u, span.keys); key++) {
      let weight = weight_of(f32(dot_with(keys + key * QUADS) - largest) * factor);
      part += weight;
      for (var i = 0u; i < QUADS; i++) { parts[i] += weight * whole[values + key * QUADS + i]; }
    }
    total += f32(part);
    for (var i = 0u; i < QUADS; i++) { sums[i] += vec4<f32>(parts[i]); }
  }
  let reciprocal = 1.0 / total;
  for (var d = 0u; d < D; d++) {
    y[at.x * width + column + d] = sums[d / 4u][d % 4u] * reciprocal * steps[at.y * ${headSteps(size)}u + 1u + d];
  }
}
`,
  };
};
