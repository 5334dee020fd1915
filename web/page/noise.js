/**
 * Figure 3 shows the forward process on the reader's own sentence. Each token keeps one random number, so moving the
 * slider hides and shows the same tokens in the same order. The model then denoises from exactly this noise level.
 */
import { Cells } from '../view/cells.js';
import { History } from '../view/history.js';
import { $, el, stillness } from './dom.js';
import { explain, millis, number, t } from './text.js';

const STEPS = 64;
const EPS = 1e-3; // of the log-linear schedule
const REPLAY_MS = 1800;

/** Returns the random number in [0, 1) of a position. */
export function chance(position) {
  let x = Math.imul(position + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

/** Returns the positions that are masked at time t. */
export const hidden = (length, time) => Array.from({ length }, (_, i) => i).filter((i) => chance(i) < (1 - EPS) * time);

class Noise {
  #turn = 0;

  constructor(page) {
    this.page = page;
    this.cells = new Cells({ layout: 'text', words: { label: t('noise.input'), masked: t('cell.mask') } });
    this.field = el('textarea', {
      id: 'noise-text',
      rows: 2,
      dir: 'auto',
      maxLength: 2000,
      spellcheck: false,
      value: t('noise.default'),
      on: { input: () => this.read() },
    });
    this.slider = el('input', {
      type: 'range',
      min: '0',
      max: '1',
      step: '0.005',
      value: '0.5',
      aria: { label: t('noise.slider') },
      on: { input: () => this.show() },
    });
    this.state = el('p', { className: 'status' });
    this.result = el('p', { className: 'status', role: 'status' });
    this.go = el('button', { type: 'button', on: { click: () => this.denoise() } }, t('noise.denoise'));
    this.back = el('button', { type: 'button', hidden: true, on: { click: () => this.show() } }, t('noise.back'));
    $('noise-view').append(
      el('label', { htmlFor: 'noise-text' }, t('noise.input')),
      this.field,
      el('div', { className: 'noise-cells' }, this.cells.element),
      this.slider,
      el(
        'div',
        { className: 'ends', aria: { hidden: 'true' } },
        ...['clean', 'masked'].map((end) => el('span', {}, t(`noise.${end}`))),
      ),
      this.state,
      el('div', { className: 'toolbar' }, this.go, this.back),
      this.result,
    );
    this.read();
  }

  /** Returns the tokens of the sentence, or its words before the model is loaded. */
  async read() {
    const turn = ++this.#turn;
    const text = this.field.value;
    const known = this.page.live ? await this.page.editor.tokenizer.tokens(text).catch(() => null) : null;
    if (turn !== this.#turn) return;
    const texts = known?.texts ?? text.match(/\s*\S+/g) ?? [];
    const most = known ? this.page.model.info.length : texts.length;
    this.ids = known?.ids.slice(0, most);
    this.texts = texts.slice(0, most);
    this.result.textContent =
      texts.length > most ? t('noise.long', { count: number(texts.length), length: number(most) }) : '';
    this.cells.open(this.#state([]), { finals: this.texts });
    this.show();
  }

  #state(masked) {
    const gone = new Set(masked);
    return {
      index: 1,
      step: 0,
      sigma: null,
      masked: gone.size,
      ids: this.ids ?? [],
      texts: this.texts.map((text, i) => (gone.has(i) ? null : text)),
      opened: this.texts.map((_, i) => (gone.has(i) ? -1 : 0)),
      changed: [],
      confidence: this.texts.map(() => null),
    };
  }

  get time() {
    return Number(this.slider.value);
  }

  show() {
    this.#turn++;
    const masked = hidden(this.texts.length, this.time);
    if (!this.back.hidden) {
      this.back.hidden = true;
      this.cells.open(this.#state(masked), { finals: this.texts });
      this.result.textContent = '';
    } else this.cells.show(this.#state(masked));
    const words = t('noise.state', {
      t: number(this.time, 2),
      sigma: number(-Math.log1p(-(1 - EPS) * this.time), 2),
      masked: number(masked.length),
      length: number(this.texts.length),
    });
    this.state.textContent = words;
    this.slider.setAttribute('aria-valuetext', words);
  }

  /** Denoises by the model, from the same noise level. */
  async denoise() {
    const masked = hidden(this.texts.length, this.time);
    const problem =
      this.texts.length === 0
        ? 'noise.empty'
        : !this.page.live
          ? 'needs-model'
          : masked.length === 0
            ? 'noise.none'
            : '';
    if (problem) {
      this.result.textContent = t(problem);
      return;
    }
    if (!this.ids) await this.read();
    const turn = ++this.#turn;
    this.go.disabled = true;
    try {
      const { model } = this.page;
      const gone = new Set(masked);
      const ids = this.ids.map((id, i) => (gone.has(i) ? model.info.maskId : id));
      const position = Math.min(Math.round((1 - this.time) * STEPS), STEPS - 1);
      const run = model.resume({
        position,
        ids,
        options: { length: ids.length, steps: STEPS, seed: 1, temperature: 0.8, topP: 0.9 },
      });
      let history;
      for await (const event of run) {
        if (event.start) history = new History({ ...event, held: [] });
        else history.add(event);
      }
      const { timings } = await run.result;
      if (turn !== this.#turn) return;
      await this.#replay(history, turn);
      const same = masked.filter((i) => history.finals[i] === this.texts[i]).length;
      this.result.textContent = t('noise.result', {
        same: number(same),
        count: number(masked.length),
        ms: millis(timings.totalMs),
      });
      this.back.hidden = false;
    } catch (error) {
      this.result.textContent = explain(error);
    } finally {
      this.go.disabled = false;
    }
  }

  #replay(history, turn) {
    this.cells.open(history.at(0), { finals: history.finals });
    const begin = performance.now();
    return new Promise((resolve) => {
      const frame = (now) => {
        const share = stillness.matches ? 1 : Math.min((now - begin) / REPLAY_MS, 1);
        if (turn === this.#turn) this.cells.show(history.at(Math.round(share * history.last)));
        if (share < 1 && turn === this.#turn) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame(frame);
    });
  }
}

export function mount(page) {
  const noise = new Noise(page);
  page.addEventListener('live', () => noise.read());
}
