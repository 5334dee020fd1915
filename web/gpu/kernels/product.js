/**
 * y = epilogue(x W^T + bias) for many rows. A thread computes 4 rows x 4 channels in registers and reads both matrices
 * directly from storage. It needs no barrier, and the values that it reads are adjacent in the core's panels
 * (kernels.h).
 */
import { productTile } from './product-tile.js';
import { EXP, FINISH, SCALED, SPAN, UNPACK } from './shared.js';

const HEAD = `${SPAN}${EXP}
override INPUTS: u32;
@group(0) @binding(3) var<storage, read> channels: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gate: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
${FINISH}
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  let quad = at.x;
  let first = at.y * 4u;
  if (4u * quad >= OUT || first >= span.rows) { return; }
  let last = span.rows - 1u;
  let row = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(last)) * INPUTS;
  var w_at = (quad / 2u) * INPUTS * 2u + quad % 2u;`;

const each = (/** @type {(r: number) => string} */ line) => [0, 1, 2, 3].map(line).join('\n');
const store = (/** @type {(r: number) => string} */ value) => `
  for (var c = 0u; c < 4u && 4u * quad + c < OUT; c++) {
    let channel = 4u * quad + c;
${each((r) => `    if (first + ${r}u <= last) { finish(first + ${r}u, channel, ${value(r)}); }`)}
  }
}
`;

/** @type {import('./shared.js').Kernel} */
const floats = {
  name: 'product',
  bindings: 'urrrrw',
  code: `
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
${HEAD}
${each((r) => `  var sum${r} = vec4(0.0);`)}
  for (var k = 0u; k < INPUTS; k++) {
    let b = w[w_at];
    w_at += 2u;
${each((r) => `    sum${r} += x[row[${r}] + k] * b;`)}
  }
${store((r) => `sum${r}[c]`)}`,
};

/**
 * Words of four inputs that are summed as floats. A product of integers is at most 127 * 128, so a sum over 1,024
 * inputs stays below 2^24 and is exact in any order.
 */
const EXACT_GROUPS = 256;

const unpacked = `
  for (var begin = 0u; begin < INPUTS; begin += ${EXACT_GROUPS}u) {
${each((r) => `    var part${r} = vec4(0.0);`)}
    for (var g = begin; g < min(begin + ${EXACT_GROUPS}u, INPUTS); g++) {
      let word = w[w_at];
      w_at += 2u;
      let b = mat4x4<f32>(bytes(word.x), bytes(word.y), bytes(word.z), bytes(word.w));
${each((r) => `      part${r} += bytes(x[row[${r}] + g]) * b;`)}
    }
${each((r) => `    sum${r} += vec4<i32>(part${r});`)}
  }`;

const packed = `
  for (var g = 0u; g < INPUTS; g++) {
    let b = w[w_at];
    w_at += 2u;
${each(
  (r) => `    let a${r} = x[row[${r}] + g];
    sum${r} += vec4(dot4I8Packed(a${r}, b.x), dot4I8Packed(a${r}, b.y), dot4I8Packed(a${r}, b.z), dot4I8Packed(a${r}, b.w));`,
)}
  }`;

/**
 * Returns the kernel for rounded inputs 0..127, four per word, with scales (step, zero). The sums are exact.
 * @param {boolean} dot4 uses the packed dot product instead of unpacking to floats
 * @returns {import('./shared.js').Kernel}
 */
const whole = (dot4) => ({
  name: dot4 ? 'int8 product, packed' : 'int8 product',
  bindings: 'urrrrwr',
  code: `
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> scales: array<vec2<f32>>;
${dot4 ? '' : UNPACK}${SCALED}
${HEAD}
${each((r) => `  var sum${r} = vec4(0);`)}
${dot4 ? packed : unpacked}
${each((r) => `  let scale${r} = scales[min(first + ${r}u, last)];`)}
${store((r) => `scaled(sum${r}[c], scale${r}, channels[channel])`)}`,
});

/** @param {'f32'|'q8'} dtype @param {{dot4: boolean, tiles?: boolean}} features */
export const product = (dtype, { dot4, tiles = false }) =>
  dtype === 'f32' ? floats : tiles ? productTile({ dot4 }) : whole(dot4);

/** Number of rows and channels that a workgroup computes. */
export const PRODUCT_TILE = { rows: 32, channels: 32 };
