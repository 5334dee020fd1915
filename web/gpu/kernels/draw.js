/**
 * Draws tokens from rows of logits, so that no row of the vocabulary leaves the GPU. The rules are those of
 * core/diffusion/draw.c. Weights are exp((logit - largest) / temperature). The top_k largest weights are kept, then the
 * smallest set of the largest that holds a share top_p of the rest; ties are kept. The inverse distribution function at
 * the given uniform chooses the token.
 */
import { EXP, SPAN, rowOf } from './shared.js';
import { ALONE, TOGETHER, TOGETHER_THREADS } from './draw-parts.js';

/** Number of floats in the results of a row. */
export const DRAW_RESULTS = 8;

/**
 * Returns the kernel. It overwrites logits [rows, STRIDE] with weights. TOKENS of them can be drawn, except `muted`
 * [MUTED]. Row r uses uniforms[index + r] and writes tokens[index + r] and eight results:
 * - the token, or -1 if a logit is not finite;
 * - the largest logit, the sum of exp(logit - largest), and the same sum at the temperature;
 * - the mean of (logit - largest) / temperature under the weights;
 * - the second largest weight and the weight of the token, where the largest weight is 1;
 * - the distance of the uniform to the nearest edge of the token's interval.
 * @param {{alone: boolean}} how true if one thread computes a row, false if a workgroup does
 * @returns {import('./shared.js').Kernel}
 */
export const draw = ({ alone }) => ({
  name: `draw${alone ? ', alone' : ''}`,
  bindings: 'uwrrww',
  code: `${SPAN}${EXP}
override TOKENS: u32;
override STRIDE: u32;
override MUTED: u32 = 0;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read> uniforms: array<f32>;
@group(0) @binding(3) var<storage, read> muted: array<u32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(5) var<storage, read_write> results: array<f32>;
const THREADS = ${alone ? 1 : TOGETHER_THREADS}u;
const NONE = -1e30;
var<private> base: u32;
/** Once the weights are known, they take the logits' place. */
fn weight(i: u32) -> f32 { return logits[base + i]; }

struct Top { first: f32, second: f32, id: u32 }
/** The two largest logits of both, and the first one's id; the smaller id of equal ones. */
fn joined(a: Top, b: Top) -> Top {
  let b_wins = b.first > a.first || (b.first == a.first && b.id < a.id);
  return Top(max(a.first, b.first), max(min(a.first, b.first), max(a.second, b.second)), select(a.id, b.id, b_wins));
}
${alone ? ALONE : TOGETHER}
${rowOf(alone ? 'alone' : 'together', TOGETHER_THREADS)}
  base = row * STRIDE;
  for (var i = lane; i < MUTED; i += THREADS) { logits[base + muted[i]] = NONE; }
  settle();
  var top = Top(NONE, NONE, TOKENS);
  var damaged = 0.0;
  for (var i = lane; i < TOKENS; i += THREADS) {
    let x = logits[base + i];
    if ((bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u) { damaged = 1.0; }
    top = joined(top, Top(x, NONE, i));
  }
  top = top_of(top, lane);
  /* Sums of sums keep the rounding errors of long rows small. */
  var sums = vec4(0.0, 0.0, 0.0, damaged);
  var part = vec4(0.0);
  for (var i = lane; i < TOKENS; i += THREADS) {
    let x = logits[base + i] - top.first;
    let w = exponential(span.inverse * x);
    part += vec4(exponential(x), w, select(0.0, w * x, w > 0.0), 0.0);
    logits[base + i] = w;
    if (i / THREADS % 256u == 255u) {
      sums += part;
      part = vec4(0.0);
    }
  }
  sums += part;
  settle();
  sums = sum_of(sums, lane);
  let least = threshold(lane);
  var token = top.id;
  var near = 1.0;
  if (span.greedy == 0u) {
    pick(least, uniforms[span.index + row], top.id, lane);
    token = chosen;
    near = edge;
  }
  if (lane == 0u) {
    let place = span.index + row;
    tokens[place] = min(token, TOKENS - 1u);
    results[8u * place] = select(f32(token), -1.0, sums.w > 0.0);
    results[8u * place + 1u] = top.first;
    results[8u * place + 2u] = sums.x;
    results[8u * place + 3u] = sums.y;
    results[8u * place + 4u] = sums.z * span.inverse / sums.y;
    results[8u * place + 5u] = exponential(span.inverse * (top.second - top.first));
    results[8u * place + 6u] = weight(min(token, TOKENS - 1u));
    results[8u * place + 7u] = near;
  }
}
`,
});
