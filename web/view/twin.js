/**
 * Shows the GPT-2 beside a SEDD. It writes the same number of tokens after the same beginning, from left to right, and
 * a sentence tells which model was faster in this run.
 */
import { lazySheet, make } from './theme.js';
import { twin as WORDS } from './words/en.js';

export const twinStyle = lazySheet(`
.twin { font: 1.125rem/1.85 var(--_text); color: var(--_ink); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.75rem 0 0; padding-block-start: 0.75rem; border-block-start: 1px solid var(--_line); }
.text { display: block; }
.name { display: block; font: 0.8125rem/1.4 var(--_ui); color: var(--sedd-twin, color-mix(in srgb, #f76308 62%, currentColor)); margin-block-end: 0.25rem; }
.verdict { font: 0.875rem/1.5 var(--_ui); color: var(--_ink); margin: 0.75rem 0 0; }
`);

const sum = (values) => values.reduce((all, one) => all + one, 0);

/** Returns the milliseconds of a run without its time in the queue. */
export const computing = ({ prefillMs = 0, stepsMs }) => prefillMs + sum(stepsMs);

export class Twin {
  words = WORDS;

  constructor() {
    this.name = make('span', { class: 'name', dir: 'auto' });
    this.text = make('span', { class: 'text', dir: 'auto' });
    this.verdict = make('p', { class: 'verdict', part: 'verdict', dir: 'auto' });
    this.element = make(
      'div',
      { hidden: '' },
      make('p', { class: 'twin', part: 'twin' }, this.name, this.text),
      this.verdict,
    );
  }

  /** Changes the words, from the next run on. @param {typeof WORDS} words */
  translate(words) {
    this.words = words;
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
    this.name.textContent = this.words.writing;
    this.text.textContent = given;
    this.verdict.textContent = '';
    this.element.hidden = false;
    const run = gpt2.generate({ prompt: given, tokens, ...options });
    for await (const { text } of run) this.text.append(text ?? '');
    const { text, timings } = await run.result;
    this.text.textContent = given + text; // a token may hold a part of a character, so the whole text is set again
    this.name.textContent = this.words.name(tokens, Math.round(computing(timings)));
    const [sedd, twin] = [computing(sample.timings), computing(timings)];
    const times = (Math.max(sedd, twin) / Math.min(sedd, twin)).toFixed(1);
    this.verdict.textContent = this.words.verdict(sedd < twin ? 'SEDD' : 'GPT-2', times);
  }
}
