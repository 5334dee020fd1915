/**
 * Figure 1: the cells of a run, its timeline and its sheet, and the numbers that live in the text beside them.
 * It shows whatever run it is given, recorded or under way.
 */
import { Cells } from '../view/cells.js';
import { Sheet } from '../view/sheet.js';
import { adopt } from '../view/theme.js';
import { $, stillness } from './dom.js';
import { LiveTimeline } from './live-timeline.js';
import { live, number, t } from './text.js';

const ANNOUNCE_MS = 3000;

export class Stage extends EventTarget {
  #frame = 0;
  #said = 0;
  #follow = true;
  #writer = null;
  #differences = [];
  equal = false;

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
      onShow: (state) => this.#show(state),
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
    $('cells').append(this.cells.element);
    $('timeline').append(this.timeline.element);
    $('sheet').append(this.sheet.element);
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
    this.run = run;
    this.#follow = true;
    const { history } = run;
    this.#compare();
    this.#lay(history.at(0));
    this.timeline.writer = run.done ? null : this.#writer;
    this.timeline.open(history, play && !stillness.matches ? 0 : index);
    if (!$('sheet').hidden) this.sheet.open(history);
    if (play && !stillness.matches) this.timeline.toggle();
  }

  /** A run that is under way has grown; shown with the next frame. */
  grown() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#follow = this.index >= this.timeline.playback.last;
      this.timeline.extend(this.run.total);
      if (!this.#follow) return;
      this.timeline.seek(this.run.history.last);
      this.#announce();
    });
  }

  /** Says how far the run is: every few seconds, and after each step of a paused run. */
  #announce() {
    const now = performance.now();
    const { paused } = this.timeline.writer ?? {};
    if (now - this.#said < ANNOUNCE_MS && !paused) return;
    this.#said = now;
    const { history, total = history.last } = this.run;
    $('status').textContent = t('announce', {
      step: history.last,
      total,
      open: history.length - history.at(history.last).masked,
      length: history.length,
    });
  }

  /** The writer began, paused, continued or ended: the timeline's buttons act on it, or on the replay. @param {import('./writer.js').Writer|null} writer */
  drivenBy(writer) {
    this.#writer = writer;
    this.timeline.writer = this.run?.done ? null : writer;
    this.timeline.update();
    if (writer?.paused && this.run?.history.last && !this.run.done) this.#announce();
  }

  /** Finds the tokens that differ from the parent's, and says where the run is from. */
  #compare() {
    const { run } = this;
    this.#differences = run.done ? run.differences : [];
    const { length: count } = this.#differences;
    $('origin').textContent = [t(`origin.${run.origin}`), count && t('origin.differs', { count })]
      .filter(Boolean)
      .join(' · ');
  }

  /** Marks the tokens that differ from the parent's and are open. */
  #markDifferences(state) {
    for (const position of this.#differences) {
      const cell = this.cells.cell(position);
      const open = state.texts[position] !== null;
      cell.classList.toggle('differs', open);
      cell.title = open ? t('cell.differs') : '';
    }
  }

  /** Places the cells: running text where every token's width is known, lines that keep their tokens while a run grows, or equal cells. */
  #lay(state) {
    const { done, history } = this.run;
    this.cells.layout = this.equal ? 'grid' : done ? 'text' : 'lines';
    this.cells.open(state, { held: history.held, finals: done ? history.finals : null });
    this.#markDifferences(state);
  }

  /** How tokens are shown: in equal cells or not, with a bar for their age or the probability they were drawn with. */
  arrange({ equal, meter }) {
    this.equal = equal;
    this.cells.meter = meter;
    if (this.run) this.#lay(this.state);
  }

  /** The run is over: it is set as running text, in which every mask of the replay has its token's width. */
  finished() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.timeline.writer = null;
    this.timeline.extend();
    this.#compare();
    this.#lay(this.state);
    if (this.#follow) this.timeline.seek(this.run.history.last);
    if (!$('sheet').hidden) this.sheet.open(this.run.history);
  }

  toggleSheet() {
    const sheet = $('sheet');
    sheet.hidden = !sheet.hidden;
    $('sheet-open').setAttribute('aria-expanded', String(!sheet.hidden));
    if (!sheet.hidden && this.run) {
      this.sheet.open(this.run.history);
      this.sheet.show(this.index);
    }
  }

  #show(state) {
    this.cells.show(state);
    this.#markDifferences(state);
    this.sheet.show(state.index);
    const total = this.run.total ?? this.run.history.last;
    const { length } = this.run.history;
    $('position').textContent =
      state.sigma === null
        ? t('position', { step: state.index, total })
        : t('position.sigma', { step: state.index, total, sigma: number(state.sigma, 2) });
    const sigma = state.sigma ?? Math.log(1000); // the noise the first evaluation sees
    live('masked', number(state.masked));
    live('length', number(length));
    live('sigma', number(sigma, 2));
    live('visible', t('percent', { share: number(100 * Math.exp(-sigma), sigma > 3 ? 1 : 0) }));
    this.dispatchEvent(new Event('show'));
  }
}
