/** Figure 5: the comparison by fixed rules (web/client/compare.js), as chart, table and one plain sentence. */
import { SeddError, compare, report } from '../client.js';
import { $, el } from './dom.js';
import { modelChoice, readNumber } from './recipe.js';
import { explain, millis, nodes, number, t } from './text.js';

const STEPS = '4, 8, 16, 32, 64';
const ROUNDS = '10';

/** A list of step counts as typed. */
function readSteps(typed) {
  const parts = typed.split(/[\s,，、]+/).filter(Boolean);
  if (parts.length === 0 || parts.length > 12) throw new SeddError('argument', t('measure.steps.wrong'));
  return [...new Set(parts.map((part) => readNumber('steps', part)))].sort((a, b) => a - b);
}

class Measure {
  #abort = null;

  constructor(page) {
    this.page = page;
    const asked = new URLSearchParams(location.search);
    const field = (name, value) => {
      const input = el('input', { type: 'text', name, value, autocomplete: 'off', aria: { label: t(name) } });
      const fit = () => input.style.setProperty('--digits', String(Math.max(1, input.value.length)));
      input.addEventListener('input', fit);
      fit();
      return input;
    };
    this.model = modelChoice('measure.model', page.models.choices);
    if (asked.get('model') === 'sedd-nano') this.model.value = 'sedd-nano';
    this.steps = field('measure.steps', (asked.get('measure') ?? STEPS).slice(0, 80));
    this.rounds = field('measure.rounds', (asked.get('rounds') ?? ROUNDS).slice(0, 8));
    this.go = el(
      'button',
      {
        type: 'button',
        id: 'measure-start',
        className: 'primary',
        on: { click: () => (this.#abort ? this.#abort.abort() : this.start()) },
      },
      t('measure.start'),
    );
    this.say = el('p', { className: 'status', role: 'status' });
    this.verdict = el('p', { className: 'verdict' });
    this.chart = el('div', { className: 'chart', role: 'img', hidden: true, aria: { label: t('measure.chart') } });
    this.table = el('div', { className: 'scroll' });
    this.copies = el(
      'div',
      { className: 'toolbar quiet', hidden: true },
      ...['markdown', 'json', 'csv'].map((format) =>
        el('button', { type: 'button', on: { click: () => this.#copy(format) } }, t(`measure.${format}`)),
      ),
    );
    $('measure-view').append(
      el(
        'div',
        { className: 'toolbar recipe' },
        this.go,
        this.model,
        el('span', {}, `${t('measure.steps')} `, this.steps),
        el('span', {}, `${t('measure.rounds')} `, this.rounds),
      ),
      this.say,
      this.chart,
      this.verdict,
      this.table,
      this.copies,
    );
  }

  async start() {
    if (!this.page.live) {
      this.say.textContent = t('needs-model');
      return;
    }
    this.#abort = new AbortController();
    this.go.textContent = t('measure.stop');
    try {
      const steps = readSteps(this.steps.value);
      const rounds = readNumber('rounds', this.rounds.value);
      this.#remember();
      const [sedd, gpt2] = await Promise.all([
        this.page.models.get(this.model.value),
        this.page.models.get('gpt2-nano'),
      ]);
      const card = await this.page.models.card(this.model.value);
      const comparison = compare(sedd, gpt2, {
        steps,
        rounds,
        length: sedd.info.length,
        quality: card ?? undefined,
        signal: this.#abort.signal,
      });
      for await (const { round, rounds: total } of comparison)
        this.say.textContent = t('measure.progress', { done: round + 1, total });
      this.result = await comparison.result;
      await this.#show(card);
    } catch (error) {
      this.say.textContent =
        error.name === 'AbortError' ? t('stopped') : t('measure.failed', { reason: explain(error) });
    } finally {
      this.#abort = null;
      this.go.textContent = t(this.result ? 'measure.again' : 'measure.start');
    }
  }

  /** The parameters go into the address, so that a link measures the same. */
  #remember() {
    const url = new URL(location.href);
    url.searchParams.set('model', this.model.value);
    url.searchParams.set('measure', this.steps.value.replace(/\s+/g, ''));
    url.searchParams.set('rounds', this.rounds.value.trim());
    history.replaceState(null, '', url);
  }

  async #show(card) {
    const { result } = this;
    const { steps, low, high } = result.breakEven;
    const star =
      steps < 1
        ? t('measure.breakeven.none')
        : t('measure.breakeven', { steps: number(steps, 1), low: number(low, 1), high: number(high, 1) });
    const fast = result.sedd.filter((row) => row.medianMs < result.gpt2.medianMs).at(-1);
    const winner = fast
      ? t('verdict.sedd', { steps: number(Math.floor(steps)) })
      : t('verdict.gpt2', { steps: number(Math.max(1, Math.floor(steps))) });
    this.verdict.textContent = `${star} ${winner}`;
    this.say.textContent =
      [
        ...(result.valid ? [] : [t('measure.invalid'), ...result.reasons]),
        ...(result.nonDefault.length ? [t('measure.changed', { names: result.nonDefault.join(', ') })] : []),
      ].join(' ') || t('measure.done', { rounds: result.gpt2.rawMs.length });
    this.table.replaceChildren(
      this.#table(card),
      el(
        'p',
        { className: 'note' },
        ...nodes(
          card
            ? t('measure.quality', { texts: card.measured?.texts, judge: card.measured?.judge })
            : t('measure.no-card'),
        ),
      ),
    );
    this.copies.hidden = false;
    this.chart.replaceChildren();
    this.chart.hidden = false;
    try {
      const { drawChart } = await import('./chart.js');
      await drawChart(this.chart, result);
    } catch (error) {
      this.chart.hidden = true;
      this.say.textContent = t('measure.no-chart', { reason: error.message });
    }
  }

  #table(card) {
    const columns = ['steps', 'ms', 'range', 'each', ...(card ? ['ppl', 'entropy'] : [])];
    const row = (name, data, each, quality, className) =>
      el(
        'tr',
        { className },
        el('th', { scope: 'row' }, name),
        ...[
          millis(data.medianMs),
          `${millis(data.q1Ms)} – ${millis(data.q3Ms)}`,
          millis(each),
          ...(card ? [quality ? number(quality.ppl, 1) : '–', quality ? number(quality.entropy, 2) : '–'] : []),
        ].map((cell) => el('td', {}, cell)),
      );
    return el(
      'table',
      {},
      el('thead', {}, el('tr', {}, ...columns.map((name) => el('th', { scope: 'col' }, t(`measure.columns.${name}`))))),
      el(
        'tbody',
        {},
        ...this.result.sedd.map((data) => row(number(data.steps), data, data.perStepMs, data.quality, 'is-sedd')),
        row(t('measure.gpt2'), this.result.gpt2, this.result.gpt2.perTokenMs, this.result.gpt2.quality, 'is-twin'),
      ),
    );
  }

  async #copy(format) {
    const text = report(this.result, format);
    try {
      await navigator.clipboard.writeText(text);
      this.say.textContent = t('measure.copied');
    } catch {
      this.table.append(
        el('textarea', { readOnly: true, rows: 8, value: text, aria: { label: t(`measure.${format}`) } }),
      );
      this.say.textContent = t('measure.shown');
    }
  }
}

export const mount = (page) => {
  new Measure(page);
};
