/**
 * Builds the SEDD network and GPT-2 as ONNX graphs with a checkpoint's weights, in the form that onnxruntime runs fastest:
 * with its fused operators for attention, rotary embedding and GELU, and int8 as DynamicQuantizeLinear + MatMulInteger.
 *
 *   SEDD   input_ids [1, L], sigma [1]                                      -> logits [1, L, V + 1] (log-scores)
 *   GPT-2  input_ids [1, S], attention_mask [1, T], past.i.key/value [1, heads, P, size]
 *                                                                           -> logits [1, 1, V] (last row), present.i.*
 */
import { Graph, FLOAT, INT32, INT64 } from './onnx.mjs';
import { dequantise, transpose } from './checkpoint.mjs';

const FUSED = 'com.microsoft';
const EPSILON = 1e-5;

/** Builds the layers that both networks share. */
class Network extends Graph {
  #quantised = new Map(); // input -> its DynamicQuantizeLinear outputs, shared by all products of that input

  constructor(checkpoint, dtype) {
    super();
    this.checkpoint = checkpoint;
    this.int8 = dtype === 'int8';
  }

  weight(name, shape) {
    return this.constant(this.checkpoint.floats(name), shape);
  }

  /** Multiplies x [.., in] by a matrix [in, out] that has a scale for each column, and adds a bias. */
  product(x, matrix, bias) {
    let y;
    if (this.int8) {
      if (!this.#quantised.has(x)) {
        const names = ['values', 'scale', 'zero'].map((part) => `${x}_${part}`);
        this.node('DynamicQuantizeLinear', [x], names);
        this.#quantised.set(x, names);
      }
      const [values, scale, zero] = this.#quantised.get(x);
      const sum = this.op('MatMulInteger', [
        values,
        this.constant(matrix.values, [matrix.rows, matrix.columns]),
        zero,
        this.constant(new Int8Array(1), []),
      ]);
      y = this.op('Mul', [
        this.op('Cast', [sum], { to: FLOAT }),
        this.op('Mul', [scale, this.constant(matrix.scales)]),
      ]);
    } else {
      y = this.op('MatMul', [x, this.constant(dequantise(matrix), [matrix.rows, matrix.columns])]);
    }
    return bias ? this.op('Add', [y, this.weight(bias)]) : y;
  }

  /** Gathers rows of a quantised table. */
  gather(matrix, ids) {
    if (!this.int8) return this.op('Gather', [this.constant(dequantise(matrix), [matrix.rows, matrix.columns]), ids]);
    const rows = this.op(
      'Cast',
      [this.op('Gather', [this.constant(matrix.values, [matrix.rows, matrix.columns]), ids])],
      { to: FLOAT },
    );
    return this.op('Mul', [rows, this.op('Gather', [this.constant(matrix.scales, [matrix.rows, 1]), ids])]);
  }

  norm(x, weight, bias) {
    return this.op('LayerNormalization', [x, this.weight(weight), ...(bias ? [this.weight(bias)] : [])], {
      axis: -1,
      epsilon: EPSILON,
    });
  }
}

// ---- SEDD --------------------------------------------------------------------------------------

/** Computes c = silu(W2 silu(W0 [cos, sin] + b0) + b2), [1, cond]. */
function condition(graph) {
  const frequencies = Float32Array.from({ length: 128 }, (_, k) => Math.exp((-Math.log(10000) * k) / 128));
  const angle = graph.op('Mul', [
    graph.op('Unsqueeze', ['sigma', graph.integers(1)]),
    graph.constant(frequencies, [1, 128]),
  ]);
  let c = graph.op('Concat', [graph.op('Cos', [angle]), graph.op('Sin', [angle])], { axis: -1 });
  for (const layer of ['sigma_map.mlp.0', 'sigma_map.mlp.2']) {
    c = affine(graph, c, layer);
    c = graph.op('Mul', [c, graph.op('Sigmoid', [c])]);
  }
  return c;
}

/** Applies a small float layer, whose matrix is stored as [out, in]. */
function affine(graph, x, name) {
  const { shape, values } = graph.checkpoint.tensor(`${name}.weight`);
  return graph.op('Gemm', [x, graph.constant(values, shape), graph.weight(`${name}.bias`)], { transB: 1 });
}

function modulation(graph, c, name, count, hidden) {
  const m = graph.op('Unsqueeze', [affine(graph, c, name), graph.integers(1)]);
  return graph.split(m, Array(count).fill(hidden), 2);
}

function modulated(graph, x, norm, shift, scale, one) {
  return graph.op('Add', [graph.op('Mul', [graph.norm(x, norm), graph.op('Add', [scale, one])]), shift]);
}

function rotaryTables(graph, length, size) {
  const tables = [new Float32Array((length * size) / 2), new Float32Array((length * size) / 2)];
  for (let p = 0, i = 0; p < length; p++) {
    for (let j = 0; j < size / 2; j++, i++) {
      const angle = p * 10000 ** ((-2 * j) / size);
      tables[0][i] = Math.cos(angle);
      tables[1][i] = Math.sin(angle);
    }
  }
  return tables.map((table) => graph.constant(table, [length, size / 2]));
}

export function seddGraph(checkpoint, dtype) {
  const { tokens, model } = checkpoint.config;
  const { hidden_size: hidden, n_blocks: blocks, n_heads: heads } = model;
  const graph = new Network(checkpoint, dtype);
  graph.input('input_ids', INT64, [1, 'L']);
  graph.input('sigma', FLOAT, [1]);
  const matrix = (name) => transpose(checkpoint.matrix(name)); // stored [out, in]
  const one = graph.scalar(1);
  const c = condition(graph);
  const tables = rotaryTables(graph, 1024, hidden / heads);
  const start = graph.integers(0);
  const rotate = (x) => graph.op('RotaryEmbedding', [x, start, ...tables], { num_heads: heads }, FUSED);
  let x = graph.gather(checkpoint.matrix('vocab_embed.embedding'), 'input_ids');
  for (let i = 0; i < blocks; i++) {
    const b = `blocks.${i}.`;
    const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(graph, c, `${b}adaLN_modulation`, 6, hidden);
    const read = modulated(graph, x, `${b}norm1.weight`, shift1, scale1, one);
    const [q, k, v] = graph.split(graph.product(read, matrix(`${b}attn_qkv.weight`)), Array(3).fill(hidden), 2);
    const attended = graph.op('MultiHeadAttention', [rotate(q), rotate(k), v], { num_heads: heads }, FUSED);
    x = graph.op('Add', [x, graph.op('Mul', [graph.product(attended, matrix(`${b}attn_out.weight`)), gate1])]);
    const inner = graph.product(
      modulated(graph, x, `${b}norm2.weight`, shift2, scale2, one),
      matrix(`${b}mlp.0.weight`),
      `${b}mlp.0.bias`,
    );
    const outer = graph.product(graph.op('FastGelu', [inner], {}, FUSED), matrix(`${b}mlp.2.weight`), `${b}mlp.2.bias`);
    x = graph.op('Add', [x, graph.op('Mul', [outer, gate2])]);
  }
  const [shift, scale] = modulation(graph, c, 'output_layer.adaLN_modulation', 2, hidden);
  x = modulated(graph, x, 'output_layer.norm_final.weight', shift, scale, one);
  const logits = graph.product(x, matrix('output_layer.linear.weight'), 'output_layer.linear.bias');
  // log-score = logit - ln(e^sigma - 1) - ln V, and 0 at the current token
  const offset = graph.op('Add', [
    graph.op('Log', [graph.op('Sub', [graph.op('Exp', ['sigma']), one])]),
    graph.scalar(Math.log(tokens)),
  ]);
  const scores = graph.op('Sub', [logits, graph.op('Unsqueeze', [offset, graph.integers(1, 2)])]);
  const index = graph.op('Unsqueeze', ['input_ids', graph.integers(2)]);
  const zero = graph.op('Mul', [graph.op('Cast', [index], { to: FLOAT }), graph.scalar(0)]);
  graph.node('ScatterElements', [scores, index, zero], ['logits'], { axis: 2 });
  graph.output('logits', FLOAT, [1, 'L', tokens + 1]);
  return graph;
}

// ---- GPT-2 -------------------------------------------------------------------------------------

export function gpt2Graph(checkpoint, dtype) {
  const {
    n_embd: hidden,
    n_layer: blocks,
    n_head: heads,
    vocab_size: tokens,
    n_positions: positions,
  } = checkpoint.config;
  const graph = new Network(checkpoint, dtype);
  graph.input('input_ids', INT64, [1, 'S']);
  graph.input('position_ids', INT64, [1, 'S']);
  graph.input('attention_mask', INT64, [1, 'T']);
  const table = checkpoint.matrix('wte.weight');
  const total = graph.op('Gather', [graph.op('Shape', ['attention_mask']), graph.integers(1)]); // [1]
  const totalLength = graph.op('Cast', [graph.op('Squeeze', [total])], { to: INT32 });
  const lastKey = graph.op('Cast', [graph.op('Sub', [total, graph.integers(1)])], { to: INT32 });
  let x = graph.op('Add', [
    graph.gather(table, 'input_ids'),
    graph.op('Gather', [graph.weight('wpe.weight', [positions, hidden]), 'position_ids']),
  ]);
  const product = (input, name) => graph.product(input, graph.checkpoint.matrix(`${name}.weight`), `${name}.bias`); // stored [in, out]
  for (let i = 0; i < blocks; i++) {
    const b = `h.${i}.`;
    const cache = ['key', 'value'].map((part) =>
      graph.input(`past.${i}.${part}`, FLOAT, [1, heads, 'P', hidden / heads]),
    );
    const next = ['key', 'value'].map((part) =>
      graph.output(`present.${i}.${part}`, FLOAT, [1, heads, 'T', hidden / heads]),
    );
    const read = graph.norm(x, `${b}ln_1.weight`, `${b}ln_1.bias`);
    const [q, k, v] = graph.split(product(read, `${b}attn.c_attn`), Array(3).fill(hidden), 2);
    graph.node(
      'GroupQueryAttention',
      [q, k, v, ...cache, lastKey, totalLength],
      [`attended_${i}`, ...next],
      { num_heads: heads, kv_num_heads: heads },
      FUSED,
    );
    x = graph.op('Add', [x, product(`attended_${i}`, `${b}attn.c_proj`)]);
    const inner = product(graph.norm(x, `${b}ln_2.weight`, `${b}ln_2.bias`), `${b}mlp.c_fc`);
    x = graph.op('Add', [x, product(graph.op('FastGelu', [inner], {}, FUSED), `${b}mlp.c_proj`)]);
  }
  const last = graph.op('Slice', [x, graph.integers(-1), graph.integers(2 ** 40), graph.integers(1)]);
  const logits = graph.product(graph.norm(last, 'ln_f.weight', 'ln_f.bias'), transpose(table));
  graph.node('Identity', [logits], ['logits']);
  graph.output('logits', FLOAT, [1, 1, tokens]);
  return graph;
}
