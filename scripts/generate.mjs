// Writes a checkpoint of random weights with official names and shapes, to measure speed and memory at full size.
// usage: node scripts/generate.mjs DIR [--shape sedd-small|sedd-medium|sedd-10m|gpt2|gpt2-10m] [--dtype f32|i8] [--seed N]
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

const SHAPES = {
  'sedd-small': { hidden: 768, blocks: 12, heads: 12, tokens: 50257, length: 1024, cond: 128 },
  'sedd-medium': { hidden: 1024, blocks: 24, heads: 16, tokens: 50257, length: 1024, cond: 128 },
  'sedd-10m': { hidden: 256, blocks: 8, heads: 4, tokens: 4096, length: 128, cond: 128 },
  gpt2: { hidden: 768, blocks: 12, heads: 12, tokens: 50257, length: 1024 },
  'gpt2-10m': { hidden: 256, blocks: 8, heads: 4, tokens: 4096, length: 128 },
};

const [folder, ...flags] = process.argv.slice(2);
const value = (flag, fallback) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : fallback);
const name = value('--shape', 'sedd-small');
const shape = SHAPES[name];
const int8 = value('--dtype', 'i8') === 'i8';
if (!folder || folder.startsWith('--') || !shape) {
  console.error(`usage: node scripts/generate.mjs DIR [--shape ${Object.keys(SHAPES).join('|')}] [--dtype f32|i8] [--seed N]`);
  process.exit(2);
}

/** xorshift32: fast and the same everywhere. */
let state = (Number(value('--seed', 1)) >>> 0) || 1;
function random32() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}
const uniform = () => random32() / 2 ** 31 - 1;

/** [name, shape, spread, quantised, channel axis] of every tensor; spread 1 with centre 1 for norms. */
function seddTensors({ hidden: h, blocks, tokens, cond: k, heads }) {
  const list = [['vocab_embed.embedding', [tokens + 1, h], 0.05, true], ['rotary_emb.inv_freq', [h / heads / 2], 1],
    ['sigma_map.mlp.0.weight', [k, 256], 0.1], ['sigma_map.mlp.0.bias', [k], 0.1], ['sigma_map.mlp.2.weight', [k, k], 0.1], ['sigma_map.mlp.2.bias', [k], 0.1]];
  for (let i = 0; i < blocks; i++) {
    const b = `blocks.${i}.`;
    list.push([`${b}norm1.weight`, [h], 0], [`${b}attn_qkv.weight`, [3 * h, h], 0.05, true], [`${b}attn_out.weight`, [h, h], 0.05, true], [`${b}norm2.weight`, [h], 0],
      [`${b}mlp.0.weight`, [4 * h, h], 0.05, true], [`${b}mlp.0.bias`, [4 * h], 0.05], [`${b}mlp.2.weight`, [h, 4 * h], 0.03, true], [`${b}mlp.2.bias`, [h], 0.05],
      [`${b}adaLN_modulation.weight`, [6 * h, k], 0.05], [`${b}adaLN_modulation.bias`, [6 * h], 0.3]);
  }
  list.push(['output_layer.norm_final.weight', [h], 0], ['output_layer.linear.weight', [tokens + 1, h], 0.05, true], ['output_layer.linear.bias', [tokens + 1], 0.1],
    ['output_layer.adaLN_modulation.weight', [2 * h, k], 0.05], ['output_layer.adaLN_modulation.bias', [2 * h], 0.1]);
  return list;
}

function gpt2Tensors({ hidden: h, blocks, tokens, length }) {
  const list = [['wte.weight', [tokens, h], 0.05, true], ['wpe.weight', [length, h], 0.02]];
  for (let i = 0; i < blocks; i++) {
    const b = `h.${i}.`;
    for (const [part, rows, columns] of [['attn.c_attn', h, 3 * h], ['attn.c_proj', h, h], ['mlp.c_fc', h, 4 * h], ['mlp.c_proj', 4 * h, h]]) {
      list.push([`${b}${part}.weight`, [rows, columns], 0.05, true, 1], [`${b}${part}.bias`, [columns], 0.05]);
    }
    for (const part of ['ln_1', 'ln_2']) list.push([`${b}${part}.weight`, [h], 0], [`${b}${part}.bias`, [h], 0.05]);
  }
  list.push(['ln_f.weight', [h], 0], ['ln_f.bias', [h], 0.05]);
  return list;
}

const sedd = name.startsWith('sedd');
const config = sedd
  ? { ngpus: 1, tokens: shape.tokens, graph: { type: 'absorb' }, noise: { type: 'loglinear', sigma_min: 1e-4, sigma_max: 20 },
    model: { hidden_size: shape.hidden, cond_dim: shape.cond, length: shape.length, n_blocks: shape.blocks, n_heads: shape.heads, scale_by_sigma: true, dropout: 0.1 } }
  : { model_type: 'gpt2', n_embd: shape.hidden, n_head: shape.heads, n_layer: shape.blocks, n_positions: shape.length, n_ctx: shape.length, vocab_size: shape.tokens,
    layer_norm_epsilon: 1e-5, activation_function: 'gelu_new' };

/** What the file holds: int8 matrices are followed by their scales. */
const tensors = [];
for (const [tensor, size, spread, quantised, axis = 0] of (sedd ? seddTensors : gpt2Tensors)(shape)) {
  if (quantised && int8) {
    tensors.push({ tensor, size, dtype: 'I8' });
    tensors.push({ tensor: `${tensor}_scale`, size: axis === 0 ? [size[0], 1] : [1, size[1]], dtype: 'F32', centre: spread / 127, spread: spread / 1000 });
  } else {
    tensors.push({ tensor, size, dtype: 'F32', centre: spread === 0 ? 1 : 0, spread });
  }
}

const header = {};
let offset = 0;
for (const item of tensors) {
  item.count = item.size.reduce((a, b) => a * b, 1);
  const bytes = item.count * (item.dtype === 'I8' ? 1 : 4);
  header[item.tensor] = { dtype: item.dtype, shape: item.size, data_offsets: [offset, offset + bytes] };
  offset += bytes;
}

mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 1)}\n`);
const file = openSync(path.join(folder, 'model.safetensors'), 'w');
let text = JSON.stringify(header);
text += ' '.repeat((8 - (text.length % 8)) % 8);
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(text.length));
writeSync(file, length);
writeSync(file, text);
for (const { count, dtype, centre, spread } of tensors) {
  for (let first = 0; first < count; first += 1 << 20) {
    const size = Math.min(1 << 20, count - first);
    const piece = dtype === 'I8' ? new Int8Array(size) : new Float32Array(size);
    for (let i = 0; i < size; i++) piece[i] = dtype === 'I8' ? (random32() % 255) - 127 : centre + spread * uniform();
    writeSync(file, new Uint8Array(piece.buffer));
  }
}
closeSync(file);
console.log(`${folder}: ${name}, ${int8 ? 'int8' : 'float32'}, ${(offset / 1e6).toFixed(0)} MB`);
