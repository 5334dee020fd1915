/** Shows why few steps cost quality: a table of pairs.js beside the recipe, for the loaded model and the chosen steps. */
import { $, el } from './dom.js';
import { SENTENCE, contradictions, measurePairs } from './pairs.js';
import { explain, number, percent, t } from './text.js';

class Toy {
  #pairs = null;

  constructor(page) {
    this.page = page;
    this.rows = el('tbody', {});
    this.result = el('p', { role: 'status' });
    const head = ['toy.pair', 'toy.together', 'toy.turn'].map((key) => el('th', { scope: 'col' }, t(key)));
    $('toy-view').append(
      el('h3', {}, t('toy.title')),
      el('p', {}, t('toy.text'), ' ', el('q', {}, SENTENCE.join(' ▁'))),
      el('table', { className: 'toy' }, el('thead', {}, el('tr', {}, ...head)), this.rows),
      this.result,
    );
    page.addEventListener('live', () => this.measure());
    page.recipe.addEventListener('change', () => this.show());
    if (page.live) this.measure();
    else this.result.textContent = t('toy.wait');
  }

  async measure() {
    const { model } = this.page;
    if (model.info.maskId < 0) return;
    try {
      this.#pairs = await measurePairs(model);
      this.rows.replaceChildren(...this.#pairs.map((pair) => this.#row(pair)));
      this.show();
    } catch (error) {
      this.result.textContent = explain(error);
    }
  }

  #row({ words, fits, together, inTurn }) {
    const label = words.map((word) => word.trim()).join(' … ');
    return el(
      'tr',
      { className: fits ? '' : 'misfit' },
      el('th', { scope: 'row' }, fits ? label : t('toy.misfit', { words: label })),
      el('td', {}, percent(together)),
      el('td', {}, percent(inTurn)),
    );
  }

  show() {
    const { steps, length } = this.page.recipe;
    if (!this.#pairs || !steps) return;
    this.result.textContent = t('toy.result', {
      steps,
      share: number(100 * contradictions(this.#pairs, steps), 1),
      together: number(100 / steps, steps > 10 ? 1 : 0),
      each: length ? Math.max(1, Math.round(length / steps)) : 0,
      length,
    });
  }
}

export const mount = (page) => {
  new Toy(page);
};
