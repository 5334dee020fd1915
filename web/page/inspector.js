/**
 * Shows what the network computed for one position: a bar and a score ratio for each candidate, the network's
 * uncertainty, and the probability that the mask stays. For a token that is already filled in, it evaluates the step
 * that filled it in again. The inspector is in the margin; on narrow screens, it is a sheet at the bottom of the
 * window.
 */
import { $, el, stillness } from './dom.js';
import { explain, nodes, number, percent, t } from './text.js';

const CANDIDATES = 8;

/** Matches screens on which the inspector covers the page (page.css). */
const narrow = matchMedia('(max-width: 63.99rem)');

/** Returns a token's text with visible spaces and line breaks. */
export const visible = (text) =>
  text === null
    ? ''
    : text
        .replaceAll('\n', '¶')
        .replace(/^ (?=$)/, '␣')
        .replace(/^ /, '');

/** Returns a ratio, which may be tiny or huge, as a plain number or with a power of ten. @returns {(Node|string)[]} */
function ratioNodes(value) {
  if (value === 0 || (value >= 0.001 && value < 1000)) return [number(value, value < 1 ? 3 : 1)];
  const [digits, power] = value.toExponential(1).split('e');
  return nodes(`${number(Number(digits), 1)} × 10^{${String(Number(power)).replace('-', '−')}}`);
}

export class Inspector {
  #turn = 0;

  /** @param {{stage: import('./stage.js').Stage, model: () => Promise<any>, branch: (change: object, from: number) => void}} given */
  constructor({ stage, model, branch }) {
    Object.assign(this, { stage, model, branch });
    this.root = $('inspector');
    this.root.tabIndex = -1;
    this.root.setAttribute('role', 'group');
    this.root.setAttribute('aria-labelledby', 'inspector-title');
    stage.addEventListener('select', () => this.#choose());
    stage.addEventListener('show', () => {
      if (!this.root.hidden) this.open();
    });
  }

  close() {
    this.#turn++;
    this.root.hidden = true;
    $('notes').hidden = false;
    this.stage.cells.selected = -1;
  }

  /** Shows a chosen token. Moves the focus if the inspector covers the page, or for the keyboard. */
  #choose() {
    const cell = this.stage.cells.cell(this.stage.selected);
    const byKey = cell?.matches(':focus-visible');
    this.open();
    if (narrow.matches || byKey) this.root.focus({ preventScroll: true });
  }

  /** Scrolls the page so that the sheet does not cover the token. */
  #reveal() {
    const cell = this.stage.cells.cell(this.stage.selected);
    if (!narrow.matches || !cell) return;
    const hidden = cell.getBoundingClientRect().bottom - this.root.getBoundingClientRect().top;
    if (hidden > -16) scrollBy({ top: hidden + 64, behavior: stillness.matches ? 'instant' : 'smooth' });
  }

  async open() {
    const { stage } = this;
    const position = stage.selected;
    if (position < 0) return;
    const turn = ++this.#turn;
    const state = stage.state;
    const masked = state.texts[position] === null;
    const opened = state.opened[position];
    const held = stage.run.history.held.includes(position);
    // The evaluation to inspect: the one after this state, or the one that filled in the token.
    const from = masked ? state.index : opened - 1;
    const head = [
      el(
        'div',
        { className: 'inspector-head' },
        el('h3', { id: 'inspector-title' }, t('inspector.title', { position: position + 1, step: state.index })),
        el('button', { type: 'button', className: 'link', on: { click: () => this.leave() } }, t('inspector.close')),
      ),
    ];
    const text = visible(state.texts[position]);
    if (held || opened === 0) {
      this.#fill(head, el('p', {}, t(held ? 'inspector.held' : 'inspector.given', { text })));
      return;
    }
    if (masked && from >= stage.run.history.last) {
      this.#fill(head, el('p', {}, t('inspector.end')));
      return;
    }
    if (this.root.hidden) this.#fill(head, el('p', { className: 'note' }, t('inspector.wait')));
    try {
      const model = await this.model();
      const sigma = stage.run.history.at(from + 1).sigma;
      const found = await this.#ask(model, stage.run, from, { sigma, position });
      found.most = Math.log(model.info.tokens);
      if (turn !== this.#turn) return;
      this.#fill(head, ...this.#body(found, { sigma, masked, text, opened, position, from }));
    } catch (error) {
      if (turn === this.#turn) this.#fill(head, el('p', { className: 'error' }, explain(error)));
    }
  }

  async #ask(model, run, from, { sigma, position }) {
    const { ids } = run.history.at(from);
    const after = run.history.at(from + 2).sigma;
    const {
      positions: [found],
    } = await model.inspect(ids, { sigma, positions: [position], topK: CANDIDATES });
    // Probability that the mask stays in this step, by the reverse transition: 1 − (e^Δσ − 1) Σ scores.
    const next = from + 2 <= run.history.last ? after : 0;
    const stay = Math.max(0, 1 - Math.expm1(sigma - next) * found.scoreSum);
    return { ...found, stay };
  }

  #body(found, { sigma, masked, text, opened, position, from }) {
    const top = Math.max(...found.candidates.map(({ probability }) => probability), Number.MIN_VALUE);
    const bars = found.candidates.map((candidate) => {
      const word = visible(candidate.text);
      const bar = el('span', { className: 'bar', aria: { hidden: 'true' } });
      bar.style.setProperty('--share', String(candidate.probability / top));
      return el(
        'li',
        {},
        el(
          'button',
          {
            type: 'button',
            className: 'candidate',
            title: t('inspector.choose', { text: word }),
            on: {
              click: () =>
                this.branch({ edit: [[position, candidate.id]], texts: [candidate.text] }, masked ? from : opened),
            },
          },
          el('span', { className: 'word' }, word),
          ' ',
          bar,
          el('span', { className: 'figure-number' }, percent(candidate.probability)),
          ' ',
          el('span', { className: 'figure-number' }, ...ratioNodes(candidate.ratio)),
        ),
      );
    });
    return [
      el('p', {}, t(masked ? 'inspector.mask' : 'inspector.open', { text, step: opened, sigma: number(sigma, 2) })),
      el(
        'p',
        { className: 'candidates-head', aria: { hidden: 'true' } },
        ...['word', 'probability', 'ratio'].map((name) => el('span', {}, t(`inspector.${name}`))),
      ),
      el('ol', { className: 'candidates', aria: { label: t('inspector.candidates') } }, ...bars),
      el(
        'dl',
        { className: 'facts' },
        el('dt', {}, t('inspector.entropy')),
        el('dd', {}, t('inspector.entropy.value', { nats: number(found.entropy, 2), most: number(found.most, 1) })),
        el('dt', {}, t('inspector.total')),
        el('dd', {}, ...ratioNodes(found.scoreSum)),
        el('dt', {}, t('inspector.stay')),
        el('dd', {}, percent(found.stay)),
      ),
      masked
        ? el('p', { className: 'note' }, t('inspector.hint'))
        : el(
            'p',
            {},
            el(
              'button',
              {
                type: 'button',
                on: { click: () => this.branch({ edit: [[position, null]], texts: [null] }, opened) },
              },
              t('inspector.remask'),
            ),
          ),
    ];
  }

  #fill(head, ...body) {
    const focused = this.root.contains(document.activeElement);
    this.root.replaceChildren(...head, ...body);
    if (focused) this.root.focus({ preventScroll: true });
    this.root.hidden = false;
    $('notes').hidden = !narrow.matches; // the sheet covers them
    this.#reveal();
  }

  /** Closes the inspector and returns the focus to the token. */
  leave() {
    const position = this.stage.selected;
    this.close();
    this.stage.cells.cell(position)?.focus();
  }
}
