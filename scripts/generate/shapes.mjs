/**
 * Lists the official names, shapes and configurations of a checkpoint of each size. The "narrow" ones have the full
 * vocabulary, but few and narrow layers.
 */
export const SHAPES = {
  'sedd-small': { hidden: 768, blocks: 12, heads: 12, tokens: 50257, length: 1024, cond: 128 },
  'sedd-medium': { hidden: 1024, blocks: 24, heads: 16, tokens: 50257, length: 1024, cond: 128 },
  'sedd-10m': { hidden: 256, blocks: 8, heads: 4, tokens: 4096, length: 128, cond: 128 },
  'sedd-nano': { hidden: 192, blocks: 6, heads: 6, tokens: 2048, length: 128, cond: 64 },
  'sedd-tiny': { hidden: 8, blocks: 1, heads: 2, tokens: 50257, length: 32, cond: 4 },
  'sedd-small-narrow': { hidden: 32, blocks: 2, heads: 2, tokens: 50257, length: 1024, cond: 8 },
  'sedd-medium-narrow': { hidden: 32, blocks: 3, heads: 4, tokens: 50257, length: 1024, cond: 8 },
  gpt2: { hidden: 768, blocks: 12, heads: 12, tokens: 50257, length: 1024, masks: true },
  'gpt2-medium': { hidden: 1024, blocks: 24, heads: 16, tokens: 50257, length: 1024, masks: true },
  'gpt2-narrow': { hidden: 32, blocks: 2, heads: 2, tokens: 50257, length: 1024, masks: true },
  'gpt2-medium-narrow': { hidden: 32, blocks: 3, heads: 4, tokens: 50257, length: 1024, masks: true },
  'gpt2-10m': { hidden: 256, blocks: 8, heads: 4, tokens: 4096, length: 128 },
};

/** The families that have SEDD's network, and what differs: the prefix of names, a network without conditioning, states beside the tokens. */
const NETWORKS = {
  sedd: { prefix: '', rows: 1 },
  mdlm: { prefix: 'backbone.', rows: 1 },
  sdtt: { prefix: 'backbone.', rows: 1 },
  radd: { prefix: '', rows: 1, plain: true },
  duo: { prefix: 'backbone.', rows: 1 }, // an ordinary state, [PAD]
};
export const FAMILIES = Object.keys(NETWORKS);
for (const family of FAMILIES.filter((name) => name !== 'sedd')) {
  for (const size of ['small', 'medium', 'small-narrow', 'medium-narrow', 'nano'])
    SHAPES[`${family}-${size}`] = SHAPES[`sedd-${size}`];
}
SHAPES['sdtt-large'] = { hidden: 1536, blocks: 24, heads: 16, tokens: 50257, length: 1024, cond: 128 };

const GPT2_TOKENS = 50257;
const familyOf = (name) => name.split('-')[0];

const matrix = (name, size, spread, axis = 0) => ({ name, size, spread, quantised: true, axis });
const vector = (name, size, spread) => ({ name, size, spread });
const norm = (name, size) => ({ name, size, spread: 0 });

/** Describes the tensors of a diffusion model. With spread 0 all values of a tensor are one. A `quantised` matrix may be stored as int8, with one scale along `axis`. */
function seddTensors({ hidden: h, blocks, tokens, cond: k, heads }, family) {
  const { prefix, rows, plain } = NETWORKS[family];
  const conditioning = (...tensors) => (plain ? [] : tensors);
  const biased = (name) => [norm(`${name}.weight`, [h]), ...(plain ? [vector(`${name}.bias`, [h], 0.05)] : [])];
  const list = [
    matrix('vocab_embed.embedding', [tokens + rows, h], 0.05),
    vector('rotary_emb.inv_freq', [h / heads / 2], 1),
    ...conditioning(
      vector('sigma_map.mlp.0.weight', [k, 256], 0.1),
      vector('sigma_map.mlp.0.bias', [k], 0.1),
      vector('sigma_map.mlp.2.weight', [k, k], 0.1),
      vector('sigma_map.mlp.2.bias', [k], 0.1),
    ),
  ];
  for (let i = 0; i < blocks; i++) {
    const b = `blocks.${i}.`;
    list.push(
      ...biased(`${b}norm1`),
      matrix(`${b}attn_qkv.weight`, [3 * h, h], 0.05),
      matrix(`${b}attn_out.weight`, [h, h], 0.05),
      ...biased(`${b}norm2`),
      matrix(`${b}mlp.0.weight`, [4 * h, h], 0.05),
      vector(`${b}mlp.0.bias`, [4 * h], 0.05),
      matrix(`${b}mlp.2.weight`, [h, 4 * h], 0.03),
      vector(`${b}mlp.2.bias`, [h], 0.05),
      ...conditioning(
        vector(`${b}adaLN_modulation.weight`, [6 * h, k], 0.05),
        vector(`${b}adaLN_modulation.bias`, [6 * h], 0.3),
      ),
    );
  }
  list.push(
    ...biased('output_layer.norm_final'),
    matrix('output_layer.linear.weight', [tokens + rows, h], 0.05),
    vector('output_layer.linear.bias', [tokens + rows], 0.1),
    ...conditioning(
      vector('output_layer.adaLN_modulation.weight', [2 * h, k], 0.05),
      vector('output_layer.adaLN_modulation.bias', [2 * h], 0.1),
    ),
  );
  return list.map((tensor) => ({ ...tensor, name: `${prefix}${tensor.name}` }));
}

/** Lists GPT-2's tensors. With `masks` it includes the causal masks, buffers that the hub's files hold and no engine reads. */
function gpt2Tensors({ hidden: h, blocks, tokens, length, masks }) {
  const list = [matrix('wte.weight', [tokens, h], 0.05), vector('wpe.weight', [length, h], 0.02)];
  for (let i = 0; i < blocks; i++) {
    const b = `h.${i}.`;
    if (masks) list.push({ name: `${b}attn.bias`, size: [1, 1, length, length], mask: true });
    for (const [part, rows, columns] of [
      ['attn.c_attn', h, 3 * h],
      ['attn.c_proj', h, h],
      ['mlp.c_fc', h, 4 * h],
      ['mlp.c_proj', 4 * h, h],
    ]) {
      list.push(matrix(`${b}${part}.weight`, [rows, columns], 0.05, 1), vector(`${b}${part}.bias`, [columns], 0.05));
    }
    for (const part of ['ln_1', 'ln_2'])
      list.push(norm(`${b}${part}.weight`, [h]), vector(`${b}${part}.bias`, [h], 0.05));
  }
  list.push(norm('ln_f.weight', [h]), vector('ln_f.bias', [h], 0.05));
  return list;
}

/** Returns the configuration of MDLM's or DUO's Hugging Face class. */
const flatConfig = ({ hidden, blocks, heads, tokens, length, cond }, family) => ({
  architectures: [family.toUpperCase()],
  model_type: family === 'duo' ? 'DUO' : 'mdlm',
  vocab_size: tokens + 1,
  model_length: length,
  hidden_dim: hidden,
  cond_dim: cond,
  n_blocks: blocks,
  n_heads: heads,
  dropout: 0.1,
  ...(family === 'duo' ? { causal: false, var_min: true } : { time_conditioning: false }),
  torch_dtype: 'float32',
});

/** Returns the parts of a training configuration that name RADD and SDTT. */
const NESTED = {
  sedd: { graph: { type: 'absorb' } },
  radd: {},
  sdtt: {
    tokens: undefined, // it follows from the tokenizer, if that is GPT-2's
    tokenizer: { name: 'gpt2' },
    time_conditioning: false,
    T: 0,
    parameterization: { name: 'multi-round-sdtt', start_from_hf: false },
  },
};
const TYPES = { sedd: 'ddit', radd: 'ddit_wot', sdtt: 'ddit-orig' };

/** Returns config.json in the form of the hub. */
export function configOf(name) {
  const shape = SHAPES[name];
  const family = familyOf(name);
  if (family === 'mdlm' || family === 'duo') return flatConfig(shape, family);
  return family in NESTED
    ? {
        ngpus: 1,
        tokens: shape.tokens,
        ...NESTED[family],
        ...(shape.tokens !== GPT2_TOKENS && { tokens: shape.tokens }),
        noise: { type: 'loglinear', sigma_min: 1e-4, sigma_max: 20 },
        model: {
          type: TYPES[family],
          hidden_size: shape.hidden,
          cond_dim: shape.cond,
          length: shape.length,
          n_blocks: shape.blocks,
          n_heads: shape.heads,
          ...(family !== 'radd' && { scale_by_sigma: true }),
          dropout: 0.1,
        },
      }
    : {
        model_type: 'gpt2',
        n_embd: shape.hidden,
        n_head: shape.heads,
        n_layer: shape.blocks,
        n_positions: shape.length,
        n_ctx: shape.length,
        vocab_size: shape.tokens,
        layer_norm_epsilon: 1e-5,
        activation_function: 'gelu_new',
      };
}

const product = (size) => size.reduce((a, b) => a * b, 1);

/** Returns the tensors of the file: {name, size, dtype, count, bytes, centre, spread, mask}. The scales of an int8 matrix follow it. */
export function tensorsOf(name, int8) {
  const shape = SHAPES[name];
  const tensors = [];
  const family = familyOf(name);
  for (const { name: tensor, size, spread, quantised, axis, mask } of family in NETWORKS
    ? seddTensors(shape, family)
    : gpt2Tensors(shape)) {
    if (quantised && int8) {
      tensors.push({ name: tensor, size, dtype: 'I8' });
      tensors.push({
        name: `${tensor}_scale`,
        size: axis === 0 ? [size[0], 1] : [1, size[1]],
        dtype: 'F32',
        centre: (2 * spread) / 127,
        spread: spread / 1000,
      });
    } else {
      tensors.push({ name: tensor, size, dtype: 'F32', centre: spread === 0 ? 1 : 0, spread, mask });
    }
  }
  return tensors.map((tensor) => ({
    ...tensor,
    count: product(tensor.size),
    bytes: product(tensor.size) * (tensor.dtype === 'I8' ? 1 : 4),
  }));
}
