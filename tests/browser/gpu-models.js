// Makes models for the GPU tests directly from checkpoint files: tensors as the core packs them, and SEDD's modulations
// from the formulas. Runs in the page and in Node.

const roundUp = (n, to) => Math.ceil(n / to) * to;

/** Converts half floats to floats. */
const halves = (words) =>
  Float32Array.from(words, (word) => {
    const [exponent, fraction] = [(word >> 10) & 31, word & 1023];
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return word >> 15 ? -size : size;
  });

const DECODE = {
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => halves(new Uint16Array(buffer)),
  I8: (buffer) => new Int8Array(buffer),
};

/** Returns the tensors of a safetensors file: name -> {shape, values}. */
export function readSafetensors(bytes) {
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const { __metadata__, ...header } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: at }] of Object.entries(header)) {
    const piece = Uint8Array.prototype.slice.call(bytes, 8 + size + at[0], 8 + size + at[1]); // a copy, in Node, too
    tensors[name.replace(/^transformer\./, '')] = { shape, values: DECODE[dtype](piece.buffer) };
  }
  return tensors;
}

/** Quantises rows to int8 as the core does: scale = max|x| / 127. */
export function quantize(values, rows, columns) {
  const q = new Int8Array(rows * columns);
  const scale = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * columns, (r + 1) * columns);
    scale[r] = Math.fround(row.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127);
    const inverse = scale[r] > 0 ? Math.fround(1 / scale[r]) : 0;
    row.forEach((v, k) => {
      const x = Math.fround(v * inverse);
      const nearest = Math.round(x);
      const even = Math.abs(x % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
      q[r * columns + k] = Math.max(-127, Math.min(127, even));
    });
  }
  return { q, scale };
}

/** Packs a matrix [rows, columns] into panels (core/kernels/kernels.h). `scale` is that of an int8 matrix. */
export function packMatrix(name, values, rows, columns, { scale = null, bias = null } = {}) {
  const channels = roundUp(rows, 8);
  const fill = (Type, from) => (from ? Type.from({ length: channels }, (_, c) => from[c] ?? 0) : null);
  const padded = roundUp(columns, 8);
  const q8 = scale !== null;
  const panels = q8 ? new Int8Array(channels * padded) : new Float32Array(channels * columns);
  const sum = new Int32Array(channels);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < columns; k++) {
      const panel = r >> 3;
      const at = q8
        ? ((panel * (padded / 4) + (k >> 2)) * 8 + (r % 8)) * 4 + (k % 4)
        : (panel * columns + k) * 8 + (r % 8);
      panels[at] = values[r * columns + k];
      sum[r] += q8 ? values[r * columns + k] : 0;
    }
  return {
    ...{ name, kind: 'matrix', dtype: q8 ? 'q8' : 'f32', rows, columns, padded, panels },
    ...{ scale: fill(Float32Array, scale), sum: q8 ? sum : null, bias: fill(Float32Array, bias) },
  };
}

const transposed = (values, rows, columns) =>
  values.constructor.from({ length: rows * columns }, (_, i) => values[(i % columns) * rows + Math.floor(i / columns)]);

/** Returns the core's description of a SEDD. */
function describeSedd({ tokens, graph, model }, dtype) {
  const absorb = graph.type === 'absorb';
  const size = model.hidden_size / model.n_heads;
  return {
    ...{ kind: 'sedd', dtype, hidden: model.hidden_size, inner: 4 * model.hidden_size, heads: model.n_heads },
    ...{
      blocks: model.n_blocks,
      tokens,
      states: tokens + (absorb ? 1 : 0),
      maskId: absorb ? tokens : -1,
      normEps: 1e-5,
    },
    ...{ positions: model.length, attentionScales: Array(model.n_blocks).fill(Math.fround(1 / Math.sqrt(size))) },
    ...{ activation: 'gelu_tanh', tied: false, muted: [], integerAttention: dtype === 'q8' },
  };
}

function describeGpt2(config, dtype) {
  const size = config.n_embd / config.n_head;
  return {
    ...{ kind: 'gpt2', dtype, hidden: config.n_embd, inner: config.n_inner ?? 4 * config.n_embd, heads: config.n_head },
    ...{ blocks: config.n_layer, tokens: config.vocab_size, states: config.vocab_size, maskId: -1, normEps: 1e-5 },
    ...{ positions: config.n_positions, attentionScales: Array(config.n_layer).fill(Math.fround(1 / Math.sqrt(size))) },
    ...{ activation: 'gelu_tanh', tied: true, muted: [], integerAttention: dtype === 'q8' },
  };
}

/**
 * Returns the description and the tensors of a model. If `dtype` is q8, an f32 file becomes an int8 model.
 * @param {object} config @param {Uint8Array} weights @param {'f32'|'q8'} [dtype] default: the file's type
 */
export function readModel(config, weights, dtype) {
  const file = readSafetensors(weights);
  const stored = Object.values(file).some(({ values }) => values instanceof Int8Array) ? 'q8' : 'f32';
  const type = dtype ?? stored;
  const whole = (name, rows, columns, turn = false) => {
    const values = turn ? transposed(file[name].values, rows, columns) : file[name].values;
    if (type === 'f32') return { values, scale: null };
    if (stored === 'q8') return { values, scale: file[`${name}_scale`].values };
    const { q, scale } = quantize(values, rows, columns);
    return { values: q, scale };
  };
  const matrix = (name, from, rows, columns, turn) => {
    const { values, scale } = whole(`${from}.weight`, rows, columns, turn);
    return packMatrix(name, values, rows, columns, { scale, bias: file[`${from}.bias`]?.values ?? null });
  };
  const vector = (name, from) => ({ name, kind: 'vector', rows: file[from].values.length, values: file[from].values });
  const table = (name, from, rows, columns, type_ = type) => ({
    ...{ name, kind: 'table', dtype: type_, rows, columns },
    ...(type_ === 'f32' ? { values: file[from].values, scale: null } : whole(from, rows, columns)),
  });
  if (config.model) {
    const info = describeSedd(config, type);
    const h = info.hidden;
    const tensors = [table('embedding', 'vocab_embed.embedding', info.states, h)];
    for (let b = 0; b < info.blocks; b++)
      tensors.push(
        matrix(`block.${b}.qkv`, `blocks.${b}.attn_qkv`, 3 * h, h),
        matrix(`block.${b}.attnOut`, `blocks.${b}.attn_out`, h, h),
        matrix(`block.${b}.mlpIn`, `blocks.${b}.mlp.0`, 4 * h, h),
        matrix(`block.${b}.mlpOut`, `blocks.${b}.mlp.2`, h, 4 * h),
      );
    tensors.push(matrix('head', 'output_layer.linear', info.states, h));
    return { info, tensors, modulation: (sigma) => modulationAt(file, info, sigma) };
  }
  const info = describeGpt2(config, type);
  const h = info.hidden;
  const tensors = [matrix('head', 'wte', info.tokens, h), table('positions', 'wpe.weight', info.positions, h, 'f32')];
  for (let b = 0; b < info.blocks; b++)
    tensors.push(
      ...['1', '2'].flatMap((n) => [
        vector(`block.${b}.norm${n}`, `h.${b}.ln_${n}.weight`),
        vector(`block.${b}.norm${n}.bias`, `h.${b}.ln_${n}.bias`),
      ]),
      matrix(`block.${b}.qkv`, `h.${b}.attn.c_attn`, 3 * h, h, true),
      matrix(`block.${b}.attnOut`, `h.${b}.attn.c_proj`, h, h, true),
      matrix(`block.${b}.mlpIn`, `h.${b}.mlp.c_fc`, info.inner, h, true),
      matrix(`block.${b}.mlpOut`, `h.${b}.mlp.c_proj`, h, info.inner, true),
    );
  tensors.push(vector('normFinal', 'ln_f.weight'), vector('normFinal.bias', 'ln_f.bias'));
  return { info, tensors };
}

/**
 * Computes the modulations of a noise level in double, with the norms' weights multiplied in. The formulas are features
 * of sigma, two linear layers and adaLN.
 */
function modulationAt(file, { hidden, blocks }, sigma) {
  const silu = (x) => x.map((v) => v / (1 + Math.exp(-v)));
  const linear = (name, x) => {
    const { values, shape } = file[`${name}.weight`];
    const bias = file[`${name}.bias`].values;
    return Array.from({ length: shape[0] }, (_, r) =>
      x.reduce((sum, v, k) => sum + v * values[r * shape[1] + k], bias[r]),
    );
  };
  const angles = Array.from({ length: 128 }, (_, k) => sigma * Math.exp((-Math.log(10000) * k) / 128));
  const features = [...angles.map(Math.cos), ...angles.map(Math.sin)];
  const c = silu(linear('sigma_map.mlp.2', silu(linear('sigma_map.mlp.0', features))));
  const fold = (vectors, at, name) => {
    const norm = file[`${name}.weight`].values;
    for (let i = 0; i < hidden; i++) vectors[at * hidden + i] = norm[i] * (1 + vectors[at * hidden + i]);
  };
  const out = [];
  for (let b = 0; b < blocks; b++) {
    const vectors = linear(`blocks.${b}.adaLN_modulation`, c);
    fold(vectors, 1, `blocks.${b}.norm1`);
    fold(vectors, 4, `blocks.${b}.norm2`);
    out.push(...vectors);
  }
  const last = linear('output_layer.adaLN_modulation', c);
  fold(last, 1, 'output_layer.norm_final');
  return Float32Array.from([...out, ...last]);
}
