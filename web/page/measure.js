/** Figure 5 shows the comparison by fixed rules (web/client/compare.js) as chart, table and a few sentences. */
import { SeddError, compare, report } from '../client.js';
import { deviceChoice, deviceNote } from './device.js';
import { $, el } from './dom.js';
import { FormError, about } from './form-error.js';
import { numberField } from './number-field.js';
import { FIELDS, modelChoice, offerModel, readNumber } from './recipe.js';
import { explain, millis, nodes, number, t } from './text.js';

const STEPS = '4, 8, 16, 32, 64';
const ROUNDS = '10';

/** Reads a typed list of step counts. */
function readSteps(typed) {
  const parts = typed.split(/[\s,，、]+/).filter(Boolean);
  if (parts.length === 0 || parts.length > 12)
    throw about(new SeddError('argument', t('measure.steps.wrong')), 'steps');
  return [...new Set(parts.map((part) => readNumber('steps', part)))].sort((a, b) => a - b);
}

/** Returns an end of an interval as text. Beyond the largest number of steps, only that much is known. */
const atMost = (steps) =>
  steps > FIELDS.steps.high ? t('measure.beyond', { steps: number(FIELDS.steps.high) }) : number(steps, 1);

class Measure {
  #abort = null;
  /** @type {Map<string, number>} break-even steps by the device that was measured */ #breakEven = new Map();

  constructor(page) {
    this.page = page;
    const asked = new URLSearchParams(location.search);
    const field = (name, value, kind) => numberField({ name, label: t(name), value, kind });
    this.model = modelChoice('measure.model', page.models.choices);
    if (asked.get('model') === 'sedd-nano') this.model.value = 'sedd-nano';
    page.addEventListener('model', ({ detail }) => offerModel(this.model, detail));
    this.device = deviceChoice('measure-device');
    this.steps = field('measure.steps', (asked.get('measure') ?? STEPS).slice(0, 80), 'text');
    this.rounds = field('measure.rounds', (asked.get('rounds') ?? ROUNDS).slice(0, 8), 'numeric');
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
    const place = el('p', { id: 'measure-error', className: 'error', role: 'alert' });
    this.wrong = new FormError(
      place,
      () => this.#read(),
      (name) => this[name],
    );
    for (const input of [this.steps, this.rounds]) input.addEventListener('input', () => this.wrong.recheck());
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
        this.device,
        el('span', {}, `${t('measure.steps')} `, this.steps),
        el('span', {}, `${t('measure.rounds')} `, this.rounds),
      ),
      place,
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
    let asked;
    try {
      asked = this.#read();
      this.wrong.clear();
    } catch (error) {
      this.wrong.show(error);
      return;
    }
    this.#abort = new AbortController();
    this.go.textContent = t('measure.stop');
    try {
      this.#remember();
      const { models } = this.page;
      const [sedd, gpt2] = await models.pair(this.model.value, this.device.value);
      this.note = deviceNote(sedd, this.device.value) || deviceNote(gpt2, this.device.value);
      const card = await models.card(this.model.value);
      const twin = models.twin === 'gpt2-nano' ? card?.twin : undefined; // a card has figures only for its own twin
      const comparison = compare(sedd, gpt2, {
        ...asked,
        length: Math.min(sedd.info.length, gpt2.info.length),
        quality: card ? { ...card, twin } : undefined,
        signal: this.#abort.signal,
      });
      for await (const { round, rounds: total } of comparison)
        this.say.textContent = t('measure.progress', { done: round + 1, total });
      this.result = await comparison.result;
      this.#breakEven.set(sedd.device.kind, this.result.breakEven.steps);
      await this.#show(card);
    } catch (error) {
      this.say.textContent =
        error.name === 'AbortError' ? t('stopped') : t('measure.failed', { reason: explain(error) });
    } finally {
      this.#abort = null;
      this.go.textContent = t(this.result ? 'measure.again' : 'measure.start');
    }
  }

  #read() {
    return { steps: readSteps(this.steps.value), rounds: readNumber('rounds', this.rounds.value) };
  }

  /** Writes the parameters into the address, so that a link measures the same. */
  #remember() {
    const url = new URL(location.href);
    url.searchParams.set('model', this.model.value);
    url.searchParams.set('measure', this.steps.value.replace(/\s+/g, ''));
    url.searchParams.set('rounds', this.rounds.value.trim());
    history.replaceState(null, '', url);
  }

  /**
   * Returns sentences that tell which model is faster, up to how many steps, and at what cost in quality.
   * @returns {string[]}
   */
  #findings(card) {
    const { gpt2, breakEven } = this.result;
    const { steps, low, high } = breakEven;
    if (steps < 1) return [t('measure.breakeven.none'), t('verdict.gpt2')];
    const most = Math.floor(steps);
    // The quality at the largest number of steps that is faster, or at the smallest that was judged.
    const judged = card?.steps ?? [];
    const written = judged.filter((row) => row.steps <= steps).at(-1) ?? judged[0];
    const values = { most, steps: written?.steps, ppl: '', twin: '' };
    let quality = 'unknown';
    if (written && gpt2.quality) {
      quality = written.ppl > gpt2.quality.ppl ? 'worse' : 'good';
      values.ppl = number(written.ppl, 1);
      values.twin = number(gpt2.quality.ppl, 1);
    }
    return [
      t(`verdict.${quality}`, values),
      t('measure.breakeven', { steps: number(steps, 1), low: number(low, 1), high: atMost(high) }),
      t('verdict.why'),
    ];
  }

  /** Returns a sentence on the break-even of both devices, once both were measured. */
  #devices() {
    const [wasm, webgpu] = ['wasm', 'webgpu'].map((kind) => this.#breakEven.get(kind));
    return wasm === undefined || webgpu === undefined
      ? ''
      : t('measure.devices', { wasm: number(wasm, 1), webgpu: number(webgpu, 1) });
  }

  async #show(card) {
    const { result } = this;
    this.verdict.textContent = [...this.#findings(card), this.#devices(), this.note].filter(Boolean).join(' ');
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
            ? `${t('measure.explain')} ${t('measure.quality', { texts: card.measured?.texts, judge: card.measured?.judge })}`
            : `${t('measure.explain')} ${t('measure.no-card')}`,
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

  /** Makes a table of medians with their middle halves, narrow enough for phones. */
  #table(card) {
    const columns = ['steps', 'ms', 'each', ...(card ? ['ppl', 'entropy'] : [])];
    const row = (name, data, each, className) => {
      const { quality } = data;
      const cells = [
        [millis(data.medianMs), el('small', {}, `${millis(data.q1Ms)} – ${millis(data.q3Ms)}`)],
        [millis(each)],
        ...(card ? [[quality ? number(quality.ppl, 1) : '–'], [quality ? number(quality.entropy, 2) : '–']] : []),
      ];
      return el(
        'tr',
        { className },
        el('th', { scope: 'row' }, name),
        ...cells.map((content) => el('td', {}, ...content)),
      );
    };
    return el(
      'table',
      {},
      el('thead', {}, el('tr', {}, ...columns.map((name) => el('th', { scope: 'col' }, t(`measure.columns.${name}`))))),
      el(
        'tbody',
        {},
        ...this.result.sedd.map((data) => row(number(data.steps), data, data.perStepMs, 'is-sedd')),
        row(t('measure.gpt2'), this.result.gpt2, this.result.gpt2.perTokenMs, 'is-twin'),
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
