/**
 * Shows a whole run on one sheet, with a row for each step and a column for each position, so that the order in which
 * text appears is visible at a glance. It consists of four paths in one SVG, for every size. A click or a drag goes to
 * a step; by keyboard, the timeline does the same.
 */
import { addStyle, make } from './theme.js';
import { sheet as WORDS } from './words/en.js';

addStyle(`
.sedd-sheet {
  position: relative; direction: ltr; padding-left: 1.6em; font: 0.8125rem/1.4 var(--_ui); margin: 0;
  &::before { content: attr(data-places); color: var(--_quiet); }
  &::after { content: attr(data-steps); color: var(--_quiet); position: absolute; top: 1.4em; left: 0; writing-mode: vertical-rl; }
  svg { display: block; width: 100%; height: auto; max-height: 20rem; overflow: visible; cursor: ns-resize; touch-action: pan-y; shape-rendering: crispEdges; }
  path { forced-color-adjust: none; }
  .mask { fill: var(--_line); opacity: 0.45; }
  .kept { fill: var(--_ink); opacity: 0.3; }
  .held { fill: var(--_held); }
  .new { fill: var(--_new); }
  .now { stroke: var(--_accent); stroke-width: 2px; vector-effect: non-scaling-stroke; }
  ul { color: var(--_quiet); display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0.5rem 0 0; padding: 0; list-style: none; }
  li { display: flex; align-items: center; gap: 0.4rem; }
  li svg { width: 0.75rem; cursor: inherit; }
}
@media (forced-colors: active) { .sedd-sheet .mask { fill: none; } }
`);

export class Sheet {
  #history = null;
  #index = 0;

  /** @param {{onSeek?: (index: number) => void, words?: Partial<typeof WORDS>}} [options] */
  constructor({ onSeek = () => {}, words = {} } = {}) {
    this.words = { ...WORDS, ...words };
    this.onSeek = onSeek;
    this.paths = Object.fromEntries(
      ['mask', 'kept', 'new', 'held', 'now'].map((name) => [name, make('path', { class: name })]),
    );
    this.picture = make('svg', { role: 'img', preserveAspectRatio: 'none' }, ...Object.values(this.paths));
    this.picture.addEventListener('pointerdown', (event) => {
      this.picture.setPointerCapture(event.pointerId);
      this.#go(event);
    });
    this.picture.addEventListener('pointermove', (event) => {
      if (event.buttons) this.#go(event);
    });
    this.element = make('figure', { class: 'sedd-sheet', part: 'sheet' }, this.picture, this.#legend());
  }

  #legend() {
    const swatch = (name) =>
      make(
        'svg',
        { viewBox: '0 0 1 1', 'aria-hidden': 'true' },
        make('path', { class: name, d: name === 'held' ? 'M.3 0h.4v1h-.4z' : 'M0 0h1v1h-1z' }),
      );
    return make(
      'ul',
      { part: 'legend' },
      ...[
        ['mask', 'mask'],
        ['new', 'fresh'],
        ['kept', 'kept'],
        ['held', 'held'],
      ].map(([name, word]) => make('li', {}, swatch(name), this.words[word])),
    );
  }

  /** Changes the words. @param {typeof WORDS} words */
  translate(words) {
    this.words = words;
    this.element.lastChild.replaceWith(this.#legend());
    if (this.#history) this.open(this.#history);
  }

  #go(event) {
    if (!this.#history) return;
    const box = this.picture.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * (this.#history.last + 1));
    this.onSeek(Math.min(Math.max(row, 0), this.#history.last));
  }

  /** Draws a run, again after it has grown. @param {import('./history.js').History} history */
  open(history) {
    this.#history = history;
    const { length, last } = history;
    this.picture.setAttribute('viewBox', `0 0 ${length} ${last + 1}`);
    this.picture.style.aspectRatio = `${length} / ${Math.min(Math.max(last + 1, length / 6), length)}`;
    this.picture.setAttribute('aria-label', this.words.label(last, length));
    this.element.dataset.places = this.words.places(length);
    this.element.dataset.steps = this.words.steps(last);
    const drawn = columns(history);
    for (const [name, path] of Object.entries(drawn)) this.paths[name].setAttribute('d', path.join(''));
    this.show(this.#index);
  }

  /** Marks the step that is shown. */
  show(index) {
    this.#index = Math.min(index, this.#history?.last ?? 0);
    this.paths.now.setAttribute('d', `M0 ${this.#index + 0.5}h${this.#history?.length ?? 0}`);
  }
}

/** Returns the rectangles of each column: masked, then new, then kept, for each change. Those of given tokens are narrow. */
function columns(history) {
  const drawn = { mask: [], kept: [], new: [], held: [] };
  const held = new Set(history.held);
  const bar = (position, from, to, name) => {
    const width = name === 'held' ? 0.4 : 0.88;
    if (to > from) drawn[name].push(`M${position + (1 - width) / 2} ${from}h${width}v${to - from}h${-width}z`);
  };
  const begin = history
    .at(0)
    .texts.map((text, position) => ({ row: 0, name: text === null ? 'mask' : held.has(position) ? 'held' : 'kept' }));
  history.events().forEach(({ positions, texts }, i) =>
    positions.forEach((position, k) => {
      bar(position, begin[position].row, i + 1, begin[position].name);
      const open = texts[k] !== null;
      if (open) bar(position, i + 1, i + 2, 'new');
      begin[position] = { row: open ? i + 2 : i + 1, name: open ? 'kept' : 'mask' };
    }),
  );
  begin.forEach(({ row, name }, position) => bar(position, row, history.last + 1, name));
  return drawn;
}
