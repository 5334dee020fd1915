/**
 * Builds the SEDD network and GPT-2 as TensorFlow Lite graphs in the form that LiteRT runs fastest on a CPU: every matrix product is one
 * operator (int8: with activations quantised row by row at run time), rotations and masks are constants, and the cache is never copied.
 *
 *   SEDD             ids [L], sigma [1, 1]                               -> logits [L, V + 1]
 *   GPT-2, prefill   ids [S]                                             -> logits [1, V] (last row), fresh
 *   GPT-2, decode    ids [1], position [1], mask [1, 1, 1, C + 1],
 *                    key.i and value.i [1, heads, C, size]               -> logits [1, V], fresh
 *
 * `fresh` [1, 2 * blocks * heads, S, size] holds the keys and values of the new tokens, block after block; the caller puts them into its cache.
 */
import { Graph } from './tflite.js';

const EPSILON = 1e-5;
export const MASKED = -1e9; // added to a score, it leaves no weight

class Network extends Graph {
  constructor(dtype) {
    super();
    this.isInt8 = dtype === 'int8';
  }

  /** Multiplies x by a checkpoint's matrix. @param {{out: number, bias?: string, transposed?: boolean}} about `transposed` when it is stored as [in, out] */
  product(x, name, { out, bias, transposed }) {
    const shape = [out, this.shape(x)[1]];
    const matrix = this.isInt8 ? this.int8(name, shape, { transposed }) : this.floats(name, shape, transposed);
    return this.fullyConnected(x, matrix, bias && this.floats(bias, [out]));
  }

  /** Applies a small float layer. */
  affine(x, name, out) {
    const matrix = this.floats(`${name}.weight`, [out, this.shape(x)[1]]);
    return this.fullyConnected(x, matrix, this.floats(`${name}.bias`, [out]));
  }

  /** Gathers rows of the vocabulary's table. */
  embed(name, ids, rows, columns) {
    if (!this.isInt8) return this.gather(this.floats(name, [rows, columns]), ids);
    const values = this.dequantise(this.gather(this.int8(name, [rows, columns], { scaled: false }), ids, 'int8'));
    return this.multiply(values, this.gather(this.floats(`${name}_scale`, [rows, 1]), ids));
  }

  /** Returns x with mean 0 and variance 1 in every row. */
  normalise(x) {
    const centred = this.binary('SUB', x, this.mean(x));
    const variance = this.mean(this.multiply(centred, centred));
    return this.multiply(centred, this.unary('RSQRT', this.add(variance, this.scalar(EPSILON))));
  }

  /** Splits [L, 3 * hidden] into query, key and value [1, L, heads, size]. */
  splitHeads(x, heads) {
    const [length, width] = this.shape(x);
    return this.split(x, 3, 1).map((part) => this.reshape(part, [1, length, heads, width / 3 / heads]));
  }

  /** Swaps tokens and heads: [1, a, b, size] becomes [1, b, a, size]. */
  swap(x) {
    return this.transpose(x, [0, 2, 1, 3]);
  }

  /** Joins heads [1, heads, L, size] to [L, hidden]. */
  joinHeads(x) {
    const [, heads, length, size] = this.shape(x);
    return this.reshape(this.swap(x), [length, heads * size]);
  }
}

// ---- SEDD --------------------------------------------------------------------------------------

/** Computes c = silu(W2 silu(W0 [cos, sin] + b0) + b2), [1, cond]. */
function condition(graph, size) {
  const sigma = graph.input('sigma', [1, 1]);
  const frequencies = Float32Array.from({ length: 128 }, (_, k) => Math.exp((-Math.log(10000) * k) / 128));
  const angle = graph.multiply(sigma, graph.constant(frequencies, [1, 128]));
  let c = graph.concatenate([graph.unary('COS', angle), graph.unary('SIN', angle)], 1);
  for (const layer of ['sigma_map.mlp.0', 'sigma_map.mlp.2']) {
    c = graph.affine(c, layer, size);
    c = graph.multiply(c, graph.unary('LOGISTIC', c));
  }
  return c;
}

function modulation(graph, c, name, count, hidden) {
  const all = graph.affine(c, name, count * hidden);
  return Array.from({ length: count }, (_, i) => graph.slice(all, i * hidden, hidden));
}

function modulated(graph, x, norm, shift, scale, hidden) {
  const gain = graph.multiply(graph.floats(norm, [hidden]), graph.add(scale, graph.scalar(1)));
  return graph.add(graph.multiply(graph.normalise(x), gain), shift);
}

/** Returns the cosines and sines of the rotation, [1, length, 1, size / 2] each, times `factor`. */
function rotaryTables(graph, length, size, factor) {
  const tables = [new Float32Array((length * size) / 2), new Float32Array((length * size) / 2)];
  for (let p = 0, i = 0; p < length; p++) {
    for (let j = 0; j < size / 2; j++, i++) {
      const angle = p * 10000 ** ((-2 * j) / size);
      tables[0][i] = factor * Math.cos(angle);
      tables[1][i] = factor * Math.sin(angle);
    }
  }
  return tables.map((table) => graph.constant(table, [1, length, 1, size / 2]));
}

/** Rotates [1, L, heads, size]: halves a, b become a cos - b sin, b cos + a sin. */
function rotate(graph, x, [cos, sin]) {
  const [a, b] = graph.split(x, 2, 3);
  const low = graph.binary('SUB', graph.multiply(a, cos), graph.multiply(b, sin));
  const high = graph.add(graph.multiply(b, cos), graph.multiply(a, sin));
  return graph.concatenate([low, high], 3);
}

/** @param {object} config of the checkpoint @param {'f32'|'int8'} dtype @param {number} length */
export function seddGraph({ tokens, model }, dtype, length) {
  const { hidden_size: hidden, n_blocks: blocks, n_heads: heads, cond_dim: cond } = model;
  const size = hidden / heads;
  const graph = new Network(dtype);
  const ids = graph.input('ids', [length], 'i32');
  const c = condition(graph, cond);
  const keyTables = rotaryTables(graph, length, size, 1);
  const queryTables = rotaryTables(graph, length, size, 1 / Math.sqrt(size)); // scales the scores, too
  let x = graph.embed('vocab_embed.embedding', ids, tokens + 1, hidden);
  for (let i = 0; i < blocks; i++) {
    const b = `blocks.${i}.`;
    const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(graph, c, `${b}adaLN_modulation`, 6, hidden);
    const read = modulated(graph, x, `${b}norm1.weight`, shift1, scale1, hidden);
    const [q, k, v] = graph.splitHeads(graph.product(read, `${b}attn_qkv.weight`, { out: 3 * hidden }), heads);
    const scores = graph.batchMatmul(
      graph.swap(rotate(graph, q, queryTables)),
      graph.swap(rotate(graph, k, keyTables)),
      true,
    );
    const attended = graph.joinHeads(graph.batchMatmul(graph.softmax(scores), graph.swap(v), false));
    const out = graph.product(attended, `${b}attn_out.weight`, { out: hidden });
    x = graph.add(x, graph.multiply(out, gate1));
    const inner = graph.product(modulated(graph, x, `${b}norm2.weight`, shift2, scale2, hidden), `${b}mlp.0.weight`, {
      out: 4 * hidden,
      bias: `${b}mlp.0.bias`,
    });
    const outer = graph.product(graph.gelu(inner), `${b}mlp.2.weight`, { out: hidden, bias: `${b}mlp.2.bias` });
    x = graph.add(x, graph.multiply(outer, gate2));
  }
  const [shift, scale] = modulation(graph, c, 'output_layer.adaLN_modulation', 2, hidden);
  x = modulated(graph, x, 'output_layer.norm_final.weight', shift, scale, hidden);
  const linear = 'output_layer.linear';
  graph.output('logits', graph.product(x, `${linear}.weight`, { out: tokens + 1, bias: `${linear}.bias` }));
  return graph;
}

// ---- GPT-2 -------------------------------------------------------------------------------------

/** Returns a mask [1, 1, length, length] that lets a token see itself and earlier ones. */
function causal(graph, length) {
  const values = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? MASKED : 0,
  );
  return graph.constant(values, [1, 1, length, length]);
}

/**
 * Builds the network around `attend`, which turns block, query, key and value [1, heads, S, size] into the attended values of that shape.
 */
function gpt2Network(config, graph, ids, positions, attend) {
  const { n_embd: hidden, n_layer: blocks, n_head: heads, vocab_size: tokens, n_positions: contexts } = config;
  const norm = (input, name) =>
    graph.add(
      graph.multiply(graph.normalise(input), graph.floats(`${name}.weight`, [hidden])),
      graph.floats(`${name}.bias`, [hidden]),
    );
  const product = (input, name, out) =>
    graph.product(input, `${name}.weight`, { out, bias: `${name}.bias`, transposed: true });
  const fresh = [];
  let x = graph.add(
    graph.embed('wte.weight', ids, tokens, hidden),
    graph.gather(graph.floats('wpe.weight', [contexts, hidden]), positions),
  );
  for (let i = 0; i < blocks; i++) {
    const b = `h.${i}.`;
    const [q, k, v] = graph
      .splitHeads(product(norm(x, `${b}ln_1`), `${b}attn.c_attn`, 3 * hidden), heads)
      .map((part) => graph.swap(part));
    fresh.push(k, v);
    const query = graph.multiply(q, graph.scalar(1 / Math.sqrt(hidden / heads)));
    x = graph.add(x, product(graph.joinHeads(attend(i, query, k, v)), `${b}attn.c_proj`, hidden));
    const inner = graph.gelu(product(norm(x, `${b}ln_2`), `${b}mlp.c_fc`, 4 * hidden));
    x = graph.add(x, product(inner, `${b}mlp.c_proj`, hidden));
  }
  const last = norm(graph.shape(x)[0] === 1 ? x : graph.lastRow(x), 'ln_f');
  graph.output('logits', graph.product(last, 'wte.weight', { out: tokens }));
  graph.output('fresh', graph.concatenate(fresh, 1));
  return graph;
}

/** Builds the graph that reads `length` tokens into an empty cache. */
export function prefillGraph(config, dtype, length) {
  const graph = new Network(dtype);
  const ids = graph.input('ids', [length], 'i32');
  const mask = causal(graph, length);
  const positions = graph.integers(...Array(length).keys());
  return gpt2Network(config, graph, ids, positions, (_, q, k, v) =>
    graph.batchMatmul(graph.softmax(graph.add(graph.batchMatmul(q, k, true), mask)), v, false),
  );
}

/** Builds the graph that appends one token to a cache of `context` tokens. Scores of the cache come before that of the token itself. */
export function decodeGraph(config, dtype, context) {
  const { n_embd: hidden, n_head: heads } = config;
  const graph = new Network(dtype);
  const ids = graph.input('ids', [1], 'i32');
  const position = graph.input('position', [1], 'i32');
  const mask = graph.input('mask', [1, 1, 1, context + 1]);
  const shape = [1, heads, context, hidden / heads];
  return gpt2Network(config, graph, ids, position, (i, q, k, v) => {
    const keys = graph.input(`key.${i}`, shape);
    const values = graph.input(`value.${i}`, shape);
    const scores = graph.concatenate([graph.batchMatmul(q, keys, true), graph.batchMatmul(q, k, true)], 3);
    const weights = graph.softmax(graph.add(scores, mask));
    return graph.add(
      graph.batchMatmul(graph.slice(weights, 0, context), values, false),
      graph.multiply(graph.slice(weights, context, 1), v),
    );
  });
}
