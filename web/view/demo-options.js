/** The attributes of <sedd-demo>, and the options of a run that they ask for. */
import { withDefaults } from '../client/defaults.js';
import { WORDS } from '../client/sampling.js';
import { choice, flag, number, seed, text } from './element.js';

const WAYS = ['positions', 'order', 'grid', 'context'];

export const FIELDS = {
  model: text,
  compare: text,
  prompt: { ...text, fallback: '' },
  steps: number(1, 1e6, { step: 1, fallback: 64 }),
  seed,
  length: number(1, 65536, { step: 1 }),
  temperature: number(0.01, 100),
  topP: number(1e-6, 1, { attribute: 'top-p' }),
  topK: number(0, 2 ** 31 - 1, { step: 1, attribute: 'top-k' }),
  ...Object.fromEntries(WAYS.map((name) => [name, { ...choice(...WORDS[name]), fallback: null }])),
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
 * Returns the options of a run: what the attributes and `changes` say, over what the model was trained for.
 * @param {HTMLElement & Record<string, any>} element
 * @param {import('../client/defaults.js').Defaults} defaults of the model
 * @param {object} [changes]
 */
export function asked(element, defaults, changes = {}) {
  const said = OPTIONS.filter(
    (name) => element[name] !== null && (name !== 'steps' || element.hasAttribute('steps')),
  ).map((name) => [name, element[name]]);
  return { steps: element.steps, ...withDefaults(defaults, { ...Object.fromEntries(said), ...changes }) };
}
