/** The tree of runs: a line over the steps for each, leaving its parent where it was changed; and the form that branches. */
import { $, el } from './dom.js';
import { readNumber } from './recipe.js';
import { number, t } from './text.js';
import { visible } from './inspector.js';

/** What a run is called: by what was changed. */
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
  /** @param {{runs: import('./runs.js').Runs, stage: import('./stage.js').Stage, branch: (change: object, from: number) => void, complain: (text: string) => void}} given */
  constructor({ runs, stage, branch, complain }) {
    Object.assign(this, { runs, stage, branch, complain });
    this.rows = el('ol', { className: 'tree' });
    this.form = this.#form();
    $('tree-view').append(this.rows, this.form);
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

  #mark() {
    const { current, list } = this.runs;
    if (!current) return;
    const longest = Math.max(1, ...list.map((run) => run.total ?? run.history.last));
    for (const now of this.rows.querySelectorAll('[aria-current="true"] .now'))
      now.style.setProperty('--at', String(this.stage.index / longest));
    this.from.textContent = t('tree.continue', { step: this.stage.index });
  }

  #form() {
    this.from = el('span', {});
    this.seed = el('input', {
      type: 'text',
      name: 'branch-seed',
      inputMode: 'numeric',
      value: '2',
      autocomplete: 'off',
      aria: { label: t('name.seed') },
    });
    this.temperature = el('input', {
      type: 'text',
      name: 'branch-temperature',
      inputMode: 'decimal',
      value: '0.8',
      autocomplete: 'off',
      aria: { label: t('name.temperature') },
    });
    for (const input of [this.seed, this.temperature]) {
      const fit = () => input.style.setProperty('--digits', String(Math.max(1, input.value.length)));
      input.addEventListener('input', fit);
      fit();
    }
    this.forget = el(
      'button',
      { type: 'button', className: 'link', on: { click: () => this.runs.keep(this.runs.current) } },
      t('tree.delete'),
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
    );
  }

  #branch() {
    try {
      const seed = readNumber('seed', this.seed.value);
      const temperature = readNumber('temperature', this.temperature.value);
      const { options } = this.runs.current;
      const change = {
        ...(seed !== options.seed && { seed }),
        ...(temperature !== options.temperature && { temperature }),
      };
      if (Object.keys(change).length === 0) change.seed = seed;
      this.complain('');
      this.branch(change, Math.min(this.stage.index, Math.max(this.runs.current.history.last - 1, 0)));
    } catch (error) {
      this.complain(error.message);
    }
  }
}
