/** Shows the options of a run as one sentence, whose numbers and words are fields. */
import { SeddError } from '../errors.js';
import { WORDS } from '../client/sampling.js';
import { $, el } from './dom.js';
import { EXAMPLES } from './examples.js';
import { about } from './form-error.js';
import { numberField, setNumber } from './number-field.js';
import { USUAL } from './settings.js';
import { t } from './text.js';

export const CHOICES = ['positions', 'order', 'grid', 'context'];
const PARTS = ['order', 'gamma', 'grid', 'context', 'topK']; // options that only some ways of choosing positions have
const STEPS_MOST = 256; // limit of the slider; the field allows more
const SEED_MAX = 18446744073709551615n;

/** The numbers: initial value, range, and step of the arrow keys. */
export const FIELDS = {
  length: { value: 128, low: 2, high: 1024, step: 8, whole: true },
  steps: { value: USUAL.steps, low: 1, high: 1000, step: 1, whole: true },
  seed: { value: EXAMPLES[0].seed, low: 0, high: SEED_MAX, step: 1, whole: true },
  temperature: { value: USUAL.temperature, low: 0, high: 4, step: 0.05 },
  topP: { value: USUAL.topP, low: 0.01, high: 1, step: 0.05 },
  topK: { value: USUAL.topK, low: 0, high: 65536, step: 1, whole: true },
  gamma: { value: 1, low: 0.001, high: 1000, step: 0.1 },
  rounds: { value: 10, low: 6, high: 200, step: 1, whole: true },
};
const ASKED = ['length', 'steps', 'seed', 'temperature', 'topP', 'topK', 'gamma'];

/** Returns the value of a field. Fails with one sentence, and the field's name in `field`, if it is invalid. */
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

/** Adds a model to a list of choices unless it is already there. @param {HTMLSelectElement} list @param {{id: string, label: string, steps?: number}} model */
export function offerModel(list, { id, label, steps = USUAL.steps }) {
  if (![...list.options].some(({ value }) => value === id))
    list.append(el('option', { value: id, data: { steps } }, label));
}

/**
 * Returns a list of models for use outside the recipe. The last one is selected at first.
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

/** Sends `change`, and `model` if the reader chose a model here (not for a model from a link). */
export class Recipe extends EventTarget {
  #inputs = {};
  #offered;
  #length = String(FIELDS.length.value); // the reader's length, while the prompt determines it

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

  /** Makes the words and fields. An optional part is a sentence of its own. */
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
    const input = numberField({
      name,
      label: t(`name.${name}`),
      value: String(value),
      kind: whole ? 'numeric' : 'decimal',
    });
    input.setAttribute('form', 'form');
    input.addEventListener('input', () => this.#changed());
    input.addEventListener('keydown', (event) => {
      const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      const typed = Number(input.value);
      if (!way || input.readOnly || !Number.isSafeInteger(whole ? typed : 0) || Number.isNaN(typed)) return;
      event.preventDefault();
      const { low, high } = FIELDS[name];
      const next = whole && step > 1 ? Math.floor(typed / step + way) * step : typed + way * step;
      setNumber(input, Math.min(Math.max(Number(next.toFixed(6)), low), Number(high)));
      this.#changed();
    });
    return input;
  }

  /** Makes a logarithmic slider for the steps, beside the number. */
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

  /** Returns the number of steps, or 0 while the field is not a number. */
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

  /** Shows the fields that belong to the chosen positions. */
  #tidy() {
    const positions = this.#inputs.positions.value;
    this.orderPart.hidden = !['planned', 'bounded'].includes(positions);
    this.gammaPart.hidden = positions !== 'bounded';
    this.gridPart.hidden = !['score', 'normalised', 'planned'].includes(positions);
    const foreseen =
      ['normalised', 'hitting'].includes(positions) ||
      (positions === 'planned' && ['random', 'spread'].includes(this.#inputs.order.value));
    this.contextPart.hidden = !foreseen;
    this.topKPart.hidden = this.#inputs.topK.value === '0';
    $('sampler-note').textContent = `${t(`positions.note.${positions}`)} ${t('temperature.note')}`;
  }

  /** Returns the length that the reader entered, or 0 while the field is not a number. */
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

  /** Sets the length to the tokens of a prompt with counted holes, or back to the reader's length if it is null. */
  fix(tokens) {
    const input = this.#inputs.length;
    if (!input.readOnly) this.#length = input.value;
    input.readOnly = tokens !== null;
    input.title = input.readOnly ? t('length.fixed') : '';
    setNumber(input, tokens ?? this.#length);
  }

  /** @returns {{model: string, length: number, steps: number, seed: string, temperature: number, topP: number, positions: string, order?: string, gamma?: number, grid?: string, context?: string}} */
  read() {
    const options = { model: this.#inputs.model.value, positions: this.#inputs.positions.value };
    for (const name of ['length', 'steps', 'seed', 'temperature', 'topP', 'topK'])
      options[name] = readNumber(name, this.#inputs[name].value);
    if (!this.orderPart.hidden) options.order = this.#inputs.order.value;
    if (!this.gammaPart.hidden) options.gamma = readNumber('gamma', this.#inputs.gamma.value);
    if (!this.gridPart.hidden) options.grid = this.#inputs.grid.value;
    options.context = this.contextPart.hidden ? 'all' : this.#inputs.context.value; // always set, because the model may have been trained for the other value
    return options;
  }

  /** Sets fields by name. Ignores choices that do not exist. */
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const input = this.#inputs[name];
      if (!input || (input.options && ![...input.options].some((option) => option.value === String(value)))) continue;
      if (name === 'length' && input.readOnly) {
        this.#length = String(value);
        continue;
      }
      setNumber(input, value);
    }
    this.#tidy();
    this.#changed();
  }

  /** Sets the options of a model's folder, and remembers them. */
  offerSettings(settings) {
    this.set(settings);
    this.#offered = this.#settings;
  }

  /** Returns all options except seed and length, as one text. */
  get #settings() {
    const { length, seed, ...others } = this.#inputs;
    return JSON.stringify(Object.values(others).map(({ value }) => value));
  }

  /** Returns true if all options except seed and length are those of the model's folder. */
  get untouched() {
    return this.#offered === this.#settings;
  }

  /** Chooses a model of the list and takes its settings. @param {string} model */
  take(model) {
    this.set({ model });
    this.dispatchEvent(new Event('model'));
  }

  /** Adds a model to the list. */
  offer(model) {
    offerModel(this.#inputs.model, model);
  }

  shuffle() {
    this.set({ seed: crypto.getRandomValues(new Uint32Array(1))[0] });
  }
}
