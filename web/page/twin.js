/**
 * Runs GPT-2 on the task of Figure 1. It writes each hole from the text on its left, and the given words are put back
 * in their places. It cannot see given words to the right of a hole.
 */
import { Strip } from '../view/strip.js';
import { $, el } from './dom.js';
import { EXAMPLES } from './examples.js';
import { writeLeftToRight } from './left-to-right.js';
import { seedOf } from './runs.js';
import { explain, millis, number, t } from './text.js';

/** Returns the example with this prompt, or 'yours'. @param {string} prompt */
const nameOf = (prompt) => EXAMPLES.find((one) => one.prompt === prompt)?.id ?? 'yours';

export class Twin {
  #abort = new AbortController();
  #history = null;
  /** @param {{stage: import('./stage.js').Stage, gpt2: () => Promise<import('../client.js').GPT2>}} given */
  constructor({ stage, gpt2 }) {
    this.stage = stage;
    this.gpt2 = gpt2;
    this.strip = new Strip();
    this.note = el('p', { className: 'note' });
    this.root = $('twin');
    this.root.append(el('h3', { id: 'twin-title' }, t('twin.title')), this.strip.element, this.note);
    stage.addEventListener('show', () => this.#follow());
  }

  hide() {
    this.#abort.abort();
    this.#history = null;
    this.root.hidden = true;
  }

  /** Runs the task after SEDD, so that neither slows the other down. @param {object} options of the run @param {Promise<unknown>} after */
  async write({ prompt, length, seed, temperature, topP, topK }, after) {
    this.hide();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      await after;
      if (signal.aborted) return;
      const gpt2 = await this.gpt2();
      const { history, ms, tokens } = await writeLeftToRight(gpt2, {
        prompt,
        length,
        seed: seedOf(seed),
        temperature,
        topP,
        topK,
        signal,
      });
      this.#history = history;
      this.strip.open(history.at(0), { held: history.held, finals: history.finals });
      this.note.textContent = `${t('twin.done', { tokens: number(tokens), ms: millis(ms) })} ${t(`twin.${nameOf(prompt)}`)}`;
      this.root.hidden = false;
      this.#follow();
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.note.textContent = explain(error);
      this.root.hidden = false;
    }
  }

  /** Shows the same share of tokens as SEDD's run. */
  #follow() {
    if (!this.#history) return;
    const { index, run } = this.stage;
    const share = index / Math.max(run.total ?? run.history.last, 1);
    this.strip.show(this.#history.at(Math.round(share * this.#history.last)));
  }
}
