/**
 * The diffusion models of GPT-2's size that their authors publish on the hub. The page links them and never mirrors
 * them. models/README.md names the sources of the figures.
 */

/**
 * @typedef {object} Published
 * @property {string} id on the hub; a branch after an @
 * @property {'SEDD'|'MDLM'|'SDTT'|'RADD'|'DUO'} family
 * @property {number} millions millions of parameters
 * @property {number} bytes size of its file
 * @property {number} steps of a run if nobody names others (core/diffusion/options.c, load/hub.js)
 * @property {string} [licence] of the weights, if the model card names it
 */

/** @type {Published[]} */
export const PUBLISHED = [
  { id: 'jdeschena/sdtt@baselines_kld_step_70000', family: 'SDTT', millions: 170, bytes: 678.5e6, steps: 32 },
  { id: 'kuleshov-group/mdlm-owt', family: 'MDLM', millions: 170, bytes: 678.5e6, steps: 64, licence: 'Apache-2.0' },
  { id: 'JingyangOu/radd-lambda-dce', family: 'RADD', millions: 162, bytes: 649e6, steps: 64 },
  { id: 'JingyangOu/radd-t-dce', family: 'RADD', millions: 162, bytes: 649e6, steps: 64 },
  { id: 's-sahoo/duo-distilled', family: 'DUO', millions: 170, bytes: 678.5e6, steps: 32 },
  { id: 's-sahoo/duo', family: 'DUO', millions: 170, bytes: 678.5e6, steps: 64 },
  { id: 'louaaron/sedd-small', family: 'SEDD', millions: 170, bytes: 678.5e6, steps: 64 },
  { id: 'jdeschena/sdtt@scaling_400k_md_step_70000', family: 'SDTT', millions: 424, bytes: 1697.9e6, steps: 32 },
  { id: 'jdeschena/sdtt@scaling_400k_large_step_70000', family: 'SDTT', millions: 863, bytes: 3452.6e6, steps: 32 },
  { id: 'JingyangOu/radd-lambda-dce-medium', family: 'RADD', millions: 405, bytes: 1620.8e6, steps: 64 },
  { id: 'louaaron/sedd-medium', family: 'SEDD', millions: 424, bytes: 1697.9e6, steps: 64 },
];

/**
 * Returns the multiplications of one evaluation of `rows` tokens.
 * @param {{hiddenSize: number, blocks: number, states: number}} info
 */
export const workOf = ({ hiddenSize: h, blocks, states }, rows) =>
  rows * (12 * h * h * blocks + h * states) + 2 * rows * rows * h * blocks;
