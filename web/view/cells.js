/**
 * The tokens of a run, one cell a token, which stay in place from the first step to the last. Three layouts:
 *
 *   text    running text. Where the end is known (a replay) each mask has the width its token will have, as hidden
 *           generated text, so lines break once and nothing moves.
 *   lines   running text of a live run: a cell never leaves its line; the masks of a line share what is left of it,
 *           and a line that grows too long is set a little smaller.
 *   grid    equal cells: nothing moves at all.
 *
 * A cell may be a mask, a hole (a mask that waits for a run), held, new, recent or old. With `selectable` the cells
 * are a listbox with one tab stop; choosing one sends `sedd-select` {position, text}.
 */
import { make } from './theme.js';

const WORDS = {
  label: 'Tokens of the text', masked: 'masked', hole: 'to be written', held: (text) => `${text}, given`, fresh: (text) => `${text}, new`,
  space: 'space', lineBreak: 'line break',
};
const AVERAGE = 2.4; // em of a token with its space, generous: a line is filled to about nine tenths
const LONG = 9; // characters that fit an equal cell
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
const STRONG = /\p{L}/u;

/** Writing direction of the first letter. */
function direction(texts) {
  const letter = texts.find((text) => text && STRONG.test(text))?.match(STRONG)[0] ?? '';
  return RTL.test(letter) ? 'rtl' : 'ltr';
}

export class Cells {
  #cells = [];
  #shown = []; // what each cell shows, as a key, so that a step touches only what changed
  #finals = null;
  #held = new Set();
  #holes = new Set();
  #current = 0; // the cell in the tab order
  #selected = -1;
  #layout = 'text';
  #state = null;
  #observer = null;
  #width = 0;

  /**
   * @param {{layout?: 'text'|'lines'|'grid', selectable?: boolean, meter?: 'none'|'age'|'confidence', words?: Partial<typeof WORDS>}} [options]
   *   `meter` draws a bar under each token: its age, or the probability it was drawn with
   */
  constructor({ layout = 'text', selectable = false, meter = 'none', words = {} } = {}) {
    this.words = { ...WORDS, ...words };
    this.selectable = selectable;
    this.meter = meter;
    this.element = make('div', { class: 'sedd-cells', part: 'cells', 'data-layout': layout });
    this.#layout = layout;
    this.element.setAttribute('role', selectable ? 'listbox' : 'group');
    this.element.setAttribute('aria-label', this.words.label);
    if (selectable) {
      this.element.setAttribute('aria-orientation', 'horizontal');
      this.element.addEventListener('click', (event) => this.#choose(this.#cells.indexOf(event.target.closest('.sedd-cell'))));
      this.element.addEventListener('keydown', (event) => this.#key(event));
    }
  }

  get layout() { return this.#layout; }
  set layout(name) {
    if (name === this.#layout) return;
    this.#layout = name;
    this.element.dataset.layout = name;
    this.#place();
  }

  /** Position of the selected token, or -1. */
  get selected() { return this.#selected; }
  set selected(position) {
    this.#cells[this.#selected]?.setAttribute('aria-selected', 'false');
    this.#selected = this.#cells[position] ? position : -1;
    this.#cells[this.#selected]?.setAttribute('aria-selected', 'true');
    if (this.#selected >= 0) this.#tab(this.#selected);
  }

  /** The cell's element, for a popover beside it. */
  cell(position) { return this.#cells[position] ?? null; }

  /**
   * New text. `finals` are the texts the cells will hold in the end, where known (`history.finals`).
   * @param {import('./history.js').State} state
   * @param {{held?: number[], finals?: (string|null)[]|null, holes?: number[]}} [known]
   */
  open(state, { held = [], finals = null, holes = [] } = {}) {
    this.#held = new Set(held);
    this.#holes = new Set(holes);
    this.#finals = finals;
    this.#selected = -1;
    this.#current = Math.min(this.#current, Math.max(state.texts.length - 1, 0));
    this.#cells = state.texts.map((_, i) => make('span', this.selectable
      ? { class: 'sedd-cell', role: 'option', 'aria-selected': 'false', tabindex: i === this.#current ? '0' : '-1' } : { class: 'sedd-cell' }));
    this.#shown = [];
    this.element.dir = direction(finals ?? state.texts);
    this.show(state);
    this.#place();
  }

  /** Shows a state of the same run. @param {import('./history.js').State} state */
  show(state) {
    this.#state = state;
    if (!this.#finals && this.element.dir === 'ltr') this.element.dir = direction(state.texts);
    const changed = state.texts.filter((text, i) => this.#draw(i, text, state)).length;
    if (changed && this.#layout === 'lines') this.#fit();
  }

  /** Whether the cell had to change. */
  #draw(i, text, state) {
    const age = state.opened[i] > 0 ? state.index - state.opened[i] : Infinity;
    const value = this.#value(i, state);
    const key = `${text}\0${Math.min(age, 4)}\0${value}\0${this.#layout}`;
    if (this.#shown[i] === key) return false;
    this.#shown[i] = key;
    const cell = this.#cells[i];
    const ghost = this.#finals?.[i];
    const flowing = this.#layout === 'text';
    const classes = cell.classList;
    classes.toggle('mask', text === null);
    classes.toggle('word', /^\s/.test(text ?? ghost ?? ' '));
    classes.toggle('hole', text === null && this.#holes.has(i));
    classes.toggle('held', text !== null && this.#held.has(i));
    classes.toggle('new', age === 0);
    classes.toggle('recent', age > 0 && age < 4);
    classes.toggle('break', text?.includes('\n') ?? false);
    classes.toggle('long', (text?.length ?? 0) > LONG);
    classes.toggle('meter', value !== null);
    if (value !== null) cell.style.setProperty('--value', value);
    cell.textContent = text === null ? '' : flowing ? text : text.replaceAll('\n', '');
    if (text === null && flowing) cell.dataset.ghost = (ghost ?? ' even').replaceAll('\n', '\u00b6\n');
    else delete cell.dataset.ghost;
    if (this.selectable) cell.setAttribute('aria-label', this.#name(i, text, age));
    return true;
  }

  #value(i, state) {
    if (state.texts[i] === null || this.#held.has(i)) return null;
    if (this.meter === 'confidence') return state.confidence[i] === null ? null : state.confidence[i].toFixed(2);
    if (this.meter === 'age' && state.index > 0) return ((state.index - state.opened[i]) / state.index).toFixed(2);
    return null;
  }

  #name(i, text, age) {
    const { words } = this;
    if (text === null) return this.#holes.has(i) ? words.hole : words.masked;
    const plain = text.trim() || (text.includes('\n') ? words.lineBreak : words.space);
    if (this.#held.has(i)) return words.held(plain);
    return age === 0 ? words.fresh(plain) : plain;
  }

  /* ---- Placing ---- */

  #place() {
    const focused = this.#cells.indexOf(this.element.getRootNode().activeElement ?? null);
    this.#observer?.disconnect();
    if (this.#layout === 'lines') {
      this.#observer ??= new ResizeObserver(([{ contentRect }]) => { if (Math.abs(contentRect.width - this.#width) > 1) this.#place(); });
      this.#lines();
      this.#observer.observe(this.element);
    } else {
      this.element.replaceChildren(...this.#cells);
    }
    if (this.#state) this.show(this.#state);
    if (focused >= 0) this.#cells[focused].focus({ preventScroll: true });
  }

  #lines() {
    this.#width = this.element.clientWidth;
    const em = parseFloat(getComputedStyle(this.element).fontSize) || 18;
    const count = Math.max(2, Math.floor((this.#width || 640) / (AVERAGE * em)));
    const lines = [];
    for (let i = 0; i < this.#cells.length; i += count) lines.push(make('div', { class: 'sedd-line', role: 'presentation' }, ...this.#cells.slice(i, i + count)));
    this.element.replaceChildren(...lines);
    this.#fit();
  }

  /** A line that is too long is set smaller, by as little as it takes. */
  #fit() {
    for (const line of this.element.children) line.style.removeProperty('--fit');
    const ratios = [...this.element.children].map((line) => line.clientWidth / Math.max(line.scrollWidth, 1));
    ratios.forEach((ratio, i) => { if (ratio < 1) this.element.children[i].style.setProperty('--fit', (ratio * 0.995).toFixed(3)); });
  }

  /* ---- Choosing ---- */

  #tab(position) {
    this.#cells[this.#current]?.setAttribute('tabindex', '-1');
    this.#current = position;
    this.#cells[position]?.setAttribute('tabindex', '0');
  }

  #choose(position) {
    if (position < 0) return;
    this.selected = position;
    this.element.dispatchEvent(new CustomEvent('sedd-select', { bubbles: true, composed: true, detail: { position, text: this.#state.texts[position] } }));
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const forward = this.element.dir === 'rtl' ? -1 : 1;
    const moves = {
      ArrowRight: () => this.#current + forward, ArrowLeft: () => this.#current - forward, ArrowDown: () => this.#beside(1),
      ArrowUp: () => this.#beside(-1), Home: () => 0, End: () => this.#cells.length - 1,
    };
    if (event.key === 'Enter' || event.key === ' ') this.#choose(this.#current);
    else if (moves[event.key]) {
      const next = Math.min(Math.max(moves[event.key](), 0), this.#cells.length - 1);
      this.#tab(next);
      this.#cells[next].focus();
    } else return;
    event.preventDefault();
  }

  /** The cell above (-1) or below (1), by where cells are drawn. */
  #beside(way) {
    const place = (cell) => { const box = cell.getBoundingClientRect(); return { x: box.x + box.width / 2, y: box.y + box.height / 2, h: box.height }; };
    const here = place(this.#cells[this.#current]);
    let best = this.#current;
    let least = Infinity;
    this.#cells.forEach((cell, i) => {
      const { x, y } = place(cell);
      const down = (y - here.y) * way;
      const distance = down * 1000 + Math.abs(x - here.x);
      if (down > here.h / 2 && distance < least) [best, least] = [i, distance];
    });
    return best;
  }

  dispose() { this.#observer?.disconnect(); }
}
