/**
 * Writes repositories like the hub's: the official checkpoints' files by name and shape, with random weights. Apart from sizes,
 * the configurations of SEDD and GPT-2 are those of the hub. Those of MDLM, SDTT, RADD and DUO have the keys that their code writes.
 * The tokenizer is GPT-2's in its original form, whose tokenizer.json lacks model.type. Diffusion models come without a tokenizer.
 * A name after @ is a branch.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from '../generate.mjs';
import { SHAPES } from './shapes.mjs';

const TOKENIZER = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../tests/golden/gpt2-tokenizer');
const END = 50256;

/** The official checkpoints: their repositories and the shapes that represent them. */
export const OFFICIAL = {
  'openai-community/gpt2': 'gpt2',
  'openai-community/gpt2-medium': 'gpt2-medium',
  'louaaron/sedd-small': 'sedd-small',
  'louaaron/sedd-medium': 'sedd-medium',
  'kuleshov-group/mdlm-owt': 'mdlm-small',
  'jdeschena/sdtt@baselines_kld_step_70000': 'sdtt-small',
  'jdeschena/sdtt@scaling_400k_md_step_70000': 'sdtt-medium',
  'JingyangOu/radd-lambda-dce': 'radd-small',
  's-sahoo/duo': 'duo-small',
};

const gpt2Config = ({ hidden, blocks, heads, tokens, length }, medium) => ({
  activation_function: 'gelu_new',
  architectures: ['GPT2LMHeadModel'],
  attn_pdrop: 0.1,
  bos_token_id: END,
  embd_pdrop: 0.1,
  eos_token_id: END,
  initializer_range: 0.02,
  layer_norm_epsilon: 1e-5,
  model_type: 'gpt2',
  n_ctx: length,
  n_embd: hidden,
  n_head: heads,
  n_layer: blocks,
  n_positions: length,
  ...(medium && { n_special: 0, predict_special_tokens: true }),
  resid_pdrop: 0.1,
  summary_activation: null,
  summary_first_dropout: 0.1,
  summary_proj_to_labels: true,
  summary_type: 'cls_index',
  summary_use_proj: true,
  task_specific_params: { 'text-generation': { do_sample: true, max_length: 50 } },
  vocab_size: tokens,
});

const seddConfig = ({ hidden, blocks, heads, tokens, length, cond }, name) => ({
  ngpus: 8,
  tokens,
  training: {
    batch_size: 512,
    accum: 1,
    n_iters: 1300001,
    snapshot_freq: 50000,
    log_freq: 50,
    eval_freq: 100,
    snapshot_freq_for_preemption: 10000,
    weight: 'standard',
    snapshot_sampling: true,
    ema: 0.9999,
  },
  data: { train: 'openwebtext', valid: 'wikitext103', cache_dir: 'data' },
  graph: { type: 'absorb', file: 'data', report_all: false },
  noise: { type: 'loglinear', sigma_min: 1e-4, sigma_max: 20 },
  sampling: { predictor: 'euler', steps: 128, noise_removal: true },
  eval: { batch_size: 512, perplexity: true, perplexity_batch_size: 32 },
  optim: {
    weight_decay: 0,
    optimizer: 'AdamW',
    lr: 3e-4,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    warmup: 2500,
    grad_clip: 1,
  },
  model: {
    name: name.replace('sedd-', ''),
    type: 'ddit',
    hidden_size: hidden,
    cond_dim: cond,
    length,
    n_blocks: blocks,
    n_heads: heads,
    scale_by_sigma: true,
    dropout: 0.1,
  },
});

/** Returns GPT-2's tokenizer.json, made from its vocab.json and merges.txt. */
function tokenizer() {
  const vocab = JSON.parse(readFileSync(path.join(TOKENIZER, 'vocab.json'), 'utf8'));
  const lines = readFileSync(path.join(TOKENIZER, 'merges.txt'), 'utf8').split('\n');
  const byteLevel = (more) => ({ type: 'ByteLevel', ...more });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: END,
        special: true,
        content: '<|endoftext|>',
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel({ add_prefix_space: false, trim_offsets: true }),
    post_processor: byteLevel({ add_prefix_space: true, trim_offsets: false }),
    decoder: byteLevel({ add_prefix_space: true, trim_offsets: true }),
    model: {
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      vocab,
      merges: lines.filter((line) => line && !line.startsWith('#version')),
    },
  };
}

function writeTokenizer(folder) {
  for (const name of ['vocab.json', 'merges.txt']) copyFileSync(path.join(TOKENIZER, name), path.join(folder, name));
  writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizer()));
  writeFileSync(path.join(folder, 'tokenizer_config.json'), '{"model_max_length": 1024}');
}

/**
 * Writes the files of one of the OFFICIAL repositories.
 * @param {string} folder @param {keyof typeof OFFICIAL} repository
 * @param {{narrow?: boolean, format?: 'safetensors'|'torch', seed?: number}} [options] `narrow`: few and narrow layers, a few MB
 */
export function official(folder, repository, { narrow = false, format = 'safetensors', seed = 1 } = {}) {
  const name = OFFICIAL[repository];
  const shape = narrow ? `${name}-narrow` : name;
  const json = (file, value) => writeFileSync(path.join(folder, file), `${JSON.stringify(value, null, 2)}\n`);
  generate(folder, { shape, dtype: 'f32', format, seed });
  writeFileSync(path.join(folder, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  writeFileSync(path.join(folder, 'README.md'), `# ${repository}\n`);
  if (name.startsWith('sedd')) return json('config.json', seddConfig(SHAPES[shape], name));
  if (!name.startsWith('gpt2')) return; // generate() wrote the family's configuration
  json('config.json', gpt2Config(SHAPES[shape], name === 'gpt2-medium'));
  json('generation_config.json', {
    _from_model_config: true,
    bos_token_id: END,
    eos_token_id: END,
    transformers_version: '4.26.0.dev0',
  });
  return writeTokenizer(folder);
}
