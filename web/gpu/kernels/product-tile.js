/**
 * The int8 product of product.js with tiles in workgroup memory. The 64 threads of a workgroup load 32 rows and 32
 * channels, 32 inputs at a time, and each thread computes 4 rows x 4 channels. Cards with small caches read far less
 * memory this way. On other cards the barriers make it slower. web/gpu/choose.js times both kernels.
 */
import { EXP, FINISH, SCALED, SPAN, UNPACK } from './shared.js';

const WORDS = 8; // words of four inputs
const each = (/** @type {(r: number) => string} */ line) => [0, 1, 2, 3].map(line).join('\n');

const DOTS = {
  packed: `
fn dots(a: u32, b: vec4<u32>) -> vec4<i32> {
  return vec4(dot4I8Packed(a, b.x), dot4I8Packed(a, b.y), dot4I8Packed(a, b.z), dot4I8Packed(a, b.w));
}
`,
  floats: `${UNPACK}
fn dots(a: u32, b: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(bytes(a) * mat4x4<f32>(bytes(b.x), bytes(b.y), bytes(b.z), bytes(b.w)));
}
`,
};

/**
 * Returns the kernel, with the arguments and results of the int8 product().
 * @param {{dot4: boolean}} features @returns {import('./shared.js').Kernel}
 */
export const productTile = ({ dot4 }) => ({
  name: `int8 product by tiles${dot4 ? ', packed' : ''}`,
  bindings: 'urrrrwr',
  code: `${SPAN}${EXP}${SCALED}${dot4 ? DOTS.packed : DOTS.floats}
override INPUTS: u32;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> channels: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gate: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read> scales: array<vec2<f32>>;
${FINISH}
var<workgroup> rows: array<u32, ${32 * WORDS}>;
var<workgroup> panels: array<vec4<u32>, ${8 * WORDS}>;
@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) at: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let last = span.rows - 1u;
  let quads = (OUT + 3u) / 4u;
  let first = 32u * group.y + 4u * at.y;
  let quad = 8u * group.x + at.x;
${each((r) => `  var sum${r} = vec4(0);`)}
  for (var begin = 0u; begin < INPUTS; begin += ${WORDS}u) {
    for (var i = lane; i < ${32 * WORDS}u; i += 64u) {
      let g = begin + i % ${WORDS}u;
      var word = 0u;
      if (g < INPUTS) { word = x[min(32u * group.y + i / ${WORDS}u, last) * INPUTS + g]; }
      rows[i] = word;
    }
    let loaded = min(8u * group.x + lane % 8u, quads - 1u);
    let g = min(begin + lane / 8u, INPUTS - 1u); /* past the end, its partner above is 0 */
    panels[lane] = w[((loaded / 2u) * INPUTS + g) * 2u + loaded % 2u];
    workgroupBarrier();
    for (var g = 0u; g < ${WORDS}u; g++) {
      let b = panels[8u * g + at.x];
${each((r) => `      sum${r} += dots(rows[(4u * at.y + ${r}u) * ${WORDS}u + g], b);`)}
    }
    workgroupBarrier();
  }
  for (var c = 0u; c < 4u && 4u * quad + c < OUT; c++) {
    let channel = 4u * quad + c;
${each((r) => `    if (first + ${r}u <= last) { finish(first + ${r}u, channel, scaled(sum${r}[c], scales[first + ${r}u], channels[channel])); }`)}
  }
}
`,
});
