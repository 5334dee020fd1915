/** The models of this page: which there are, loading each once and only when it is needed, and the visitor's own. */
import { loadGPT2, loadSEDD, probe } from '../client.js';
import { SHIPPED } from './shipped.js';
import { t, number } from './text.js';

export class Models {
  #loading = new Map();
  #cards = new Map();

  /** @param {(sentence: string) => void} say */
  constructor(say) {
    this.say = say;
    this.features = probe();
  }

  /** Choices for the recipe. */
  get choices() {
    return SHIPPED.filter(({ kind }) => kind === 'sedd').map(({ id, steps }) => ({
      id,
      label: t(`model.${id}`),
      steps,
    }));
  }

  /** @param {string} id @returns {Promise<import('../client.js').SEDD>} */
  get(id) {
    if (!this.#loading.has(id)) {
      const loading = this.#load(SHIPPED.find((model) => model.id === id));
      this.#loading.set(id, loading);
      loading.catch(() => this.#loading.delete(id)); // asked again, it is tried again
    }
    return this.#loading.get(id);
  }

  async #load({ id, kind, url }) {
    const name = t(`model.${id}`);
    const onProgress = ({ phase, loaded, total }) =>
      this.say(
        total
          ? t('loading', { name, share: t('loading.share', { share: number((100 * loaded) / total) }) })
          : t(`loading.${phase === 'wait' ? 'wait' : 'open'}`, { name }),
      );
    const load = kind === 'sedd' ? loadSEDD : loadGPT2;
    // One thread for each of the shipped pair, so that its times compare; they are small enough for it.
    const model = await load(url, { onProgress, threads: 1 });
    import('./offline.js').then(({ keepPage }) => keepPage(model)).catch(() => {}); // without it the page works, but needs its server
    return model;
  }

  /** Whether `get` would answer at once. */
  has(id) {
    return this.#loading.has(id);
  }

  /** A model that the visitor loaded. @returns {{id: string, label: string}} its choice */
  adopt(model, name) {
    const id = `own:${name}`;
    this.#loading.get(id)?.then((old) => {
      if (old !== model) old.dispose();
    });
    this.#loading.set(id, Promise.resolve(model));
    return { id, label: t('model.own', { name }) };
  }

  /** Measured quality of a shipped model, or null. */
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
