/**
 * Shows the tokens of a run as running text, one cell for each token. In a replay the final tokens are known, so each
 * mask has the width of its token (as hidden generated text): lines break once, and no cell moves from the first step
 * to the last. A cell is a mask, held, new, recent or old. cells.js adds live runs and selection.
 */
import { make } from './theme.js';

/** Matches text whose first letter belongs to a right-to-left script. */
const RTL = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
const direction = (texts) => (RTL.test(texts.join('')) ? 'rtl' : 'ltr');

export class Strip {
  /** The cells' elements, by position. @protected */
  cells = [];
  /** The shown state. @type {import('./history.js').State|null} @protected */
  state = null;
  /** Positions of given tokens. @protected */
  held = new Set();
  #shown = []; // a key of what each cell shows, so that a step redraws only changed cells
  #finals = null;

  /**
   * @param {{meter?: 'none'|'age'|'confidence'}} [options] a bar under each token: its age, or the probability it was
   *   drawn with
   */
  constructor({ meter = 'none' } = {}) {
    this.meter = meter;
    this.element = make('div', { class: 'sedd-cells', part: 'cells' });
  }

  /**
   * Starts a new text. `finals` are the final texts of the cells, if they are known (`history.finals`).
   * @param {import('./history.js').State} state
   * @param {{held?: number[], finals?: (string|null)[]|null}} [known]
   */
  open(state, { held = [], finals = null } = {}) {
    this.held = new Set(held);
    this.#finals = finals;
    this.cells = state.texts.map((_, i) => this.makeCell(i));
    this.state = state;
    this.element.dir = direction(finals ?? state.texts);
    this.place();
  }

  /** @protected */
  makeCell() {
    return make('span', { class: 'sedd-cell' });
  }

  /** Lays out all cells and draws them. @protected */
  place(nodes = this.cells) {
    this.#shown = [];
    this.element.replaceChildren(...nodes);
    if (this.state) this.show(this.state);
  }

  /** Shows a state of the same run. Returns the number of changed cells. @param {import('./history.js').State} state */
  show(state) {
    this.state = state;
    if (!this.#finals && this.element.dir === 'ltr') this.element.dir = direction(state.texts);
    return state.texts.filter((text, i) => {
      const age = state.opened[i] > 0 ? state.index - state.opened[i] : Infinity;
      const value = this.#value(i);
      const key = `${text}\0${Math.min(age, 4)}\0${value}`;
      if (this.#shown[i] === key) return false;
      this.#shown[i] = key;
      this.draw(i, { text, age, value });
      return true;
    }).length;
  }

  /** @protected */
  draw(i, { text, age, value }) {
    const cell = this.cells[i];
    const mask = text === null;
    const ghost = this.#finals?.[i] ?? ' even'; // the usual width
    const classes = {
      mask,
      word: /^\s/.test(text ?? ghost),
      held: !mask && this.held.has(i),
      new: age === 0,
      recent: age > 0 && age < 4,
      break: !mask && text.includes('\n'),
      meter: value !== null,
    };
    cell.className = ['sedd-cell', ...Object.keys(classes).filter((name) => classes[name])].join(' ');
    if (value !== null) cell.style.setProperty('--value', value);
    cell.textContent = text ?? '';
    cell.dataset.ghost = ghost.replaceAll('\n', '\u00b6\n');
  }

  #value(i) {
    const { texts, confidence, index, opened } = this.state;
    if (texts[i] === null || this.held.has(i)) return null;
    if (this.meter === 'confidence') return confidence[i]?.toFixed(2) ?? null;
    return this.meter === 'age' && index > 0 ? ((index - opened[i]) / index).toFixed(2) : null;
  }
}
