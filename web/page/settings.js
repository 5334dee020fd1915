/** Ready settings of a run. A model's generation_config.json takes precedence over USUAL. */

/** The paper's sampling, from the model's own distribution. */
export const PUBLISHED = {
  steps: 64,
  positions: 'score',
  grid: 'linear',
  context: 'all',
  temperature: 1,
  topP: 1,
  topK: 0,
};

/** The settings of a model without a generation_config.json. */
export const USUAL = { ...PUBLISHED, temperature: 0.8, topP: 0.9 };

/** Returns a model's own settings. The uniform graph draws from the model's own distribution only. @param {{info: {graph?: string}, defaults: object}} model */
export const settingsOf = ({ info, defaults }) => ({ ...(info.graph === 'uniform' ? PUBLISHED : USUAL), ...defaults });

/** The ready choices: the model's own settings, and the paper's. */
export const PRESETS = {
  good: { model: 'sedd-nano' },
  fast: { model: 'sedd-nano-fast' },
  paper: { model: 'sedd-nano', settings: PUBLISHED },
};
