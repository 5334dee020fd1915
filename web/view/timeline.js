/**
 * The controls over the steps of a run: play, single steps, speed and a slider. A chart above the slider shows how many
 * tokens each step filled in. The slider announces its own place; while playing, a live region speaks at most every few
 * seconds.
 */
import { Playback } from './playback.js';
import { make } from './theme.js';
import { timeline as WORDS } from './words/en.js';

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const SAY_MS = 5000;
const ICONS = {
  play: 'M4 2l10 6-10 6z',
  pause: 'M4 2h3v12H4zM9 2h3v12H9z',
  back: 'M11 3v10L4 8z',
  forward: 'M5 3v10l7-5z',
};

const icon = (name) =>
  make('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' }, make('path', { d: ICONS[name] }));

export class Timeline {
  #history = null;
  #said = 0;
  #preview = false; // true while the reader has not moved the run: the shown state is a preview, and playing starts at the beginning

  /** @param {{onShow: (state: import('./history.js').State) => void, words?: Partial<typeof WORDS>}} options */
  constructor({ onShow, words = {} }) {
    this.onShow = onShow;
    this.playback = new Playback({ onShow: (index) => this.#show(index), onChange: () => this.update() });
    this.#build();
    this.translate({ ...WORDS, ...words });
  }

  /** Changes the words. @param {typeof WORDS} words */
  translate(words) {
    this.words = words;
    const { element: label, back, forward, slider: step, speeds: speed } = this;
    for (const [word, part] of Object.entries({ label, back, forward, step, speed })) part.ariaLabel = words[word];
    this.update();
  }

  #build() {
    const button = (name, act) => {
      const element = make('button', { type: 'button', part: `button ${name}` }, icon(name));
      element.addEventListener('click', act);
      return element;
    };
    this.play = button('play', () => this.toggle());
    this.back = button('back', () => this.stepBy(-1));
    this.forward = button('forward', () => this.stepBy(1));
    this.slider = make('input', { type: 'range', min: 0, max: 0, value: 0, step: 1, part: 'slider' });
    this.slider.addEventListener('input', () => this.seek(Number(this.slider.value)));
    this.openings = make('path', {});
    this.ticks = make('svg', { preserveAspectRatio: 'none', 'aria-hidden': 'true' }, this.openings);
    this.count = make('span', { class: 'count', part: 'count', 'aria-hidden': 'true' });
    this.speeds = make(
      'select',
      { part: 'speed' },
      ...SPEEDS.map((speed) => make('option', { value: speed }, `${speed}\u00d7`)),
    );
    this.speeds.value = '1';
    this.speeds.addEventListener('change', () => {
      this.playback.speed = Number(this.speeds.value);
    });
    this.status = make('span', { class: 'sedd-said', role: 'status', 'aria-live': 'polite' });
    this.element = make(
      'div',
      { class: 'sedd-timeline', part: 'timeline', role: 'group' },
      make(
        'div',
        { class: 'sedd-row' },
        this.play,
        this.back,
        make('div', { class: 'sedd-track' }, this.ticks, this.slider),
        this.forward,
        this.count,
        this.speeds,
      ),
      this.status,
    );
  }

  /**
   * Shows a run, which may still grow (`extend`).
   * @param {import('./history.js').History} history
   * @param {number} [index] what to show first
   * @param {{preview?: boolean}} [options] a preview plays from the beginning, until somebody moves it
   */
  open(history, index = history.last, { preview = false } = {}) {
    this.playback.pause();
    this.#history = history;
    this.extend();
    this.playback.seek(index);
    this.#preview = preview;
  }

  /**
   * Follows the end of a growing run.
   * @param {import('./history.js').History} history
   * @param {number} [total] steps it will have
   */
  follow(history, total = history.last) {
    this.#history = history;
    this.extend(total);
    this.playback.index = history.last;
    this.#mark(history.at(history.last));
  }

  /** Shows the steps by which the history has grown. The slider has room for `total` steps. @param {number} [total] */
  extend(total = 0) {
    const { last, changes } = this.#history;
    const room = Math.max(last, total, 1);
    const top = Math.max(1, ...changes.map((positions) => positions.length));
    this.playback.last = last;
    this.slider.max = String(room);
    this.ticks.setAttribute('viewBox', `0 ${-1.1 * top} ${room} ${1.1 * top}`);
    this.openings.setAttribute(
      'd',
      changes.map(({ length }, i) => (length ? `M${i + 0.7} 0v${-length}h.6v${length}z` : '')).join(''),
    );
    this.update();
  }

  get index() {
    return this.playback.index;
  }
  get speed() {
    return this.playback.speed;
  }
  set speed(value) {
    this.playback.speed = value;
    this.speeds.value = String(value); // a speed outside the list leaves the list empty
  }

  seek(index) {
    this.#preview = false;
    this.playback.pause();
    this.playback.seek(index);
  }

  stepBy(count) {
    this.seek(this.index + count);
  }

  start() {
    if (this.#preview) this.seek(0);
    this.playback.play();
  }

  toggle() {
    if (this.playback.playing) this.playback.pause();
    else this.start();
  }

  /** True until the reader plays or moves the run. */
  get preview() {
    return this.#preview;
  }

  #show(index) {
    const state = this.#history.at(index);
    this.#say(this.#mark(state), index === this.#history.last);
    this.onShow(state);
  }

  /** Sets the slider and the count to the shown state. Returns the place in words. */
  #mark(state) {
    const total = Number(this.slider.max);
    const {
      index,
      masked,
      texts: { length },
    } = state;
    this.slider.value = String(index);
    const words = this.words.place(index, total, length - masked, length);
    this.slider.setAttribute('aria-valuetext', words);
    this.count.textContent = `${index} / ${total}`;
    this.update();
    return words;
  }

  /** Announces the place every few seconds while playing, and at the end. */
  #say(words, end) {
    const now = performance.now();
    if (!this.playback.playing || (now - this.#said < SAY_MS && !end)) return;
    this.#said = now;
    this.status.textContent = words;
  }

  /** True if the button pauses. @protected */
  get playing() {
    return this.playback.playing;
  }

  /** True if a later step exists. @protected */
  get more() {
    return this.index < this.playback.last;
  }

  /** Updates the labels and states of the buttons. @protected */
  update() {
    const { last, index } = this.playback;
    const name = this.playing ? 'pause' : 'play';
    if (this.play.ariaLabel !== this.words[name]) {
      this.play.ariaLabel = this.words[name];
      this.play.replaceChildren(icon(name));
    }
    this.play.disabled = this.slider.disabled = last === 0;
    this.back.disabled = index === 0;
    this.forward.disabled = !this.more;
  }

  dispose() {
    this.playback.pause();
  }
}
