/**
 * Attention for software renderers, where barriers are slowest. One thread computes one query of one head over all
 * keys, with the running maximum and sum of the softmax.
 */
import { EXP, SPAN } from './shared.js';
import { TURNED } from './attend.js';

/**
 * Returns the kernel, for one query or many. It has the same arguments and results as attend().
 * @param {{size: number}} shape head size
 * @returns {import('./shared.js').Kernel}
 */
export const attendAlone = ({ size }) => {
  const quads = Math.ceil(size / 4);
  return {
    name: `attention alone, heads of ${size}`,
    bindings: 'urrrrw',
    code: `${SPAN}${EXP}${TURNED(size)}
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  if (at.x >= span.rows) { return; }
  let width = HEADS * D;
  let column = at.y * D;
  let limit = select(span.keys, span.to + at.x + 1u, CAUSAL);
  var query = span.to + at.x;
  if (MAPPED) { query = list[at.x]; }
  var q: array<vec4<f32>, ${quads}>;
  var values: array<vec4<f32>, ${quads}>;
  for (var i = 0u; i < QUADS; i++) { q[i] = turned_quad(query * 3u * width + column, i, query); }
  var largest = NONE;
  var sum = 0.0;
  for (var key = 0u; key < limit; key++) {
    let base = (key * 3u + 1u) * width + column;
    var score = 0.0;
    for (var i = 0u; i < QUADS; i++) { score += dot(q[i], turned_quad(base, i, key)); }
    let next = max(largest, score);
    let shrink = exponential(SCALE * (largest - next));
    let weight = exponential(SCALE * (score - next));
    largest = next;
    sum = sum * shrink + weight;
    for (var i = 0u; i < QUADS; i++) { values[i] = values[i] * shrink + weight * plain_quad(base + width, i); }
  }
  for (var d = 0u; d < D; d++) { y[at.x * width + column + d] = values[d / 4u][d % 4u] / sum; }
}
`,
  };
};
