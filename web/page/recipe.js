/** The options of a run as one sentence whose numbers and words are fields. */
import { SeddError } from '../errors.js';
import { WORDS } from '../client/sampling.js';
import { $, el } from './dom.js';
import { EXAMPLES } from './examples.js';
import { about } from './form-error.js';
import { USUAL } from './settings.js';
import { t } from './text.js';

export const CHOICES = ['positions', 'order', 'grid', 'context'];
const PARTS = ['order', 'gamma', 'grid', 'context', 'topK']; // that not every way of choosing positions has
const STEPS_MOST = 256; // of the slider; the field takes more
const SEED_MAX = 18446744073709551615n;

/** Numbers: what they start with, how far they go, and the stride of the arrow keys. */
export const FIELDS = {
  length: { value: 128, low: 2, high: 1024, step: 8, whole: true },
  steps: { value: USUAL.steps, low: 1, high: 1000, step: 1, whole: true },
  seed: { value: EXAMPLES[0].seed, low: 0, high: SEED_MAX, step: 1, whole: true },
  temperature: { value: USUAL.temperature, low: 0.05, high: 4, step: 0.05 },
  topP: { value: USUAL.topP, low: 0.01, high: 1, step: 0.05 },
  topK: { value: USUAL.topK, low: 0, high: 65536, step: 1, whole: true },
  gamma: { value: 1, low: 0.001, high: 1000, step: 0.1 },
  rounds: { value: 10, low: 6, high: 200, step: 1, whole: true },
};
const ASKED = ['length', 'steps', 'seed', 'temperature', 'topP', 'topK', 'gamma'];

/** The value of a field as typed. Fails with one sentence on what is wrong with it, and its name in `field`. */
export function readNumber(name, typed) {
  const { low, high, whole } = FIELDS[name];
  const text = String(typed).trim().replace(',', '.');
  const sound = whole ? /^\d{1,20}$/.test(text) : /^\d{0,6}(\.\d{1,9})?$/.test(text) && text !== '';
  const value = sound && (name === 'seed' ? BigInt(text) : Number(text));
  if (!sound || value < low || value > high) {
    const values = { name: t(`name.${name}`), low, high, value: text.slice(0, 40) };
    throw about(new SeddError('argument', t(whole ? 'number.whole' : 'number.range', values)), name);
  }
  return name === 'seed' ? String(value) : value;
}

/** Adds a model to a list of choices, unless it is there. @param {HTMLSelectElement} list @param {{id: string, label: string, steps?: number}} model */
export function offerModel(list, { id, label, steps = 64 }) {
  if (![...list.options].some(({ value }) => value === id))
    list.append(el('option', { value: id, data: { steps } }, label));
}

/**
 * A list of models to pick from outside the recipe; at first the last of them.
 * @param {string} name
 * @param {{id: string, label: string, steps?: number}[]} models
 * @param {(model: {steps: number}) => void} [chosen] called at once, and for every choice
 */
export function modelChoice(name, models, chosen = () => {}) {
  const tell = () => chosen({ steps: Number(list.selectedOptions[0].dataset.steps) });
  const list = el('select', { name, aria: { label: t('name.model') }, on: { change: tell } });
  for (const model of models) offerModel(list, model);
  list.value = models.at(-1).id;
  tell();
  return list;
}

/** Tells of a `change`, and of a `model` that was chosen here (a link's is not). */
export class Recipe extends EventTarget {
  #inputs = {};
  #offered;
  #length = String(FIELDS.length.value); // the reader's, while a prompt makes it

  /** @param {{id: string, label: string}[]} models */
  constructor(models) {
    super();
    for (const name of ASKED) this.#inputs[name] = this.#number(name);
    this.#inputs.model = this.#choice(
      'model',
      models.map(({ id, label }) => [id, label]),
    );
    this.#inputs.positions = this.#choice(
      'positions',
      WORDS.positions.map((id) => [id, t(`positions.${id}`)]),
    );
    this.#inputs.order = this.#choice(
      'order',
      WORDS.order.map((id) => [id, t(`order.${id}`)]),
    );
    this.#inputs.grid = this.#choice(
      'grid',
      WORDS.grid.map((id) => [id, t(`grid.${id}`)]),
    );
    this.#inputs.context = this.#choice(
      'context',
      WORDS.context.map((id) => [id, t(`context.${id}`)]),
    );
    $('recipe').replaceChildren(...this.#sentence(t('recipe')));
    this.#slide();
    this.#tidy();
    this.#offered = this.#settings;
  }

  /** Words and fields; an optional part is a sentence of its own inside the sentence. */
  #sentence(text) {
    return text.split(/(\{\w+\})/).map((piece) => {
      const name = /^\{(\w+)\}$/.exec(piece)?.[1];
      if (!name) return piece;
      if (PARTS.includes(name))
        return (this[`${name}Part`] = el(
          'span',
          {},
          ...t(`recipe.${name}`)
            .split(/(\{\w+\})/)
            .map((part) => (part === `{${name}}` ? this.#inputs[name] : part)),
        ));
      return this.#inputs[name];
    });
  }

  #number(name) {
    const { value, step, whole } = FIELDS[name];
    const input = el('input', {
      type: 'text',
      name,
      value: String(value),
      inputMode: whole ? 'numeric' : 'decimal',
      autocomplete: 'off',
      aria: { label: t(`name.${name}`) },
    });
    input.setAttribute('form', 'form');
    const fit = () => input.style.setProperty('--digits', String(Math.max(input.value.length, 1)));
    input.addEventListener('input', () => {
      fit();
      this.#changed();
    });
    input.addEventListener('keydown', (event) => {
      const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      const typed = Number(input.value);
      if (!way || input.readOnly || !Number.isSafeInteger(whole ? typed : 0) || Number.isNaN(typed)) return;
      event.preventDefault();
      const { low, high } = FIELDS[name];
      const next = whole && step > 1 ? Math.floor(typed / step + way) * step : typed + way * step;
      input.value = String(Math.min(Math.max(Number(next.toFixed(6)), low), Number(high)));
      fit();
      this.#changed();
    });
    fit();
    return input;
  }

  /** A slider over the steps, in octaves, beside the number. */
  #slide() {
    const { steps } = this.#inputs;
    const show = () => {
      slider.value = String(Math.log2(this.steps || 1));
      slider.setAttribute('aria-valuetext', t('steps.value', { steps: steps.value }));
    };
    const slider = el('input', {
      type: 'range',
      id: 'steps-slider',
      min: '0',
      max: String(Math.log2(STEPS_MOST)),
      step: '0.25',
      aria: { label: t('name.steps') },
      on: {
        input: () => {
          this.set({ steps: Math.round(2 ** Number(slider.value)) });
        },
      },
    });
    this.addEventListener('change', show);
    show();
    $('steps').append(
      el('span', { className: 'end' }, t('steps.few')),
      slider,
      el('span', { className: 'end' }, t('steps.many')),
    );
  }

  /** The number of steps, or 0 while the field holds none. */
  get steps() {
    try {
      return readNumber('steps', this.#inputs.steps.value);
    } catch {
      return 0;
    }
  }

  #choice(name, options) {
    const change = () => {
      this.#tidy();
      this.#changed();
      if (name === 'model') this.dispatchEvent(new Event('model'));
    };
    return el(
      'select',
      { name, aria: { label: t(`name.${name}`) }, on: { change } },
      ...options.map(([value, label]) => el('option', { value }, label)),
    );
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** Shows the fields that the way of choosing positions has. */
  #tidy() {
    const positions = this.#inputs.positions.value;
    this.orderPart.hidden = !['fixed', 'bounded'].includes(positions);
    this.gammaPart.hidden = positions !== 'bounded';
    this.gridPart.hidden = !['score', 'normalised', 'fixed'].includes(positions);
    const foreseen =
      ['normalised', 'hitting'].includes(positions) ||
      (positions === 'fixed' && ['random', 'spread'].includes(this.#inputs.order.value));
    this.contextPart.hidden = !foreseen;
    this.topKPart.hidden = this.#inputs.topK.value === '0';
    $('sampler-note').textContent = `${t(`positions.note.${positions}`)} ${t('temperature.note')}`;
  }

  /** The window that the reader asks for, or 0 while the field holds no number. */
  get length() {
    const { value, readOnly } = this.#inputs.length;
    try {
      return readNumber('length', readOnly ? this.#length : value);
    } catch {
      return 0;
    }
  }

  get model() {
    return this.#inputs.model.value;
  }

  /** Tokens that the prompt takes with its counted holes: the length follows it. Null: the length is the reader's. */
  fix(tokens) {
    const input = this.#inputs.length;
    if (!input.readOnly) this.#length = input.value;
    input.readOnly = tokens !== null;
    input.title = input.readOnly ? t('length.fixed') : '';
    input.value = String(tokens ?? this.#length);
    input.style.setProperty('--digits', String(input.value.length));
  }

  /** @returns {{model: string, length: number, steps: number, seed: string, temperature: number, topP: number, positions: string, order?: string, gamma?: number, grid?: string, context?: string}} */
  read() {
    const options = { model: this.#inputs.model.value, positions: this.#inputs.positions.value };
    for (const name of ['length', 'steps', 'seed', 'temperature', 'topP', 'topK'])
      options[name] = readNumber(name, this.#inputs[name].value);
    if (!this.orderPart.hidden) options.order = this.#inputs.order.value;
    if (!this.gammaPart.hidden) options.gamma = readNumber('gamma', this.#inputs.gamma.value);
    if (!this.gridPart.hidden) options.grid = this.#inputs.grid.value;
    options.context = this.contextPart.hidden ? 'all' : this.#inputs.context.value; // said, for the model may have been trained for another
    return options;
  }

  /** Sets fields by name; a choice that does not exist is left. */
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const input = this.#inputs[name];
      if (!input || (input.options && ![...input.options].some((option) => option.value === String(value)))) continue;
      if (name === 'length' && input.readOnly) {
        this.#length = String(value);
        continue;
      }
      input.value = String(value);
      input.style.setProperty('--digits', String(input.value.length));
    }
    this.#tidy();
    this.#changed();
  }

  /** Sets what a model's folder says, and remembers it. */
  offerSettings(settings) {
    this.set(settings);
    this.#offered = this.#settings;
  }

  /** Everything but the seed and the length, as one text. */
  get #settings() {
    const { length, seed, ...others } = this.#inputs;
    return JSON.stringify(Object.values(others).map(({ value }) => value));
  }

  /** Whether everything but the seed and the length is as the model's folder says. */
  get untouched() {
    return this.#offered === this.#settings;
  }

  /** Chooses a model of the list, which brings its settings. @param {string} model */
  take(model) {
    this.set({ model });
    this.dispatchEvent(new Event('model'));
  }

  /** A new model for the list. */
  offer(model) {
    offerModel(this.#inputs.model, model);
  }

  shuffle() {
    this.set({ seed: crypto.getRandomValues(new Uint32Array(1))[0] });
  }
}
