/** The models of this page and the visitor's own. Each is loaded once, when it is first needed. */
import { SeddError, loadGPT2, loadSEDD, probe } from '../client.js';
import { SHIPPED } from './shipped.js';
import { t, number } from './text.js';

/** True if both have the same tokenizer's ids. A DUO has one more state, [PAD], which no tokenizer has. */
const sameVocabulary = (sedd, gpt2) =>
  sedd.tokens === gpt2.tokens || (sedd.family === 'DUO' && sedd.tokens === gpt2.tokens + 1);

export class Models {
  #loading = new Map();
  #cards = new Map();
  #own = []; // choices of the visitor's own SEDDs
  /** Id of the GPT-2 that a SEDD is compared with. */
  twin = 'gpt2-nano';

  /**
   * @param {{say: (sentence: string) => void, heard: () => string}} status `say` shows a sentence; `heard` returns the
   *   present one
   */
  constructor({ say, heard }) {
    Object.assign(this, { say, heard });
    this.features = probe();
  }

  /** Returns the choices for the recipe. */
  get choices() {
    const shipped = SHIPPED.filter(({ kind }) => kind === 'sedd');
    return [...shipped.map(({ id, steps }) => ({ id, label: t(`model.${id}`), steps })), ...this.#own];
  }

  /**
   * Returns a model, which it loads if necessary. The visitor's own models stay on the device that they were loaded
   * for.
   * @param {string} id
   * @param {'wasm'|'webgpu'} [device]
   * @returns {Promise<import('../client.js').SEDD>}
   */
  get(id, device = 'wasm') {
    const key =
      device === 'wasm' || (this.#loading.has(id) && !SHIPPED.some((model) => model.id === id))
        ? id
        : `${device}:${id}`;
    if (!this.#loading.has(key)) {
      const loading = this.#load(
        SHIPPED.find((model) => model.id === id),
        device,
      );
      this.#loading.set(key, loading);
      loading.catch(() => this.#loading.delete(key)); // the next request tries again
    }
    return this.#loading.get(key);
  }

  async #load({ id, kind, url }, device) {
    const name = t(`model.${id}`);
    let said = '';
    const onProgress = ({ phase, loaded, total }) => {
      said = total
        ? t('loading', { name, share: t('loading.share', { share: number((100 * loaded) / total) }) })
        : t(`loading.${phase === 'wait' ? 'wait' : 'open'}`, { name });
      this.say(said);
    };
    const load = kind === 'sedd' ? loadSEDD : loadGPT2;
    // One thread for each of the shipped pair, so that their times are comparable. One is enough for their size.
    const model = await load(url, { onProgress, threads: 1, device });
    if (this.heard() === said) this.say(t('loaded', { name })); // the status has not changed meanwhile
    import('./offline.js').then(({ keepPage }) => keepPage(model)).catch(() => {}); // on failure, the page needs its server
    return model;
  }

  /** Returns true if the model is loaded. */
  has(id) {
    return this.#loading.has(id);
  }

  /** Adds a SEDD that the visitor loaded. @returns {{id: string, label: string, steps: number}} its choice */
  adopt(model, name) {
    const choice = { id: this.#take(model, name), label: t('model.own', { name }), steps: model.defaults.steps ?? 64 };
    this.#own = [...this.#own.filter(({ id }) => id !== choice.id), choice];
    return choice;
  }

  /** Uses a GPT-2 that the visitor loaded as the twin. */
  adoptTwin(model, name) {
    this.twin = this.#take(model, name);
  }

  #take(model, name) {
    const id = `own:${name}`;
    this.#loading.get(id)?.then((old) => {
      if (old !== model) old.dispose();
    });
    this.#loading.set(id, Promise.resolve(model));
    return id;
  }

  /**
   * Returns a SEDD and its twin. A comparison needs the same vocabulary.
   * @param {string} id of the SEDD @param {'wasm'|'webgpu'} [device] of the SEDD @param {'wasm'|'webgpu'} [other] of its twin
   * @returns {Promise<[import('../client.js').SEDD, import('../client.js').GPT2]>}
   */
  async pair(id, device = 'wasm', other = device) {
    const [sedd, gpt2] = await Promise.all([this.get(id, device), this.get(this.twin, other)]);
    if (!sameVocabulary(sedd.info, gpt2.info))
      throw new SeddError(
        'argument',
        t('models.vocabulary', { sedd: number(sedd.info.tokens), gpt2: number(gpt2.info.tokens) }),
      );
    return [sedd, gpt2];
  }

  /** Returns the measured quality of a shipped model, or null. */
  async card(id) {
    if (!SHIPPED.find((model) => model.id === id)?.card) return null;
    if (!this.#cards.has(id)) {
      const card = await fetch(`models/${id}/card.json`)
        .then((response) => (response.ok ? response.json() : null))
        .catch(() => null);
      this.#cards.set(id, card?.format === 'sedd-card' && card.version === 1 ? card : null);
    }
    return this.#cards.get(id);
  }
}
