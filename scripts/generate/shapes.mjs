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

const matrix = (name, size, spread, axis = 0) => ({ name, size, spread, quantised: true, axis });
const vector = (name, size, spread) => ({ name, size, spread });
const norm = (name, size) => ({ name, size, spread: 0 });

/** Describes a tensor. With spread 0 all its values are one. A `quantised` matrix may be stored as int8, with one scale along `axis`. */
function seddTensors({ hidden: h, blocks, tokens, cond: k, heads }) {
  const list = [
    matrix('vocab_embed.embedding', [tokens + 1, h], 0.05),
    vector('rotary_emb.inv_freq', [h / heads / 2], 1),
    vector('sigma_map.mlp.0.weight', [k, 256], 0.1),
    vector('sigma_map.mlp.0.bias', [k], 0.1),
    vector('sigma_map.mlp.2.weight', [k, k], 0.1),
    vector('sigma_map.mlp.2.bias', [k], 0.1),
  ];
  for (let i = 0; i < blocks; i++) {
    const b = `blocks.${i}.`;
    list.push(
      norm(`${b}norm1.weight`, [h]),
      matrix(`${b}attn_qkv.weight`, [3 * h, h], 0.05),
      matrix(`${b}attn_out.weight`, [h, h], 0.05),
      norm(`${b}norm2.weight`, [h]),
      matrix(`${b}mlp.0.weight`, [4 * h, h], 0.05),
      vector(`${b}mlp.0.bias`, [4 * h], 0.05),
      matrix(`${b}mlp.2.weight`, [h, 4 * h], 0.03),
      vector(`${b}mlp.2.bias`, [h], 0.05),
      vector(`${b}adaLN_modulation.weight`, [6 * h, k], 0.05),
      vector(`${b}adaLN_modulation.bias`, [6 * h], 0.3),
    );
  }
  list.push(
    norm('output_layer.norm_final.weight', [h]),
    matrix('output_layer.linear.weight', [tokens + 1, h], 0.05),
    vector('output_layer.linear.bias', [tokens + 1], 0.1),
    vector('output_layer.adaLN_modulation.weight', [2 * h, k], 0.05),
    vector('output_layer.adaLN_modulation.bias', [2 * h], 0.1),
  );
  return list;
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

/** Returns config.json in the form of the hub. */
export function configOf(name) {
  const shape = SHAPES[name];
  return name.startsWith('sedd')
    ? {
        ngpus: 1,
        tokens: shape.tokens,
        graph: { type: 'absorb' },
        noise: { type: 'loglinear', sigma_min: 1e-4, sigma_max: 20 },
        model: {
          hidden_size: shape.hidden,
          cond_dim: shape.cond,
          length: shape.length,
          n_blocks: shape.blocks,
          n_heads: shape.heads,
          scale_by_sigma: true,
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
  for (const { name: tensor, size, spread, quantised, axis, mask } of (name.startsWith('sedd')
    ? seddTensors
    : gpt2Tensors)(shape)) {
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
