/**
 * Attention of many queries, which never stores the scores. A workgroup computes 16 queries of one head, with four
 * threads per query. It processes the keys in tiles and keeps the running maximum and sum of the softmax (Milakov &
 * Gimelshein 2018). Each of a query's four threads scores every fourth key and sums every fourth group of four
 * dimensions. All four compute the same exponentials, which saves two barriers per tile. The rotary embedding is
 * applied when queries and keys are read.
 */
import { EXP, SPAN } from './shared.js';

const QUERIES = 16;
const LANES = 4;

/**
 * Returns how many keys of a tile fit beside the queries into `storage` bytes of workgroup memory, or 0 if the head is
 * too large.
 * @param {number} size head size
 * @param {number} storage
 */
export function keysOfTile(size, storage) {
  const vector = 16 * Math.ceil(size / 4);
  return [16, 8, 4].find((keys) => vector * (QUERIES + 2 * keys) + 4 * QUERIES * keys <= storage) ?? 0;
}

/**
 * Returns the sizes and buffers of attention, and the functions that read its inputs in fours, rotated by the rotary
 * embedding or unchanged.
 * @param {number} size @param {'y'|'unused'} out a kernel may have another buffer at binding 5
 */
export const TURNED = (size, out = 'y') => `
override HEADS: u32;
override SCALE: f32;
override CAUSAL: bool = false;
override ROTARY: bool = false;
override MAPPED: bool = false;
const D = ${size}u;
const HALF = ${Math.max(1, size >> 1)}u;
const QUADS = ${Math.ceil(size / 4)}u;
const NONE = -1e30;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> list: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read> turns: array<vec2<f32>>;
${out === 'y' ? '@group(0) @binding(5) var<storage, read_write> y: array<f32>;' : ''}
fn turned(base: u32, d: u32, place: u32) -> f32 {
  let x = qkv[base + d];
  if (!ROTARY) { return x; }
  let turn = turns[place * HALF + d % HALF];
  if (d < HALF) { return x * turn.x - qkv[base + d + HALF] * turn.y; }
  return x * turn.x + qkv[base + d - HALF] * turn.y;
}
fn turned_quad(base: u32, i: u32, row: u32) -> vec4<f32> {
  var place = 0u;
  if (ROTARY) { place = places[row]; }
  var quad = vec4(0.0);
  for (var c = 0u; c < 4u; c++) {
    if (4u * i + c < D) { quad[c] = turned(base, 4u * i + c, place); }
  }
  return quad;
}
fn plain_quad(base: u32, i: u32) -> vec4<f32> {
  var quad = vec4(0.0);
  for (var c = 0u; c < 4u; c++) {
    if (4u * i + c < D) { quad[c] = qkv[base + 4u * i + c]; }
  }
  return quad;
}
`;

/**
 * Returns the kernel that writes out [rows, HEADS * D]. Query r is row list[r] of qkv if MAPPED, otherwise row to + r.
 * If CAUSAL it attends to the keys 0..to + r, otherwise to all `keys`. With ROTARY, row i has the position places[i],
 * whose angles (cosine, sine) are at turns[places[i]].
 * @param {{size: number, tile: number}} shape head size, and number of keys in a tile
 * @returns {import('./shared.js').Kernel}
 */
export const attend = ({ size, tile }) => {
  const quads = Math.ceil(size / 4);
  const own = Math.ceil(quads / LANES);
  return {
    name: `attention, heads of ${size}`,
    bindings: 'urrrrw',
    code: `${SPAN}${EXP}${TURNED(size)}
const KEYS = ${tile}u;
var<workgroup> q: array<vec4<f32>, ${QUERIES * quads}>;
var<workgroup> k: array<vec4<f32>, ${tile * quads}>;
var<workgroup> v: array<vec4<f32>, ${tile * quads}>;
var<workgroup> p: array<f32, ${QUERIES * tile}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let width = HEADS * D;
  let column = group.y * D;
  let first = group.x * ${QUERIES}u;
  let mine = lane / ${LANES}u;
  let part = lane % ${LANES}u;
  let end = select(span.keys, span.to + min(first + ${QUERIES}u, span.rows), CAUSAL);
  let limit = select(span.keys, span.to + first + mine + 1u, CAUSAL);
  for (var i = lane; i < ${QUERIES}u * QUADS; i += 64u) {
    let query = min(first + i / QUADS, span.rows - 1u);
    var row = span.to + query;
    if (MAPPED) { row = list[query]; }
    q[i] = turned_quad(row * 3u * width + column, i % QUADS, row);
  }
  var largest = NONE;
  var sum = 0.0;
  var values: array<vec4<f32>, ${own}>;
  for (var start = 0u; start < end; start += KEYS) {
    for (var i = lane; i < KEYS * QUADS; i += 64u) {
      let row = min(start + i / QUADS, end - 1u);
      let base = (row * 3u + 1u) * width + column;
      k[i] = turned_quad(base, i % QUADS, row);
      v[i] = plain_quad(base + width, i % QUADS);
    }
    workgroupBarrier();
    for (var key = part; key < KEYS; key += ${LANES}u) {
      var score = 0.0;
      for (var i = 0u; i < QUADS; i++) { score += dot(q[mine * QUADS + i], k[key * QUADS + i]); }
      p[mine * KEYS + key] = select(NONE, score, start + key < limit);
    }
    workgroupBarrier();
    var next = largest;
    for (var key = 0u; key < KEYS; key++) { next = max(next, p[mine * KEYS + key]); }
    let shrink = exponential(SCALE * (largest - next));
    largest = next;
    sum *= shrink;
    for (var n = 0u; n < ${own}u; n++) { values[n] *= shrink; }
    for (var key = 0u; key < KEYS; key++) {
      let weight = exponential(SCALE * (p[mine * KEYS + key] - next));
      sum += weight;
      for (var n = 0u; n < ${own}u; n++) {
        values[n] += weight * v[key * QUADS + min(part + ${LANES}u * n, QUADS - 1u)];
      }
    }
    workgroupBarrier();
  }
  if (first + mine >= span.rows) { return; }
  let out = (first + mine) * width + column;
  for (var n = 0u; n < ${own}u; n++) {
    for (var c = 0u; c < 4u; c++) {
      let d = 4u * (part + ${LANES}u * n) + c;
      if (d < D) { y[out + d] = values[n][c] / sum; }
    }
  }
}
`,
  };
};

attend.queries = QUERIES;
