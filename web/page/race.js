/**
 * Figure 4 runs SEDD and its GPT-2 twin side by side, each in its own worker with one thread (on a device with one
 * core, one after the other). Both run at full speed. The page then shows both recordings, slowed down so that the eye
 * can follow.
 */
import { Cells } from '../view/cells.js';
import { History } from '../view/history.js';
import { deviceChoice, deviceNote } from './device.js';
import { $, el, stillness } from './dom.js';
import { numberField, setNumber } from './number-field.js';
import { modelChoice, offerModel, readNumber } from './recipe.js';
import { settingsOf } from './settings.js';
import { explain, millis, number, t } from './text.js';

const SHOW_MS = 9000; // ms of the slower one, in slow motion
const BEGINNING = 'Once upon a time';

class Race {
  #abort = null;
  #turn = 0;

  constructor(page) {
    this.page = page;
    this.steps = numberField({ name: 'race-steps', label: t('race.steps') });
    this.model = modelChoice('race-model', page.models.choices, ({ steps }) => setNumber(this.steps, steps));
    page.addEventListener('model', ({ detail }) => offerModel(this.model, detail));
    this.device = deviceChoice('race-device', ['wasm', 'webgpu', 'across']);
    this.slow = el('input', { type: 'checkbox', checked: !stillness.matches });
    this.go = el(
      'button',
      {
        type: 'button',
        id: 'race-start',
        className: 'primary',
        on: { click: () => (this.#abort ? this.#abort.abort() : this.start()) },
      },
      t('race.start'),
    );
    this.say = el('p', { className: 'status', role: 'status' });
    this.lanes = { sedd: this.#lane('race.sedd'), twin: this.#lane('race.twin') };
    $('race-view').append(
      el(
        'div',
        { className: 'toolbar recipe' },
        this.go,
        this.model,
        el('span', {}, `${t('race.steps')} `, this.steps),
        this.device,
        el('label', { className: 'check' }, this.slow, t('race.slow')),
      ),
      el('div', { className: 'pair' }, this.lanes.sedd.element, this.lanes.twin.element),
      this.say,
    );
  }

  #lane(key) {
    const cells = new Cells({ layout: 'text', words: { label: t(key), masked: t('cell.mask') } });
    const clock = el('span', { className: 'clock' }, t('race.clock', { ms: millis(0) }));
    const count = el('span', { className: 'note' });
    return {
      cells,
      clock,
      count,
      element: el(
        'section',
        { className: key === 'race.twin' ? 'is-twin' : 'is-sedd' },
        el('h3', {}, t(key)),
        el('p', { className: 'measure' }, clock, ' ', count),
        cells.element,
      ),
    };
  }

  async start() {
    if (!this.page.live) {
      this.say.textContent = t('needs-model');
      return;
    }
    const turn = ++this.#turn;
    this.#abort = new AbortController();
    this.go.textContent = t('race.stop');
    try {
      const steps = readNumber('steps', this.steps.value);
      const across = this.device.value === 'across';
      const device = across ? 'webgpu' : this.device.value;
      const [sedd, gpt2] = await this.page.models.pair(this.model.value, device, across ? 'wasm' : device);
      const { temperature, topP, topK } = settingsOf(sedd); // the same for both
      const given = {
        sedd,
        gpt2,
        steps,
        drawing: { temperature, topP, topK },
        signal: this.#abort.signal,
        length: sedd.info.length,
        ids: await gpt2.tokenize(BEGINNING),
      };
      const parallel = (navigator.hardwareConcurrency ?? 1) > 1;
      this.say.textContent = t(parallel ? 'race.parallel' : 'race.turns');
      const first = this.#denoise(given);
      const [left, right] = parallel
        ? await Promise.all([first, this.#decode(given)])
        : [await first, await this.#decode(given)];
      if (turn === this.#turn) await this.#show(left, right, turn);
      if (turn !== this.#turn) return;
      const ratio = left.ms / right.ms;
      this.say.textContent = `${t(parallel ? 'race.parallel' : 'race.turns')} ${
        ratio > 1
          ? t('race.gpt', { ratio: number(ratio, ratio < 10 ? 1 : 0), steps })
          : t('race.win', { ratio: number(1 / ratio, 1), steps })
      } ${deviceNote(sedd, device) || deviceNote(gpt2, across ? 'wasm' : device)}`.trim();
    } catch (error) {
      this.say.textContent = explain(error);
    } finally {
      this.#abort = null;
      this.go.textContent = t('race.start');
    }
  }

  /** Runs SEDD. Returns a recording: its states with their times, and the total time. */
  async #denoise({ sedd, steps, length, drawing, signal, ids }) {
    const begin = performance.now();
    const times = [];
    let history;
    const run = sedd.sample({
      clamp: ids.ids.map((id, i) => [i, id]),
      length,
      steps,
      seed: 1,
      ...drawing,
      signal,
    });
    for await (const event of run) {
      if (event.start) history = new History(event);
      else history.add(event);
      times.push(performance.now() - begin);
    }
    return { history, times, ms: times.at(-1), said: t('race.sedd.done', { count: number(history.last) }) };
  }

  async #decode({ gpt2, length, drawing, signal, ids }) {
    const begin = performance.now();
    const tokens = length - ids.ids.length;
    const blank = Array.from({ length: tokens }, () => null);
    const history = new History({
      ids: [...ids.ids, ...blank.map(() => -1)],
      texts: [...ids.texts, ...blank],
      held: ids.ids.map((_, i) => i),
    });
    const times = [0];
    const run = gpt2.generate({ prompt: BEGINNING, tokens, seed: 1, ...drawing, signal });
    for await (const { index, id, text } of run) {
      history.add({ step: index + 1, sigma: 0, positions: [ids.ids.length + index], ids: [id], texts: [text ?? ''] });
      times.push(performance.now() - begin);
    }
    return { history, times, ms: times.at(-1), said: t('race.twin.done', { count: number(tokens) }) };
  }

  #show(left, right, turn) {
    const lanes = [
      [this.lanes.sedd, left],
      [this.lanes.twin, right],
    ];
    for (const [{ cells }, { history }] of lanes)
      cells.open(history.at(0), { held: history.held, finals: history.finals });
    const whole = Math.max(left.ms, right.ms);
    const factor = this.slow.checked && !stillness.matches ? Math.max(1, SHOW_MS / whole) : 0; // 0: show the end at once
    if (factor > 1) this.say.textContent = t('race.slow.note', { factor: `1/${number(factor)}` });
    const begin = performance.now();
    return new Promise((resolve) => {
      const frame = (now) => {
        const real = factor ? (now - begin) / factor : whole;
        for (const [lane, { history, times, ms, said }] of lanes) {
          const done = real >= ms;
          let index = times.findIndex((time) => time > real);
          if (index < 0 || done) index = times.length;
          lane.cells.show(history.at(Math.min(index - 1, history.last)));
          lane.clock.textContent = t('race.clock', { ms: millis(Math.min(real, ms)) });
          lane.count.textContent = done ? said : '';
        }
        if (real < whole && turn === this.#turn && !this.#abort?.signal.aborted) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame(frame);
    });
  }
}

export const mount = (page) => {
  new Race(page);
};
