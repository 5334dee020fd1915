/**
 * <sedd-player src="run.trace.json">: replays a recorded run. No model, no wasm, no worker; it works alone.
 * Documented in web/README.md.
 */
import { WORDS } from './client/sampling.js';
import { fetchTrace, readTrace } from './client/trace.js';
import { SeddElement, choice, define, flag, mirror, number, text, whenNear } from './view/element.js';
import { History } from './view/history.js';
import { Sheet } from './view/sheet.js';
import { Strip } from './view/strip.js';
import { lazySheet, make } from './view/theme.js';
import { Timeline } from './view/timeline.js';

const FIELDS = {
  src: text,
  loading: choice('lazy', 'eager'),
  autoplay: flag,
  loop: flag,
  speed: number(0.05, 20, { fallback: 1 }),
  step: number(0, 1e6, { step: 1 }),
  meter: choice('none', 'age', 'confidence'),
  sheet: flag,
};

const style = lazySheet(`
:host { display: block; color: var(--_ink); }
:host([hidden]) { display: none; }
.stage { min-height: 4rem; }
.caption { font: 0.8125rem/1.4 var(--_ui); color: var(--_quiet); margin: 0.75rem 0 0; font-variant-numeric: tabular-nums; }
.error { font: 0.875rem/1.5 var(--_ui); color: var(--_ink); margin: 0.5rem 0; padding-inline-start: 0.75rem; border-inline-start: 3px solid var(--_accent); overflow-wrap: anywhere; }
[hidden] { display: none; }
`);

/** What of a trace's settings is not as published, as <sedd-demo>'s attributes name it. */
const settings = (trace) =>
  Object.entries(WORDS)
    .filter(([name, [published]]) => (trace[name] ?? published) !== published)
    .map(([name]) => `${name} ${trace[name]}`);

const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

export class SeddPlayer extends SeddElement {
  static observedAttributes = mirror(this, FIELDS);

  #parts;
  #trace = null;
  #history = null;
  #loading = null; // AbortController of the request under way
  #ready = null;
  #unwatch = () => {};
  #resting = false; // paused only because it is out of sight

  constructor() {
    super();
    const { root, problem } = this.prepare(style());
    const cells = new Strip();
    const sheet = new Sheet({ onSeek: (index) => this.seek(index) });
    const timeline = new Timeline({ onShow: (state) => this.#show(state) });
    const poster = make('slot', { name: 'poster' });
    const stage = make(
      'div',
      { class: 'stage', part: 'stage', hidden: '' },
      cells.element,
      timeline.element,
      sheet.element,
    );
    const caption = make('p', { class: 'caption', part: 'caption', hidden: '' });
    root.append(poster, stage, problem, make('slot', { name: 'caption' }, caption), make('slot'));
    this.#parts = { cells, sheet, timeline, poster, stage, caption };
  }

  connectedCallback() {
    this.upgrade();
    this.checkAttributes();
    this.#arrange();
    if (this.#history) this.#watch();
    else if (this.src !== null) this.#await();
  }

  disconnectedCallback() {
    this.#unwatch();
    this.#loading?.abort();
    if (!this.#history) this.#ready = null;
    this.#parts.timeline.dispose();
  }

  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    this.forgive();
    this.checkAttributes();
    if (name === 'src') {
      this.#forget();
      if (after !== null) this.#await();
    } else if (name === 'step') {
      if (this.#history && after !== null) this.seek(this.step ?? 0);
    } else this.#arrange();
  }

  /** Attributes that change only how things look. */
  #arrange() {
    const { cells, sheet, timeline } = this.#parts;
    sheet.element.hidden = !this.sheet;
    timeline.speed = this.speed;
    timeline.playback.loop = this.loop;
    if (cells.meter !== this.meter) {
      cells.meter = this.meter;
      if (this.#history) cells.show(this.#history.at(this.index));
    }
  }

  #forget() {
    this.#unwatch();
    this.#loading?.abort();
    this.#ready = this.#trace = this.#history = null;
    this.#parts.timeline.dispose();
    this.#parts.stage.hidden = this.#parts.caption.hidden = true;
    this.#parts.poster.hidden = false;
  }

  #await() {
    const go = () => this.load().catch(() => {});
    if (this.loading === 'eager') go();
    else this.#unwatch = whenNear(this, go);
  }

  /* ---- The run ---- */

  /** The trace that is shown; setting one shows it, from an object or the file's text; null shows none. */
  get trace() {
    return this.#trace;
  }
  set trace(value) {
    this.#forget();
    this.forgive();
    if (value === null) return;
    try {
      this.#open(readTrace(value, '<sedd-player>.trace'));
      this.#ready = Promise.resolve(this.#trace);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Fetches `src` now, whatever `loading` says. @returns {Promise<import('./client/trace.js').Trace>} */
  load() {
    const ready = (this.#ready ??= this.#fetch().catch((error) => {
      if (this.#ready === ready) this.#ready = null;
      this.fail(error);
      throw error;
    }));
    return ready;
  }

  async #fetch() {
    this.#unwatch();
    const loading = (this.#loading = new AbortController());
    this.emit('progress', { loaded: 0, total: 0, phase: 'trace' });
    const trace = await fetchTrace(new URL(this.src ?? '', this.baseURI).href, { signal: loading.signal });
    loading.signal.throwIfAborted();
    this.#open(trace);
    return trace;
  }

  #open(trace) {
    const { cells, sheet, timeline, poster, stage, caption } = this.#parts;
    this.#trace = trace;
    const history = (this.#history = History.fromTrace(trace));
    poster.hidden = true;
    stage.hidden = false;
    cells.open(history.at(0), { held: history.held, finals: history.finals });
    sheet.open(history);
    timeline.open(history, this.step ?? Math.round(history.last / 2), { preview: true });
    caption.hidden = false;
    caption.textContent = [
      `Recorded run${trace.model ? ` of ${trace.model.name}` : ''}`,
      `${trace.steps} steps`,
      `${trace.length} tokens`,
      `seed ${trace.seed}`,
      ...settings(trace),
    ].join(' \u00b7 ');
    this.emit('ready', { trace });
    this.#watch();
  }

  /** Plays by itself where asked, rests out of sight. */
  #watch() {
    const { timeline } = this.#parts;
    const { playback } = timeline;
    const watch = new IntersectionObserver((entries) => {
      const seen = entries.at(-1).isIntersecting;
      if (!seen && playback.playing) {
        playback.pause();
        this.#resting = true;
      } else if (seen && (this.#resting || (this.autoplay && timeline.preview && !still()))) {
        this.#resting = false;
        this.play();
      }
    });
    watch.observe(this);
    this.#unwatch = () => watch.disconnect();
  }

  #show(state) {
    const { cells, sheet, timeline } = this.#parts;
    cells.show(state);
    if (this.sheet) sheet.show(state.index);
    this.emit('step', {
      index: state.index,
      step: state.step,
      total: this.#history.last,
      sigma: state.sigma,
      masked: state.masked,
      positions: state.changed,
    });
    if (timeline.playback.playing && state.index === this.#history.last) this.emit('done', { text: this.text });
  }

  /** Index of the state that is shown. */
  get index() {
    return this.#parts.timeline.index;
  }
  /** The text as it stands, masks left out. */
  get text() {
    return this.#history
      ? this.#history
          .at(this.index)
          .texts.filter((one) => one !== null)
          .join('')
      : '';
  }
  get playing() {
    return this.#parts.timeline.playback.playing;
  }

  play() {
    this.#parts.timeline.start();
  }

  pause() {
    this.#parts.timeline.playback.pause();
  }

  /** @param {number} index 0 to the number of steps */
  seek(index) {
    if (this.#history) this.#parts.timeline.seek(index);
  }
}

define('sedd-player', SeddPlayer);
