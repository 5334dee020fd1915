// Holds published figures of the official checkpoints, by the papers and by others: zero-shot perplexity and accuracy in %.
// null: not published, or not read.

/** Columns of the perplexity table; ≤ marks a bound. */
export const CORPUS_TITLES = ['LAMBADA', 'WikiText-2', 'PTB', 'WikiText-103', '1BW'];

export const PERPLEXITY = [
  {
    model: 'SEDD small',
    checkpoint: 'sedd-small',
    source: 'Deschenaux & Gulcehre 2024',
    values: ['≤ 51.15', '38.94', '110.97', '38.89', '≤ 78.67'],
  },
  {
    model: 'SEDD small',
    checkpoint: 'sedd-small',
    source: 'Lou, Meng & Ermon 2024',
    values: ['≤ 50.92', '≤ 41.84', '≤ 114.24', '≤ 40.62', '≤ 79.29'],
  },
  {
    model: 'GPT-2 small',
    checkpoint: 'gpt2',
    source: 'Deschenaux & Gulcehre 2024',
    values: ['44.66', '39.58', '129.98', '39.58', '52.81'],
  },
  {
    model: 'SEDD medium',
    checkpoint: 'sedd-medium',
    source: 'Deschenaux & Gulcehre 2024',
    values: ['≤ 42.39', '28.86', '83.41', '28.54', '≤ 60.97'],
  },
  {
    model: 'SEDD medium',
    checkpoint: 'sedd-medium',
    source: 'Lou, Meng & Ermon 2024',
    values: ['≤ 42.77', '≤ 31.04', '≤ 87.12', '≤ 29.98', '≤ 61.19'],
  },
  {
    model: 'GPT-2 medium',
    checkpoint: 'gpt2-medium',
    source: 'Deschenaux & Gulcehre 2024',
    values: ['35.88', '29.58', '116.52', '29.58', '43.63'],
  },
  {
    model: 'MDLM',
    checkpoint: 'mdlm-owt',
    source: 'Sahoo et al. 2024',
    values: ['≤ 47.52', null, '≤ 95.26', '≤ 32.83', '≤ 67.01'],
  },
  {
    model: 'MDLM',
    checkpoint: 'mdlm-owt',
    source: 'a user of the released weights (mdlm issue 29)',
    values: ['≤ 48.40', null, '≤ 83.82', '≤ 36.90', '≤ 67.94'],
  },
  {
    model: 'RADD small, lambda-DCE',
    checkpoint: 'radd-lambda-dce',
    source: 'Ou et al. 2024',
    values: [null, null, '≤ 107.85', null, '≤ 72.99'],
  },
  {
    model: 'RADD small, t-DCE',
    checkpoint: 'radd-t-dce',
    source: 'Ou et al. 2024',
    values: [null, null, '≤ 109.03', null, null],
  },
  {
    model: 'RADD medium, lambda-DCE',
    checkpoint: 'radd-lambda-dce-medium',
    source: 'Ou et al. 2024',
    values: [null, null, '≤ 82.08', null, null],
  },
  {
    model: 'DUO',
    checkpoint: 'duo',
    source: 'Sahoo et al. 2025',
    values: [null, null, '≤ 89.35', '≤ 33.57', null],
  },
];

/** The nats a token of a masked diffusion model and of an autoregressive model with equal training, at GPT-2's size. */
export const RATIO = { diffusion: 3.13, autoregressive: 2.86, on: 'OpenWebText, Sahoo et al. 2024 (MDLM)' };

/** Our corpus for each column. */
export const CORPUS_NAMES = ['lambada', 'wikitext2', 'ptb', 'wikitext103', 'lm1b'];

export const ACCURACY_TASKS = ['hellaswag', 'winogrande', 'piqa', 'siqa'];

export const ACCURACY = [
  { model: 'SEDD small', checkpoint: 'sedd-small', values: ['30.2', '50.1', '55.6', '34.4'] },
  { model: 'GPT-2 small', checkpoint: 'gpt2', values: ['29.9', '48.5', '62.1', null] },
  { model: 'SEDD medium', checkpoint: 'sedd-medium', values: ['31.5', '49.0', '56.1', '35.4'] },
  { model: 'GPT-2 medium', checkpoint: 'gpt2-medium', values: ['38.3', '50.7', '67.4', null] },
];

export const GENERATION = [
  [
    'Latency compared with GPT-2 with its key/value cache',
    'up to 4.5 times lower',
    'one A100, Deschenaux & Gulcehre 2024',
  ],
  ['Steps at which a text takes as long as cached GPT-2', 'about 100', 'one A100, Lou, Meng & Ermon 2024'],
];
