/** Figure 6 shows how surprising each model finds a text: SEDD's upper bound with its error, and GPT-2's exact value. */
import { $, el } from './dom.js';
import { heat } from './heat.js';
import { explain, number, t } from './text.js';

const SAMPLES = 64;
const SURE = 3; // number of standard errors that count as certain
const DARKEST = 8; // nats; a token drawn blindly from 2,048 costs 7.6

/** Compares an upper bound that has an error with an exact value. @returns {'better'|'close'|'compare'} */
export function compared({ natsPerToken: bound, standardError }, { natsPerToken: exact }) {
  if (bound + SURE * standardError < exact) return 'better';
  return bound < exact ? 'close' : 'compare';
}

class Likelihood {
  #abort = null;

  constructor(page) {
    this.page = page;
    this.field = el('textarea', {
      id: 'likelihood-text',
      rows: 3,
      dir: 'auto',
      maxLength: 8000,
      spellcheck: false,
      value: t('noise.default'),
    });
    this.go = el(
      'button',
      {
        type: 'button',
        id: 'likelihood-start',
        on: { click: () => (this.#abort ? this.#abort.abort() : this.measure()) },
      },
      t('likelihood.start'),
    );
    this.say = el('p', { className: 'status', role: 'status' });
    this.rows = el('div', { className: 'pair' });
    $('likelihood-view').append(
      el('label', { htmlFor: 'likelihood-text' }, t('likelihood.input')),
      this.field,
      el('div', { className: 'toolbar' }, this.go),
      this.say,
      this.rows,
    );
  }

  async measure() {
    const text = this.field.value;
    if (text.trim() === '') {
      this.say.textContent = t('likelihood.empty');
      return;
    }
    if (!this.page.live) {
      this.say.textContent = t('needs-model');
      return;
    }
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.go.textContent = t('stop');
    this.say.textContent = t('likelihood.wait');
    try {
      const { models, recipe } = this.page;
      const [sedd, gpt2] = await models.pair(recipe.model.startsWith('own:') ? recipe.model : 'sedd-nano');
      const [bound, exact] = await Promise.all([
        sedd.bound(text, { samples: SAMPLES, seed: 1, signal }),
        gpt2.nll(text, { signal }),
      ]);
      this.rows.replaceChildren(this.#row('likelihood.sedd', bound, false), this.#row('likelihood.gpt2', exact, true));
      this.say.textContent = t(`likelihood.${compared(bound, exact)}`);
    } catch (error) {
      this.say.textContent = explain(error);
    } finally {
      this.#abort = null;
      this.go.textContent = t('likelihood.start');
    }
  }

  #row(key, { natsPerToken, standardError, texts, parts, tokens }, twin) {
    const value = el(
      'p',
      { className: 'measure' },
      el('strong', {}, t('likelihood.value', { nats: number(natsPerToken, 3) })),
      standardError ? ` ${t('likelihood.error', { error: number(standardError, 3) })}` : '',
      ` · ${t('likelihood.perplexity', { ppl: number(Math.exp(natsPerToken), 1) })}`,
      ` · ${t('likelihood.tokens', { count: number(tokens) })}`,
    );
    return el(
      'section',
      { className: twin ? 'is-twin' : 'is-sedd' },
      el('h3', {}, t(key)),
      value,
      heat({
        texts,
        values: parts,
        most: DARKEST,
        twin,
        label: t(key),
        say: (text, nats) => t('likelihood.token', { text, nats: number(nats, 2) }),
      }),
    );
  }
}

export const mount = (page) => {
  new Likelihood(page);
};
