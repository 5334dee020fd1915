/** Prepares many rows for a product: the norm with its factor and shift and, in int8 models, the rounding to 7 bits. */
import { MEETING, ROUNDING, SPAN, meetingOf, rowOf, rowOfProduct, sums } from './shared.js';

/** @typedef {import('./shared.js').Meeting} Meeting */

const head = (/** @type {Meeting} */ meeting) => `${MEETING[meeting].enable}${SPAN}
override IN: u32;
override NORM: bool = true;
override EPS: f32 = 1e-5;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> factor: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
${sums(meeting)}${rowOfProduct(meeting === 'alone')}`;

const main = (/** @type {Meeting} */ meeting) => `${rowOf(meeting, 64)}
  let base = (span.first + row) * IN;
  if (NORM) { measure(base, lane); }`;

/**
 * Returns the kernel that writes y [rows, IN] = norm(x), where x is read from row `first` on.
 * @param {Meeting} meeting @returns {import('./shared.js').Kernel}
 */
const floats = (meeting) => ({
  name: `norm${MEETING[meeting].suffix}`,
  bindings: 'urrrw',
  code: `${head(meeting)}
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
${main(meeting)}
  for (var k = lane; k < IN; k += THREADS) { y[row * IN + k] = value(base, k); }
}
`,
});

/**
 * Returns the kernel that also rounds. y [rows, GROUPS] has four inputs per word; scales [rows] has the step and the
 * zero of each row.
 * @param {Meeting} meeting @returns {import('./shared.js').Kernel}
 */
const whole = (meeting) => ({
  name: `norm and rounding${MEETING[meeting].suffix}`,
  bindings: 'urrrww',
  code: `${head(meeting)}${ROUNDING}
override GROUPS: u32;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
@group(0) @binding(5) var<storage, read_write> scales: array<vec2<f32>>;
${main(meeting)}
  let scale = round_row(base, lane);
  if (lane == 0u) { scales[row] = vec2(scale, f32(zero)); }
  for (var g = lane; g < GROUPS; g += THREADS) {
    let q = vec4<u32>(rounded(base, 4u * g));
    y[row * GROUPS + g] = q.x | (q.y << 8u) | (q.z << 16u) | (q.w << 24u);
  }
}
`,
});

/** @param {'f32'|'q8'} dtype @param {{alone: boolean, features: {subgroups: boolean}}} gpu */
export const prepare = (dtype, gpu) => (dtype === 'q8' ? whole : floats)(meetingOf(gpu));
