/**
 * The GPT-2 beside a SEDD: it writes the same number of tokens after the same beginning, from left to right, and a
 * sentence says who was faster in this one run.
 */
import { lazySheet, make } from './theme.js';

export const twinStyle = lazySheet(`
.twin { font: 1.125rem/1.85 var(--_text); color: var(--_ink); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.75rem 0 0; padding-block-start: 0.75rem; border-block-start: 1px solid var(--_line); }
.name { display: block; font: 0.8125rem/1.4 var(--_ui); color: var(--sedd-twin, light-dark(#a4480f, #e8a15c)); margin-block-end: 0.25rem; }
.verdict { font: 0.875rem/1.5 var(--_ui); color: var(--_ink); margin: 0.75rem 0 0; }
`);

const WORDS = {
  writing: 'GPT-2, left to right',
  name: (count, ms) => `GPT-2, left to right: ${count} tokens, ${Math.round(ms)} ms`,
  verdict: (sedd, gpt2) =>
    `In this one run on this device ${sedd < gpt2 ? 'SEDD' : 'GPT-2'} was ${(Math.max(sedd, gpt2) / Math.min(sedd, gpt2)).toFixed(1)} times as fast.`,
};

const sum = (values) => values.reduce((all, one) => all + one, 0);

/** Milliseconds of a run without its time in the queue. */
export const computing = ({ prefillMs = 0, stepsMs }) => prefillMs + sum(stepsMs);

export class Twin {
  constructor() {
    this.name = make('span', { class: 'name' });
    this.text = make('span', {});
    this.verdict = make('p', { class: 'verdict', part: 'verdict' });
    this.element = make(
      'div',
      { hidden: '' },
      make('p', { class: 'twin', part: 'twin' }, this.name, this.text),
      this.verdict,
    );
  }

  hide() {
    this.element.hidden = true;
  }

  /**
   * @param {object} gpt2 as loadGPT2 returns it
   * @param {{given: string, sample: {ids: number[], timings: object}, options: object}} task `given` is the text before the first hole
   */
  async write(gpt2, { given, sample, options }) {
    const { ids } = await gpt2.tokenize(given);
    const tokens = Math.max(1, Math.min(sample.ids.length - ids.length, gpt2.info.length - Math.max(1, ids.length)));
    this.name.textContent = WORDS.writing;
    this.text.textContent = given;
    this.verdict.textContent = '';
    this.element.hidden = false;
    const run = gpt2.generate({ prompt: given, tokens, ...options });
    for await (const { text } of run) this.text.append(text ?? '');
    const { text, timings } = await run.result;
    this.text.textContent = given + text; // whole characters where tokens were parts of one
    this.name.textContent = WORDS.name(tokens, computing(timings));
    this.verdict.textContent = WORDS.verdict(computing(sample.timings), computing(timings));
  }
}
