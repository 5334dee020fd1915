/**
 * The tree of runs, with a line over the steps for each run, which leaves its parent's line where it branched; and the
 * form that branches.
 */
import { $, el } from './dom.js';
import { FormError } from './form-error.js';
import { numberField, setNumber } from './number-field.js';
import { readNumber } from './recipe.js';
import { number, t } from './text.js';
import { visible } from './inspector.js';

/** Returns the name of a run, which tells its change. */
export function nameOf(run) {
  const { edit = [], texts = [], seed, temperature } = run.change;
  if (!run.parent) return t('tree.root', { seed: run.options.seed });
  const parts = edit.map(([position, id], i) =>
    id === null
      ? t('tree.remask', { position: position + 1 })
      : t('tree.token', { text: visible(texts[i]), position: position + 1 }),
  );
  if (seed !== undefined) parts.push(t('tree.seed', { seed }));
  if (temperature !== undefined) parts.push(t('tree.temperature', { temperature: number(temperature, 2) }));
  return parts.join(', ');
}

export class Tree {
  #shown = null; // the run that the form's defaults are for

  /** @param {{runs: import('./runs.js').Runs, stage: import('./stage.js').Stage, branch: (change: object, from: number) => void}} given */
  constructor({ runs, stage, branch }) {
    Object.assign(this, { runs, stage, branch });
    this.rows = el('ol', { className: 'tree' });
    this.form = this.#form();
    const place = el('p', { id: 'branch-error', className: 'error', role: 'alert' });
    this.wrong = new FormError(
      place,
      () => this.#read(),
      (name) => this[name],
    );
    this.form.addEventListener('input', () => this.wrong.recheck());
    $('tree-view').append(this.rows, this.form, place);
    runs.addEventListener('change', () => this.draw());
    stage.addEventListener('show', () => this.#mark());
    this.draw();
  }

  draw() {
    const { list, current } = this.runs;
    const longest = Math.max(1, ...list.map((run) => run.total ?? run.history.last));
    const focused = this.rows.contains(document.activeElement);
    this.rows.replaceChildren(...list.map((run, row) => this.#row(run, row, { current, list, longest })));
    if (focused) this.rows.querySelector('[aria-current="true"]')?.focus();
    this.form.hidden = list.length === 0;
    this.forget.hidden = list.length < 2;
    this.undo.hidden = this.runs.forgotten.length === 0;
    this.undo.textContent = t('tree.restore', { count: this.runs.forgotten.length });
    if (current && current !== this.#shown) this.#propose(current);
    this.#mark();
  }

  #row(run, row, { current, list, longest }) {
    const differences = run.parent && run.done ? run.differences.length : null;
    const line = el('span', { className: 'line', aria: { hidden: 'true' } });
    line.style.setProperty('--from', String(run.from / longest));
    line.style.setProperty('--to', String(Math.max(run.history.last, run.from) / longest));
    if (run.parent) line.style.setProperty('--rise', String(row - list.indexOf(run.parent)));
    const facts = [
      run.parent && t('tree.from', { step: run.from }),
      run.origin !== 'live' && t(`origin.${run.origin}`),
      differences !== null && (differences ? t('tree.differs', { count: differences }) : t('tree.same')),
    ];
    const label = el(
      'span',
      { className: 'label' },
      nameOf(run),
      el(
        'span',
        {},
        facts
          .filter(Boolean)
          .map((fact) => ` · ${fact}`)
          .join(''),
      ),
    );
    label.style.setProperty('--inset', `${Math.min(run.parent ? run.from / longest : 0, 0.4) * 100}%`);
    return el(
      'li',
      {},
      el(
        'button',
        {
          type: 'button',
          className: run.parent ? 'branch' : 'root',
          aria: { current: String(run === current) },
          on: {
            click: () => {
              this.runs.choose(run);
              this.stage.open(run, { index: run.parent ? Math.min(run.from, run.history.last) : run.history.last });
            },
          },
        },
        label,
        line,
        el('span', { className: 'now', aria: { hidden: 'true' } }),
      ),
    );
  }

  /** Proposes the next seed for a branch. */
  #propose(run) {
    this.#shown = run;
    setNumber(this.seed, BigInt.asUintN(64, BigInt(run.options.seed) + 1n));
    setNumber(this.temperature, run.options.temperature);
    this.wrong.clear();
  }

  /**
   * Returns the state at which a branch starts: the shown one, or the middle of the run if that is its first or last.
   */
  get #start() {
    const { last } = this.runs.current.history;
    const { index } = this.stage;
    return index > 0 && index < last ? index : Math.floor(last / 2);
  }

  #mark() {
    const { current, list } = this.runs;
    if (!current) return;
    const longest = Math.max(1, ...list.map((run) => run.total ?? run.history.last));
    for (const now of this.rows.querySelectorAll('[aria-current="true"] .now'))
      now.style.setProperty('--at', String(this.stage.index / longest));
    this.from.textContent = t('tree.continue', { step: this.#start });
  }

  #form() {
    this.from = el('span', {});
    this.seed = numberField({ name: 'branch-seed', label: t('name.seed') });
    this.temperature = numberField({ name: 'branch-temperature', label: t('name.temperature'), kind: 'decimal' });
    const link = (text, act, next) =>
      el(
        'button',
        {
          type: 'button',
          className: 'link',
          on: {
            click: () => {
              act();
              next().focus(); // the pressed button has disappeared
            },
          },
        },
        text,
      );
    this.forget = link(
      t('tree.delete'),
      () => this.runs.keep(this.runs.current),
      () => this.undo,
    );
    this.undo = link(
      '',
      () => this.runs.restore(),
      () => this.forget,
    );
    return el(
      'form',
      {
        className: 'recipe',
        noValidate: true,
        on: {
          submit: (event) => {
            event.preventDefault();
            this.#branch();
          },
        },
      },
      this.from,
      ' ',
      t('tree.seed.label'),
      ' ',
      this.seed,
      ', ',
      t('tree.temperature.label'),
      ' ',
      this.temperature,
      ' ',
      el('button', { type: 'submit', id: 'branch' }, t('tree.go')),
      ' ',
      this.forget,
      ' ',
      this.undo,
    );
  }

  #read() {
    return {
      seed: readNumber('seed', this.seed.value),
      temperature: readNumber('temperature', this.temperature.value),
    };
  }

  #branch() {
    try {
      const { seed, temperature } = this.#read();
      const { options } = this.runs.current;
      const change = {
        ...(seed !== options.seed && { seed }),
        ...(temperature !== options.temperature && { temperature }),
      };
      if (Object.keys(change).length === 0) change.seed = seed;
      this.wrong.clear();
      this.branch(change, this.#start);
    } catch (error) {
      this.wrong.show(error);
    }
  }
}
