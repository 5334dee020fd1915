/**
 * The words of the options of sampling, for attributes, menus and traces. The core has the table of all options
 * (core/diffusion/options.c), and a test compares: tests/web/options.test.mjs.
 */

/** Options that are one of some words; the first holds unless another is given. */
export const WORDS = {
  sampler: ['analytic', 'euler', 'ddpm', 'ddpm_cache'],
  draw: ['exact', 'official'],
  positions: ['score', 'normalised', 'planned', 'bounded', 'hitting'],
  order: ['random', 'spread', 'confidence', 'margin', 'entropy'],
  grid: ['linear', 'cosine'],
  context: ['all', 'known'],
  ending: ['own', 'draw', 'likeliest', 'open'],
};

/** Whether a run may end with an evaluation by the denoiser, unless told otherwise. @param {string} [positions] */
export const denoises = (positions = 'score') => WORDS.positions.slice(0, 2).includes(positions);

/** A word as it is now: older files, links and pages say `fixed` for `planned`. */
export const currentWord = (word) => (word === 'fixed' ? 'planned' : word);
