/** Ready settings of a run. What a model's generation_config.json says goes before USUAL. */

/** How the paper samples: from the model's own distribution. */
export const PUBLISHED = {
  steps: 64,
  positions: 'score',
  grid: 'linear',
  context: 'all',
  temperature: 1,
  topP: 1,
  topK: 0,
};

/** How a model is sampled whose folder says nothing. */
export const USUAL = { ...PUBLISHED, temperature: 0.8, topP: 0.9 };

/** Ready choices: each model as its folder says, and the paper's sampler. */
export const PRESETS = {
  good: { model: 'sedd-nano' },
  fast: { model: 'sedd-nano-fast' },
  paper: { model: 'sedd-nano', settings: PUBLISHED },
};
