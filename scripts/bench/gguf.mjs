/**
 * Writes a GPT-2 checkpoint as GGUF (version 3) for llama.cpp's engines. Matrices become q8_0 or q4_0 blocks of 32 and
 * the rest stays float32. q4_0 keeps the tied table in q8_0, as llama.cpp's own quantiser does.
 *
 * The vocabulary is synthetic (engines/vocabulary.js), so that text can be read back as ids. Its only merge makes no token.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { dequantise, transpose } from './checkpoint.mjs';
import { textOf } from './engines/vocabulary.js';

const TYPES = { f32: 0, q4_0: 2, q8_0: 8 };
const FILE_TYPES = { q4_0: 2, q8_0: 7 };
const ALIGNMENT = 32;

// ---- Metadata ----------------------------------------------------------------------------------

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const string = (value) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};
const typed = {
  u32: (value) => Buffer.concat([u32(4), u32(value)]),
  f32: (value) => Buffer.concat([u32(6), Buffer.from(Float32Array.of(value).buffer)]),
  text: (value) => Buffer.concat([u32(8), string(value)]),
  texts: (values) => Buffer.concat([u32(9), u32(8), u64(values.length), ...values.map(string)]),
  i32s: (values) => Buffer.concat([u32(9), u32(5), u64(values.length), Buffer.from(Int32Array.from(values).buffer)]),
};

/** Returns a token's text in the characters that byte-level vocabularies use for bytes. */
const written = (id) => textOf(id).replace('\n', '\u010a').replace(' ', '\u0120');

function metadata({ n_embd, n_layer, n_head, vocab_size, n_positions, layer_norm_epsilon }, type) {
  const tokens = [...Array.from({ length: vocab_size - 1 }, (_, id) => written(id)), '<|endoftext|>'];
  return Object.entries({
    'general.architecture': typed.text('gpt2'),
    'general.name': typed.text('random weights'),
    'general.file_type': typed.u32(FILE_TYPES[type]),
    'general.alignment': typed.u32(ALIGNMENT),
    'gpt2.block_count': typed.u32(n_layer),
    'gpt2.context_length': typed.u32(n_positions),
    'gpt2.embedding_length': typed.u32(n_embd),
    'gpt2.feed_forward_length': typed.u32(4 * n_embd),
    'gpt2.attention.head_count': typed.u32(n_head),
    'gpt2.attention.layer_norm_epsilon': typed.f32(layer_norm_epsilon),
    'tokenizer.ggml.model': typed.text('gpt2'),
    'tokenizer.ggml.pre': typed.text('gpt-2'),
    'tokenizer.ggml.tokens': typed.texts(tokens),
    'tokenizer.ggml.token_type': typed.i32s(tokens.map((_, i) => (i === tokens.length - 1 ? 3 : 1))),
    'tokenizer.ggml.merges': typed.texts(['t o']),
    'tokenizer.ggml.bos_token_id': typed.u32(vocab_size - 1),
    'tokenizer.ggml.eos_token_id': typed.u32(vocab_size - 1),
  }).map(([key, value]) => Buffer.concat([string(key), value]));
}

// ---- Blocks of 32 weights ----------------------------------------------------------------------

/** Returns the float16 bits of a positive number in the normal range, rounded to nearest. */
function half(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  if (bits < 0x38800000) return 0; // below 2^-14, where a block is practically zero
  return ((bits - 0x38000000 + 0x1000) >>> 13) & 0xffff;
}

const toFloat = (bits) => 2 ** ((bits >> 10) - 15) * (1 + (bits & 1023) / 1024);

function pack(values, type) {
  const quants = type === 'q8_0' ? 32 : 16;
  const out = new Uint8Array((values.length / 32) * (2 + quants));
  for (let block = 0, at = 0; block < values.length; block += 32, at += 2 + quants) {
    let largest = 0;
    for (let i = 0; i < 32; i++) largest = Math.max(largest, Math.abs(values[block + i]));
    const bits = half(largest / (type === 'q8_0' ? 127 : 8));
    const inverse = bits === 0 ? 0 : 1 / toFloat(bits);
    out[at] = bits & 255;
    out[at + 1] = bits >> 8;
    const level = (i, low, high) => Math.max(low, Math.min(high, Math.round(values[block + i] * inverse)));
    for (let i = 0; i < quants; i++) {
      out[at + 2 + i] =
        type === 'q8_0' ? level(i, -127, 127) : (level(i, -8, 7) + 8) | ((level(i + 16, -8, 7) + 8) << 4);
    }
  }
  return out;
}

// ---- The file ----------------------------------------------------------------------------------

function* tensors(checkpoint, type) {
  const { n_layer: blocks } = checkpoint.config;
  const plain = (name) => ({ ...checkpoint.tensor(name), type: 'f32' });
  const packed = (matrix, kind) => ({ shape: [matrix.rows, matrix.columns], values: dequantise(matrix), type: kind });
  yield ['token_embd.weight', packed(checkpoint.matrix('wte.weight'), 'q8_0')];
  yield ['position_embd.weight', plain('wpe.weight')];
  for (const part of ['weight', 'bias']) yield [`output_norm.${part}`, plain(`ln_f.${part}`)];
  for (let i = 0; i < blocks; i++) {
    for (const [to, from] of [
      ['attn_qkv', 'attn.c_attn'],
      ['attn_output', 'attn.c_proj'],
      ['ffn_up', 'mlp.c_fc'],
      ['ffn_down', 'mlp.c_proj'],
    ]) {
      yield [`blk.${i}.${to}.weight`, packed(transpose(checkpoint.matrix(`h.${i}.${from}.weight`)), type)];
      yield [`blk.${i}.${to}.bias`, plain(`h.${i}.${from}.bias`)];
    }
    for (const [to, from] of [
      ['attn_norm', 'ln_1'],
      ['ffn_norm', 'ln_2'],
    ]) {
      for (const part of ['weight', 'bias']) yield [`blk.${i}.${to}.${part}`, plain(`h.${i}.${from}.${part}`)];
    }
  }
}

/** @param {import('./checkpoint.mjs').Checkpoint} checkpoint @param {'q8_0'|'q4_0'} type */
export function writeGguf(file, checkpoint, type) {
  const keys = metadata(checkpoint.config, type);
  const infos = [];
  const data = [];
  let offset = 0;
  for (const [name, tensor] of tensors(checkpoint, type)) {
    const bytes = tensor.type === 'f32' ? new Uint8Array(tensor.values.buffer) : pack(tensor.values, tensor.type);
    infos.push(
      string(name),
      u32(tensor.shape.length),
      ...[...tensor.shape].reverse().map(u64),
      u32(TYPES[tensor.type]),
      u64(offset),
    );
    const padding = -bytes.length & (ALIGNMENT - 1);
    data.push(bytes, new Uint8Array(padding));
    offset += bytes.length + padding;
  }
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(data.length / 2), u64(keys.length), ...keys, ...infos]);
  const out = openSync(file, 'w');
  for (const piece of [head, new Uint8Array(-head.length & (ALIGNMENT - 1)), ...data]) writeSync(out, piece);
  closeSync(out);
}
