/**
 * Draws <sedd-demo>: the text as cells, the timeline and the sheet of its run, the twin, the controls and a report. It
 * draws what the element tells it, and starts nothing by itself.
 */
import { Cells } from './cells.js';
import { Controls, controlsStyle } from './controls.js';
import { preview } from './preview.js';
import { Sheet } from './sheet.js';
import { lazySheet, make } from './theme.js';
import { Timeline } from './timeline.js';
import { Twin, computing, twinStyle } from './twin.js';
import { demo as WORDS } from './words/en.js';

const style = lazySheet(`
pre { font: 0.8125rem/1.5 var(--sedd-font-mono, ui-monospace, monospace); overflow: auto; max-height: 20rem; }
`);

export const demoStyles = () => [style(), controlsStyle(), twinStyle()];

export class DemoView {
  words = WORDS;
  /** @type {import('./history.js').History|null} history of the shown run */ history = null;

  /** @param {{onRun: (values: object) => void, onStop: () => void, onReport: () => void, onPoster: () => void}} acts */
  constructor({ onPoster, ...acts }) {
    this.cells = new Cells({ layout: 'lines', selectable: true });
    this.timeline = new Timeline({ onShow: (state) => this.#see(state) });
    this.sheet = new Sheet({ onSeek: (index) => this.timeline.seek(index) });
    this.twin = new Twin();
    this.controls = new Controls(acts);
    this.poster = make('slot', { name: 'poster' });
    this.poster.addEventListener('slotchange', onPoster);
    this.report = make('pre', { part: 'report', tabindex: 0, dir: 'ltr', hidden: '' });
    this.timeline.element.hidden = true;
    const parts = [this.cells, this.timeline, this.sheet, this.twin, this.controls];
    this.elements = [this.poster, ...parts.map(({ element }) => element), this.report];
  }

  /** Returns the parts that have words, by their names in a table of words. */
  get speakers() {
    const { cells, timeline, sheet, twin, controls } = this;
    return { cells, timeline, sheet, twin, controls, demo: this };
  }

  /** Changes the words of all parts. @param {typeof WORDS} words */
  translate(words) {
    this.words = words;
  }

  /**
   * Shows the prompt as cells until there is a run, unless there is a poster.
   * @param {string} prompt
   * @param {number|null} length
   */
  sketch(prompt, length) {
    this.cells.element.hidden = this.poster.assignedElements().length > 0;
    this.poster.hidden = !this.cells.element.hidden;
    const { state, held, holes } = preview(prompt, length);
    this.cells.open(state, { held, holes });
  }

  /**
   * Shows the state of the element.
   * @param {'waiting'|'loading'|'running'|'ready'} state
   * @param {{manual: boolean, buttons: boolean, sheet: boolean, report: boolean}} options manual: no button to load;
   *   buttons: no fields; sheet: the run on one sheet; report: a button that compares
   */
  show(state, { manual, buttons, sheet, report }) {
    const running = state === 'running';
    this.controls.show(state, { manual, report });
    if (buttons) this.controls.fields.hidden = true;
    this.timeline.element.hidden = !this.history;
    this.timeline.element.inert = running;
    this.sheet.element.hidden = !sheet || !this.history?.last || running;
    if (this.sheet.element.hidden) return;
    this.sheet.open(this.history);
    this.sheet.show(this.timeline.index);
  }

  #see(state) {
    this.cells.show(state);
    this.sheet.show(state.index);
  }

  say(text) {
    this.controls.say(text);
  }

  progress({ loaded, total }) {
    const { progress } = this.controls;
    if (total) progress.value = loaded / total;
    else progress.removeAttribute('value');
    const percent = Math.round((20 * loaded) / total) * 5;
    this.say(total ? this.words.loading(percent, (total / 1e6).toFixed(1)) : this.words.engine);
  }

  /** Shows an event of a run, which `history` already contains. @param {import('./history.js').History} history */
  event(history, event) {
    this.history = history;
    const state = history.at(history.last);
    if (event.start) {
      this.poster.hidden = true;
      this.cells.element.hidden = false;
      this.cells.open(state, { held: event.held });
      this.timeline.element.hidden = false;
    } else {
      this.cells.show(state);
      const { length } = state.texts;
      if (event.step % Math.ceil(event.total / 4) === 0)
        this.say(this.words.step(event.step, event.total, length - state.masked, length));
    }
    this.timeline.follow(history, history.last + event.total - event.step);
  }

  /**
   * Shows a sentence about the finished run.
   * @param {any} sample
   * @param {boolean} denoised true if its last evaluation was the denoiser's
   */
  done({ ids, timings, seed }, denoised) {
    const steps = this.history.last - denoised;
    this.say(this.words.done(ids.length, steps, denoised, Math.round(computing(timings)), seed));
  }

  /** Passes the shown run to the timeline. */
  settle() {
    if (this.history?.last) this.timeline.open(this.history);
  }

  /** Tells that the report was copied, or shows it if the clipboard is not allowed. */
  offer(written, copied) {
    this.report.hidden = copied;
    this.report.textContent = copied ? '' : written;
    this.say(copied ? this.words.copied : this.words.shown);
  }
}
