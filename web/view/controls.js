/**
 * The controls of <sedd-demo>: prompt, seed, steps, the buttons, and a line with the status. They know nothing of
 * models, and pass the reader's requests to `onRun`, `onStop` and `onReport`.
 */
import { lazySheet, make } from './theme.js';
import { controls as WORDS } from './words/en.js';

export const controlsStyle = lazySheet(`
.desk { display: grid; gap: 0.75rem; font: 0.875rem/1.4 var(--_ui); margin: 0.75rem 0 0; }
.fields { display: flex; flex-wrap: wrap; gap: 0.75rem 1.25rem; align-items: end; }
.desk label { display: grid; flex: 1 1 5rem; min-width: 0; }
.desk label span, .desk input::placeholder, .status { color: var(--_quiet); opacity: 1; }
.desk label:first-child { flex: 8 1 16rem; }
.desk input {
  font: inherit; font-variant-numeric: tabular-nums; color: var(--_ink); background: none; border: 0; border-block-end: 1px solid var(--_line); border-radius: 0; margin: 0; padding: 0; width: 100%; height: 2.25rem; box-sizing: border-box;
}
.desk label:first-child input { font: 1rem/1.4 var(--_text); }
.desk input:hover { border-color: var(--_quiet); }
.acts { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
.acts button {
  font: inherit; color: var(--_ink); background: none; border: 1px solid var(--_line); border-radius: 0.25rem; min-height: 2.25rem; padding: 0.3rem 1rem; cursor: pointer;
}
.acts button[type='submit'] { color: var(--_accent); border-color: currentColor; font-weight: 600; }
.acts button:hover { border-color: currentColor; }
.acts button:disabled { color: var(--_mask); border-color: var(--_line); cursor: default; }
.desk :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.status { margin: 0; flex: 1 1 14rem; font-variant-numeric: tabular-nums; }
.load { appearance: none; display: block; width: 100%; height: 2px; border: 0; background: var(--_line); margin: 0; }
.load::-webkit-progress-bar { background: var(--_line); }
.load::-webkit-progress-value { background: var(--_accent); }
.load::-moz-progress-bar { background: var(--_accent); }
.desk [hidden] { display: none; }
@media print { .desk { display: none; } }
`);

export class Controls {
  #labels = {}; // the spans that name the fields
  #state = 'waiting';
  #options = {};

  /** @param {{onRun: (values: {prompt: string, seed: string, steps: string}) => void, onStop: () => void, onReport: () => void}} acts */
  constructor({ onRun, onStop, onReport }) {
    const field = (name, more) => {
      this[name] = make('input', { name, part: `input ${name}`, autocomplete: 'off', ...more });
      this.#labels[name] = make('span');
      return make('label', {}, this.#labels[name], this[name]);
    };
    const button = (name, type, act) => {
      const element = make('button', { type, part: `button ${name}` });
      if (act) element.addEventListener('click', act);
      this[`${name}Button`] = element;
      return element;
    };
    this.fields = make(
      'div',
      { class: 'fields', hidden: '' },
      field('prompt', { spellcheck: 'false', dir: 'auto' }),
      field('steps', { inputmode: 'numeric', size: 5 }),
      field('seed', { inputmode: 'numeric', size: 8 }),
    );
    this.status = make('p', { class: 'status', part: 'status', role: 'status', 'aria-live': 'polite', dir: 'auto' });
    this.progress = make('progress', { class: 'load', part: 'progress', max: 1, hidden: '' });
    this.element = make(
      'form',
      { class: 'desk', part: 'desk', novalidate: '' },
      this.progress,
      this.fields,
      make(
        'div',
        { class: 'acts' },
        button('run', 'submit'),
        button('stop', 'button', onStop),
        button('report', 'button', onReport),
        this.status,
      ),
    );
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      onRun({ prompt: this.prompt.value, seed: this.seed.value.trim(), steps: this.steps.value.trim() });
    });
    this.translate(WORDS);
  }

  /** Changes the words. @param {typeof WORDS} words */
  translate(words) {
    this.words = words;
    for (const [name, span] of Object.entries(this.#labels)) span.textContent = words[name];
    this.seed.placeholder = words.random;
    this.stopButton.textContent = words.stop;
    this.reportButton.textContent = words.report;
    this.progress.setAttribute('aria-label', words.load);
    this.show(this.#state, this.#options);
  }

  /**
   * @param {'waiting'|'loading'|'running'|'ready'} state
   * @param {{manual?: boolean, report?: boolean}} [options]
   */
  show(state, options = {}) {
    const { manual = false, report = false } = options;
    this.#state = state;
    this.#options = options;
    const busy = state === 'loading' || state === 'running';
    const focused = this.element.contains(this.element.getRootNode().activeElement);
    this.fields.hidden = state === 'waiting' || state === 'loading';
    this.runButton.textContent = this.words[state === 'waiting' ? 'first' : 'run'];
    this.runButton.hidden = busy || (state === 'waiting' && manual);
    this.stopButton.hidden = !busy;
    this.reportButton.hidden = state !== 'ready' || !report;
    this.progress.hidden = state !== 'loading';
    if (focused && busy) this.stopButton.focus();
    else if (focused && state === 'ready' && !this.element.contains(this.element.getRootNode().activeElement))
      this.runButton.focus();
  }

  /** @param {{prompt: string, seed: string, steps: string}} values */
  fill(values) {
    for (const [name, value] of Object.entries(values)) this[name].value = value;
  }

  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }
}
