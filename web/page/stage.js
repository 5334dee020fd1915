/**
 * Figure 1 shows the cells of a run, its timeline and its sheet, and updates the numbers in the text beside them. The
 * run may be recorded or still in progress. A run in progress is shown slowly enough to follow: the engine runs at full
 * speed, and its steps appear over a few seconds.
 */
import { Cells } from '../view/cells.js';
import { adopt } from '../view/theme.js';
import { $, stillness } from './dom.js';
import { LiveTimeline } from './live-timeline.js';
import { live, number, t } from './text.js';

const ANNOUNCE_MS = 3000;
export const SHOW_MS = 4000; // ms of a live run, from the first step to the last

export class Stage extends EventTarget {
  #frame = 0;
  #said = 0;
  /**
   * The live run that is being shown, or null. `due` is the number of steps that may be visible.
   * @type {{due: number, since: number, held: boolean, at: number, end: () => void}|null}
   */
  #show = null;
  #writer = null;
  #differences = [];
  equal = false;
  /** All steps on one sheet, once the reader has opened it. @type {import('../view/sheet.js').Sheet|null} */
  sheet = null;

  constructor() {
    super();
    adopt(document);
    this.run = null;
    this.cells = new Cells({
      selectable: true,
      words: {
        label: t('stage.cells'),
        masked: t('cell.mask'),
        hole: t('cell.hole'),
        held: (text) => t('cell.held', { text }),
        fresh: (text) => t('cell.new', { text }),
        space: t('cell.space'),
        lineBreak: t('cell.break'),
      },
    });
    this.timeline = new LiveTimeline({
      showing: () => this.#show?.at === this.index,
      onShow: (state) => this.#draw(state),
      words: {
        label: t('timeline'),
        play: t('timeline.play'),
        pause: t('timeline.pause'),
        back: t('timeline.back'),
        forward: t('timeline.forward'),
        speed: t('timeline.speed'),
        step: t('timeline.step'),
        place: (step, total, open, length) => t('announce', { step, total, open, length }),
      },
    });
    $('cells').append(this.cells.element);
    $('timeline').append(this.timeline.element);
    this.cells.element.addEventListener('sedd-select', () => this.dispatchEvent(new Event('select')));
  }

  get index() {
    return this.timeline.index;
  }
  get state() {
    return this.run.history.at(this.index);
  }
  get selected() {
    return this.cells.selected;
  }

  /**
   * @param {import('./runs.js').Run} run
   * @param {{index?: number, play?: boolean}} [options] `index` defaults to the end
   */
  open(run, { index = run.history.last, play = false } = {}) {
    this.skip();
    this.run = run;
    const { history } = run;
    this.#compare();
    this.#lay(history.at(0));
    this.timeline.writer = run.done ? null : this.#writer;
    this.timeline.open(history, play && !stillness.matches ? 0 : index);
    if (!$('sheet').hidden) this.sheet?.open(history);
    if (play && !stillness.matches) this.timeline.toggle();
  }

  /* ---- A run in progress ---- */

  /** Returns true if a run in progress is shown more slowly than it is computed. */
  get paced() {
    return !stillness.matches && !$('full-speed').checked;
  }

  /**
   * Shows the open run while it is computed, from the present state on.
   * @param {boolean} held true: shows nothing before `stepOn`
   * @returns {Promise<void>} resolves when all of it was shown or the reader has moved the timeline
   */
  follow(held) {
    const { index } = this;
    return new Promise((end) => {
      this.#show = { due: index, since: performance.now(), held, at: index, end };
      this.#next();
    });
  }

  get showing() {
    return this.#show !== null;
  }

  /** Stops or continues the clock. */
  hold(held) {
    if (this.#show) Object.assign(this.#show, { held, since: performance.now() });
  }

  /** Shows one more step of a held run. Returns true if that step has been computed. */
  stepOn() {
    if (!this.#show) return false;
    this.#show.due = this.index + 1;
    return this.#show.due <= this.run.history.last;
  }

  /** Ends the slow presentation and shows all steps. */
  skip() {
    if (!this.#show) return;
    cancelAnimationFrame(this.#frame);
    this.#leave();
    this.timeline.seek(this.run.history.last);
  }

  /** Adds the run's new steps, to the timeline alone once the reader has moved it. */
  grown() {
    if (this.#show) return;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const atEnd = this.index >= this.timeline.playback.last;
      this.timeline.extend(this.run.total);
      if (!atEnd) return;
      this.timeline.seek(this.run.history.last);
      this.#announce();
    });
  }

  #next() {
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now) {
    const show = this.#show;
    const { history, total = history.last } = this.run;
    if (this.index !== show.at || this.timeline.playback.playing) {
      this.#leave();
      return;
    }
    if (!show.held)
      show.due = this.paced ? Math.min(show.due + ((now - show.since) / SHOW_MS) * total, history.last + 1) : Infinity;
    show.since = now;
    const index = Math.max(show.at, Math.min(Math.floor(show.due), history.last));
    this.timeline.extend(total);
    if (index !== show.at) {
      show.at = index;
      this.timeline.seek(index);
      this.#announce();
    }
    if (this.run.done && index === history.last) this.#leave();
    else this.#next();
  }

  /** Ends the presentation, because the reader has moved the timeline or everything was shown. */
  #leave() {
    const { end } = this.#show;
    this.#show = null;
    this.#frame = 0;
    if (this.run.done) this.timeline.writer = null;
    this.timeline.extend(this.run.total);
    end();
  }

  /** Announces the progress of the run every few seconds, and after each step of a paused run. */
  #announce() {
    const now = performance.now();
    const { paused } = this.timeline.writer ?? {};
    if (this.run.done || (now - this.#said < ANNOUNCE_MS && !paused)) return; // the status shows the time of a finished run
    this.#said = now;
    const { history, total = history.last } = this.run;
    $('status').textContent = t('announce', {
      step: this.index,
      total,
      open: history.length - this.state.masked,
      length: history.length,
    });
  }

  /**
   * Connects the timeline's buttons to a writer that runs or is paused, or to the replay.
   * @param {import('./writer.js').Writer|null} writer
   */
  drivenBy(writer) {
    this.#writer = writer;
    this.timeline.writer = this.run?.done && !this.#show ? null : writer;
    this.timeline.update();
    if (writer?.paused && this.run?.history.last && !this.run.done) this.#announce();
  }

  /** Finds the tokens that differ from the parent's, and shows the run's origin. */
  #compare() {
    const { run } = this;
    this.#differences = run.done ? run.differences : [];
    const { length: count } = this.#differences;
    $('origin').textContent = [t(`origin.${run.origin}`), count && t('origin.differs', { count })]
      .filter(Boolean)
      .join(' · ');
  }

  /** Marks the tokens that are filled in and differ from the parent's. */
  #markDifferences(state) {
    for (const position of this.#differences) {
      const cell = this.cells.cell(position);
      const open = state.texts[position] !== null;
      cell.classList.toggle('differs', open);
      cell.title = open ? t('cell.differs') : '';
    }
  }

  /**
   * Chooses the layout of the cells: running text if every token's width is known, fixed lines while a run grows, or
   * equal cells.
   */
  #lay(state) {
    const { done, history } = this.run;
    this.cells.layout = this.equal ? 'grid' : done ? 'text' : 'lines';
    this.cells.open(state, { held: history.held, finals: done ? history.finals : null });
    this.#markDifferences(state);
  }

  /**
   * Sets how tokens look: in equal cells or not, with a bar for their age or for the probability with which they were
   * drawn.
   */
  arrange({ equal, meter }) {
    this.equal = equal;
    this.cells.meter = meter;
    if (this.run) this.#lay(this.state);
  }

  /** Lays out a complete run as running text, in which every mask has its token's width. */
  finished() {
    if (!this.#show) this.timeline.writer = null;
    this.timeline.extend(this.run.total);
    this.#compare();
    this.#lay(this.state);
    if (!$('sheet').hidden) this.sheet?.open(this.run.history);
  }

  async toggleSheet() {
    const sheet = $('sheet');
    sheet.hidden = !sheet.hidden;
    $('sheet-open').setAttribute('aria-expanded', String(!sheet.hidden));
    if (sheet.hidden) return;
    await this.#makeSheet();
    if (!this.run) return;
    this.sheet.open(this.run.history);
    this.sheet.show(this.index);
  }

  async #makeSheet() {
    const { Sheet } = await import('../view/sheet.js');
    if (this.sheet) return;
    this.sheet = new Sheet({
      onSeek: (index) => this.timeline.seek(index),
      words: {
        label: (steps, length) => t('sheet.label', { steps, length }),
        mask: t('cell.mask'),
        fresh: t('sheet.new'),
        kept: t('sheet.kept'),
        held: t('sheet.held'),
        places: (length) => t('sheet.places', { length }),
        steps: (steps) => t('sheet.steps', { steps }),
      },
    });
    adopt(document); // with the sheet's style rules, which have just been loaded
    $('sheet').append(this.sheet.element);
  }

  #draw(state) {
    this.cells.show(state);
    this.#markDifferences(state);
    this.sheet?.show(state.index);
    const total = this.run.total ?? this.run.history.last;
    const { length } = this.run.history;
    $('position').textContent =
      state.sigma === null
        ? t('position', { step: state.index, total })
        : t('position.sigma', { step: state.index, total, sigma: number(state.sigma, 2) });
    const sigma = state.sigma ?? Math.log(1000); // the noise of the first evaluation
    live('masked', number(state.masked));
    live('length', number(length));
    live('sigma', number(sigma, 2));
    live('visible', t('percent', { share: number(100 * Math.exp(-sigma), sigma > 3 ? 1 : 0) }));
    this.dispatchEvent(new Event('show'));
  }
}
