/**
 * The words of the sampling options, for attributes, menus and traces. The core has the table of all options
 * (core/diffusion/options.c); tests/web/options.test.mjs compares the two.
 */

/** Options with a choice of words; the first word is the default. */
export const WORDS = {
  sampler: ['analytic', 'euler', 'ddpm', 'ddpm_cache'],
  draw: ['exact', 'official'],
  positions: ['score', 'normalised', 'planned', 'bounded', 'hitting'],
  order: ['random', 'spread', 'confidence', 'margin', 'entropy'],
  grid: ['linear', 'cosine'],
  context: ['all', 'known'],
  ending: ['own', 'draw', 'likeliest', 'open'],
};

/** Returns true if a run may end with an evaluation by the denoiser by default. @param {string} [positions] */
export const denoises = (positions = 'score') => WORDS.positions.slice(0, 2).includes(positions);

/** Returns the current word for an option: older files, links and pages say `fixed` for `planned`. */
export const currentWord = (word) => (word === 'fixed' ? 'planned' : word);
