/**
 * Reads the embeddings of tokens from a table, or from the packed head if the two are tied. May add a learned position.
 */
import { SPAN, UNPACK } from './shared.js';

const READ = {
  'table f32': 'table[id * SIZE + k]',
  'table q8': 'bytes(table[(id * SIZE + k) / 4u])[(id * SIZE + k) % 4u] * scales[id]',
  'panels f32': 'table[((id / 8u) * SIZE + k) * 8u + id % 8u]',
  'panels q8': 'bytes(table[((id / 8u) * GROUPS + k / 4u) * 8u + id % 8u])[k % 4u] * scales[id].x',
};

/**
 * @param {'table'|'panels'} source
 * @param {'f32'|'q8'} dtype
 * @returns {import('./shared.js').Kernel} row r reads ids[index + r]; with POSITIONS, it adds positions[to + r]
 */
export const embed = (source, dtype) => ({
  name: `embed, ${source} ${dtype}`,
  bindings: 'urrrrw',
  code: `${SPAN}
override SIZE: u32;
override GROUPS: u32 = 0;
override POSITIONS: bool = false;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<${dtype === 'q8' ? 'u32' : 'f32'}>;
@group(0) @binding(3) var<storage, read> scales: array<${source === 'panels' ? 'vec4<f32>' : 'f32'}>;
@group(0) @binding(4) var<storage, read> positions: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
${dtype === 'q8' ? UNPACK : ''}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let id = ids[span.index + group.x];
  for (var k = lane; k < SIZE; k += 64u) {
    var v = ${READ[`${source} ${dtype}`]};
    if (POSITIONS) { v += positions[(span.to + group.x) * SIZE + k]; }
    y[group.x * SIZE + k] = v;
  }
}
`,
});

/** Copies rows list[0..rows-1] of x to the front of y. @type {import('./shared.js').Kernel} */
export const gather = {
  name: 'gather',
  bindings: 'urrw',
  code: `${SPAN}
override SIZE: u32;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  for (var k = lane; k < SIZE; k += 64u) { y[group.x * SIZE + k] = x[list[group.x] * SIZE + k]; }
}
`,
};
