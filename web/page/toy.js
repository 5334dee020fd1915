/**
 * Why few steps cost quality, on two tokens: drawn in the same step they do not see each other. The numbers are the
 * loaded model's, of one sentence with two masks; the steps are those of the recipe.
 */
import { $, el } from './dom.js';
import { explain, number, t } from './text.js';

/** A sentence with two masks whose words depend on each other, and the pairs that are counted; `fits`: they agree. */
const SENTENCE = ['There was a little', '.', ' liked to play.'];
const PAIRS = [
  { words: [' girl', ' She'], fits: true },
  { words: [' boy', ' He'], fits: true },
  { words: [' girl', ' He'], fits: false },
  { words: [' boy', ' She'], fits: false },
];

/**
 * Probabilities of the pairs, drawn in one step (the product of what the model says of each mask alone) and one after the
 * other (the second mask is asked about once the first is open).
 * @param {import('../client.js').SEDD} model
 * @returns {Promise<{words: string[], fits: boolean, together: number, inTurn: number}[]>}
 */
export async function measurePairs(model) {
  const [ids, places] = await masked(model);
  const sigma = -Math.log1p(-places.length / ids.length); // of as many masks
  const topK = model.info.tokens;
  const ask = async (text, positions) =>
    (await model.inspect(text, { sigma, positions, topK })).positions.map(({ candidates }) => candidates);
  const [firsts, seconds] = await ask(ids, places);
  const chance = (candidates, word) => candidates.find(({ text }) => text === word)?.probability ?? 0;
  const after = new Map();
  for (const word of new Set(PAIRS.map(({ words }) => words[0]))) {
    const opened = [...ids];
    opened[places[0]] = firsts.find(({ text }) => text === word)?.id ?? model.info.maskId;
    after.set(word, (await ask(opened, [places[1]]))[0]);
  }
  return PAIRS.map(({ words: [first, second], fits }) => ({
    words: [first, second],
    fits,
    together: chance(firsts, first) * chance(seconds, second),
    inTurn: chance(firsts, first) * chance(after.get(first), second),
  }));
}

/** The sentence's ids with a mask between its parts, and where the masks are. */
async function masked(model) {
  const ids = [];
  const places = [];
  for (const part of SENTENCE) {
    if (ids.length) places.push(ids.push(model.info.maskId) - 1);
    ids.push(...(await model.tokenize(part)).ids);
  }
  return [ids, places];
}

/**
 * The share of texts whose pair contradicts itself in a run of so many steps: by the published sampler both masks open in
 * the same step in one of `steps` runs.
 */
export function contradictions(pairs, steps) {
  const sum = (name) => pairs.filter(({ fits }) => !fits).reduce((all, pair) => all + pair[name], 0);
  return sum('together') / steps + sum('inTurn') * (1 - 1 / steps);
}

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
    const share = (value) => el('td', {}, t('percent', { share: number(100 * value, value < 0.0995 ? 1 : 0) }));
    const label = words.map((word) => word.trim()).join(' … ');
    return el(
      'tr',
      { className: fits ? '' : 'misfit' },
      el('th', { scope: 'row' }, fits ? label : t('toy.misfit', { words: label })),
      share(together),
      share(inTurn),
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
