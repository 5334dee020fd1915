/** The attributes of <sedd-demo>, and the options of a run that they set. */
import { WORDS, currentWord } from '../client/sampling.js';
import { choice, flag, number, seed, text } from './element.js';

const WAYS = ['positions', 'order', 'grid', 'context'];

/**
 * Returns the field of an option with a choice of words. Older names of a word are valid. The model's own word is the
 * default.
 */
function wordsOf(name) {
  const words = choice(...WORDS[name]);
  return { ...words, parse: (given) => words.parse(currentWord(given)), fallback: null };
}

export const FIELDS = {
  model: text,
  compare: text,
  prompt: { ...text, fallback: '' },
  steps: number(1, 1e6, { step: 1, fallback: 64 }),
  seed,
  length: number(1, 65536, { step: 1 }),
  temperature: number(0.01, 100, { zero: true }),
  topP: number(1e-6, 1, { attribute: 'top-p' }),
  topK: number(0, 2 ** 31 - 1, { step: 1, attribute: 'top-k' }),
  ...Object.fromEntries(WAYS.map((name) => [name, wordsOf(name)])),
  device: choice('wasm', 'webgpu', 'auto'),
  loading: choice('lazy', 'eager'),
  reveal: choice('interaction', 'auto', 'manual'),
  layout: choice('lines', 'text', 'grid'),
  meter: choice('none', 'age', 'confidence'),
  sheet: flag,
  controls: choice('full', 'buttons'),
  disabled: flag,
};

const OPTIONS = ['prompt', 'steps', 'seed', 'length', 'temperature', 'topP', 'topK', ...WAYS];

/**
 * Returns the options of a run that the attributes and `changes` set. The model's own apply to the others.
 * @param {HTMLElement & Record<string, any>} element
 * @param {object} [changes]
 */
export function asked(element, changes = {}) {
  const said = OPTIONS.filter(
    (name) => element[name] !== null && (name !== 'steps' || element.hasAttribute('steps')),
  ).map((name) => [name, element[name]]);
  return { ...Object.fromEntries(said), ...changes };
}
