/**
 * Shows a live run as cells that can be selected. In addition to the running text of strip.js they have two layouts:
 *
 *   lines   for text whose tokens are not known yet: a cell never leaves its line. The masks of a line share the space
 *           that is left, and a line that grows too long is set a little smaller.
 *   grid    equal cells, so that nothing moves
 *
 * With `selectable`, the cells are a listbox with one tab stop. Selecting one sends `sedd-select` {position, text}.
 */
import { Strip } from './strip.js';
import { addStyle, make } from './theme.js';
import { cells as WORDS } from './words/en.js';

const AVERAGE = 2.1; // em of a token with its space; a generous estimate, so that most lines end before the margin

const SLACK = 0.12; // share of a line that the other lines can take in
const LONG = 9; // characters that fit an equal cell

addStyle(`
.sedd-cells[data-layout='lines'], .sedd-cells[data-layout='grid'] { white-space: pre; overflow-wrap: normal; }
.sedd-cells[data-layout='grid'] {
  white-space: nowrap; /* no space before a word: cells begin at one edge */
  display: grid; grid-template-columns: repeat(auto-fill, minmax(4.4em, 1fr)); grid-auto-rows: 1.85em; align-items: center; column-gap: 0.35em;
}
[data-layout='grid'] .sedd-cell { overflow: clip; overflow-clip-margin: 3px; text-overflow: ellipsis; min-width: 0; line-height: 1.85; --gap: 0em; }
[data-layout='grid'] .sedd-cell.long { font-size: 0.8em; line-height: 2.3125; } /* as high as the others */
.sedd-line { display: flex; align-items: center; height: calc(1.85em / var(--fit, 1)); font-size: calc(1em * var(--fit, 1)); }
.sedd-line .sedd-cell { flex: none; line-height: normal; }
.sedd-line .word:first-child:not(.break) { margin-inline-start: -0.25em; }
.sedd-line .sedd-cell.mask { flex: 1 1 1.6em; max-width: 3em; }
.sedd-cell.hole { --thick: 0.22em; --at: 82%; }
.sedd-cells[role='listbox'] .sedd-cell { cursor: pointer; }
.sedd-cells[role='listbox'] .sedd-cell:hover { outline: 1px solid var(--_line); }
.sedd-cell[aria-selected='true'] { outline: 2px solid var(--_ink); outline-offset: 1px; }
.sedd-cell[aria-selected='true'] { background-color: color-mix(in srgb, var(--_ink) 14%, transparent); }
.sedd-cell:focus-visible { outline: 2px solid var(--_accent) !important; outline-offset: 2px; }
@media (forced-colors: active) {
  .sedd-cell[aria-selected='true']:not(.mask) { color: HighlightText; background-color: Highlight; }
}
`);

export class Cells extends Strip {
  #current = 0; // index of the cell in the tab order
  #selected = -1;
  #holes = new Set();
  #layout;
  #observer = null;
  #width = 0;

  /**
   * @param {{layout?: 'text'|'lines'|'grid', selectable?: boolean, meter?: 'none'|'age'|'confidence', words?: Partial<typeof WORDS>}} [options]
   */
  constructor({ layout = 'text', selectable = false, words = {}, ...options } = {}) {
    super(options);
    this.#layout = layout;
    this.element.dataset.layout = layout;
    this.selectable = selectable;
    this.element.setAttribute('role', selectable ? 'listbox' : 'group');
    this.translate({ ...WORDS, ...words });
    if (!selectable) return;
    this.element.setAttribute('aria-orientation', 'horizontal');
    this.element.addEventListener('click', (event) =>
      this.#choose(this.cells.indexOf(event.target.closest('.sedd-cell'))),
    );
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Changes the words, from the next run on. @param {typeof WORDS} words */
  translate(words) {
    this.words = words;
    this.element.setAttribute('aria-label', words.label);
  }

  get layout() {
    return this.#layout;
  }
  set layout(name) {
    if (name === this.#layout) return;
    this.#layout = name;
    this.element.dataset.layout = name;
    this.place();
  }

  /** Returns the position of the selected token, or -1. */
  get selected() {
    return this.#selected;
  }
  set selected(position) {
    this.cells[this.#selected]?.setAttribute('aria-selected', 'false');
    this.#selected = this.cells[position] ? position : -1;
    this.cells[this.#selected]?.setAttribute('aria-selected', 'true');
    if (this.#selected >= 0) this.#tab(this.#selected);
  }

  /** Returns the cell's element, for a popover beside it. */
  cell(position) {
    return this.cells[position] ?? null;
  }

  /**
   * Does the same as in strip.js. `holes` are masks that wait for a run.
   * @param {import('./history.js').State} state
   * @param {{held?: number[], finals?: (string|null)[]|null, holes?: number[]}} [known]
   */
  open(state, known) {
    this.#holes = new Set(known?.holes);
    this.#selected = -1;
    this.#current = Math.min(this.#current, Math.max(state.texts.length - 1, 0));
    super.open(state, known);
  }

  makeCell(i) {
    return make(
      'span',
      this.selectable
        ? { class: 'sedd-cell', role: 'option', 'aria-selected': 'false', tabindex: i === this.#current ? '0' : '-1' }
        : { class: 'sedd-cell' },
    );
  }

  show(state) {
    const changed = super.show(state);
    if (changed && this.layout === 'lines') this.#fit();
    return changed;
  }

  draw(i, shown) {
    super.draw(i, shown);
    const cell = this.cells[i];
    if (this.#layout !== 'text') {
      cell.textContent = cell.textContent.replaceAll('\n', '');
      cell.dataset.ghost = '\u200b'; // has no width
    }
    cell.classList.toggle('long', cell.textContent.length > LONG);
    cell.classList.toggle('hole', shown.text === null && this.#holes.has(i));
    if (this.selectable) cell.setAttribute('aria-label', this.#name(i, shown));
  }

  #name(i, { text, age }) {
    const { words } = this;
    if (text === null) return this.#holes.has(i) ? words.hole : words.masked;
    const plain = text.trim() || (text.includes('\n') ? words.lineBreak : words.space);
    if (this.held.has(i)) return words.held(plain);
    return age === 0 ? words.fresh(plain) : plain;
  }

  /* ---- Placing ---- */

  place() {
    const focused = this.cells.indexOf(this.element.getRootNode().activeElement ?? null);
    this.#observer?.disconnect();
    if (this.layout === 'lines') {
      this.#observer ??= new ResizeObserver(([{ contentRect }]) => {
        if (Math.abs(contentRect.width - this.#width) > 1) this.place();
      });
      super.place(this.#lines());
      this.#observer.observe(this.element);
    } else {
      super.place();
    }
    if (focused >= 0) this.cells[focused].focus({ preventScroll: true });
  }

  #lines() {
    this.#width = this.element.clientWidth;
    const em = parseFloat(getComputedStyle(this.element).fontSize) || 18;
    const room = Math.max(2, (this.#width || 640) / (AVERAGE * em));
    const count = Math.ceil(this.cells.length / Math.max(1, Math.ceil(this.cells.length / room - SLACK))); // lines of one length
    const lines = [];
    for (let i = 0; i < this.cells.length; i += count)
      lines.push(make('div', { class: 'sedd-line', role: 'presentation' }, ...this.cells.slice(i, i + count)));
    return lines;
  }

  /** Sets a line that is too long in a smaller font, just small enough to fit. */
  #fit() {
    const lines = [...this.element.children];
    for (const line of lines) line.style.removeProperty('--fit');
    const ratios = lines.map((line) => line.clientWidth / Math.max(line.scrollWidth, 1));
    ratios.forEach((ratio, i) => {
      if (ratio < 1) lines[i].style.setProperty('--fit', (ratio * 0.995).toFixed(3));
    });
  }

  /* ---- Choosing ---- */

  #tab(position) {
    this.cells[this.#current]?.setAttribute('tabindex', '-1');
    this.#current = position;
    this.cells[position]?.setAttribute('tabindex', '0');
  }

  #choose(position) {
    if (position < 0) return;
    this.selected = position;
    this.element.dispatchEvent(
      new CustomEvent('sedd-select', {
        bubbles: true,
        composed: true,
        detail: { position, text: this.state.texts[position] },
      }),
    );
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const forward = this.element.dir === 'rtl' ? -1 : 1;
    const moves = {
      ArrowRight: () => this.#current + forward,
      ArrowLeft: () => this.#current - forward,
      ArrowDown: () => this.#beside(1),
      ArrowUp: () => this.#beside(-1),
      Home: () => 0,
      End: () => this.cells.length - 1,
    };
    if (event.key === 'Enter' || event.key === ' ') this.#choose(this.#current);
    else if (moves[event.key]) {
      const next = Math.min(Math.max(moves[event.key](), 0), this.cells.length - 1);
      this.#tab(next);
      this.cells[next].focus();
    } else return;
    event.preventDefault();
  }

  /** Returns the cell above (-1) or below (1), by the places on the screen. */
  #beside(way) {
    const place = (cell) => {
      const box = cell.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2, h: box.height };
    };
    const here = place(this.cells[this.#current]);
    let best = this.#current;
    let least = Infinity;
    this.cells.forEach((cell, i) => {
      const { x, y } = place(cell);
      const down = (y - here.y) * way;
      const distance = down * 1000 + Math.abs(x - here.x);
      if (down > here.h / 2 && distance < least) [best, least] = [i, distance];
    });
    return best;
  }

  dispose() {
    this.#observer?.disconnect();
  }
}
