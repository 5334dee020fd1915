/**
 * How a run samples: the words of its options and what holds where nothing is said. The list is the one of core/sedd.h
 * (sedd_sample_options), told in full wherever a run says how it was made.
 */

/** Options that are one of some words, in the order in which wasm takes them, as the core counts them; the first holds unless another is given. */
export const WORDS = {
  sampler: ['analytic', 'euler'],
  draw: ['exact', 'official'],
  positions: ['score', 'normalised', 'fixed', 'bounded', 'hitting'],
  order: ['random', 'spread', 'confidence', 'margin', 'entropy'],
  grid: ['linear', 'cosine'],
  context: ['all', 'known'],
};

/** Whether a run ends with an evaluation by the denoiser, unless told otherwise. @param {string} [positions] */
export const denoises = (positions = 'score') => WORDS.positions.indexOf(positions) < 2;

/** A run's settings in full, without its sizes, seed and given tokens. @param {any} options as for SEDD.sample */
export const settingsOf = ({
  sampler = 'analytic',
  draw = 'exact',
  positions = 'score',
  order = 'random',
  grid = 'linear',
  context = 'all',
  gamma,
  denoise = true,
  temperature = 1,
  topK = 0,
  topP = 1,
}) => ({
  sampler,
  draw,
  positions,
  order,
  grid,
  context,
  ...(gamma && { gamma }),
  denoise,
  temperature,
  topK,
  topP,
});
