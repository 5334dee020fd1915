/**
 * <sedd-player src="run.trace.json"> replays a recorded run, without model, wasm or worker. web/README.md documents it.
 */
import { WORDS as SETTINGS, denoises } from './client/sampling.js';
import { fetchTrace, readTrace } from './client/trace.js';
import { SeddElement, choice, define, flag, mirror, number, text, whenNear } from './view/element.js';
import { History } from './view/history.js';
import { Strip } from './view/strip.js';
import { adopt, lazySheet, make } from './view/theme.js';
import { Timeline } from './view/timeline.js';
import { speak } from './view/words.js';
import { player as WORDS } from './view/words/en.js';

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
.stage { min-height: 4rem; }
.caption { font: 0.8125rem/1.4 var(--_ui); color: var(--_quiet); margin: 0.75rem 0 0; font-variant-numeric: tabular-nums; }
`);

/** Lists the settings of a trace that differ from SEDD as published, by the names of <sedd-demo>'s attributes. */
const settings = (trace) =>
  Object.entries(SETTINGS)
    .filter(([name, [published]]) => (trace[name] ?? published) !== published)
    .map(([name]) => `${name} ${trace[name]}`);

const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

export class SeddPlayer extends SeddElement {
  static observedAttributes = mirror(this, FIELDS);

  #parts;
  #words = WORDS;
  #sheet = null;
  #trace = null;
  #history = null;
  #loading = null; // AbortController of the current request
  #ready = null;
  #unwatch = () => {};
  #resting = false; // paused only because the element is out of sight

  constructor() {
    super();
    const { root, problem } = this.prepare(style());
    const cells = new Strip();
    const timeline = new Timeline({ onShow: (state) => this.#show(state) });
    const poster = make('slot', { name: 'poster' });
    const stage = make('div', { class: 'stage', part: 'stage', hidden: '' }, cells.element, timeline.element);
    const caption = make('p', { class: 'caption', part: 'caption', dir: 'auto', hidden: '' });
    root.append(poster, stage, problem, make('slot', { name: 'caption' }, caption), make('slot'));
    this.#parts = { cells, timeline, poster, stage, caption };
  }

  connectedCallback() {
    speak(this, { timeline: this.#parts.timeline, player: this });
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

  /** Changes the words. @param {typeof WORDS} words */
  translate(words) {
    this.#words = words;
    if (this.#trace) this.#describe();
  }

  /** Applies the attributes that change only the appearance. */
  #arrange() {
    const { cells, timeline } = this.#parts;
    this.#unfold();
    timeline.speed = this.speed;
    timeline.playback.loop = this.loop;
    if (cells.meter !== this.meter) {
      cells.meter = this.meter;
      if (this.#history) cells.show(this.#history.at(this.index));
    }
  }

  /** Shows or hides the sheet, whose code is fetched on first use. */
  async #unfold() {
    if (this.sheet && !this.#sheet) {
      const { Sheet } = await import('./view/sheet.js');
      this.#sheet ??= new Sheet({ onSeek: (index) => this.seek(index) });
      adopt(this.shadowRoot);
      speak(this, { sheet: this.#sheet });
      this.#parts.stage.append(this.#sheet.element);
    }
    if (!this.#sheet) return;
    this.#sheet.element.hidden = !this.sheet;
    if (!this.#history) return;
    this.#sheet.open(this.#history);
    this.#sheet.show(this.index);
  }

  #forget() {
    this.#unwatch();
    this.#loading?.abort();
    this.#ready = this.#trace = this.#history = null;
    this.#parts.timeline.dispose();
    this.#parts.stage.hidden = this.#parts.caption.hidden = true;
    this.paper.textContent = '';
    this.#parts.poster.hidden = false;
  }

  #await() {
    const go = () => this.load().catch(() => {});
    if (this.loading === 'eager') go();
    else this.#unwatch = whenNear(this, go);
  }

  /* ---- The run ---- */

  /** The shown trace. Set it to an object or a file's text, or to null to show none. */
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

  /** Fetches `src` now, regardless of `loading`. @returns {Promise<import('./client/trace.js').Trace>} */
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
    const { cells, timeline, poster, stage, caption } = this.#parts;
    this.#trace = trace;
    const history = (this.#history = History.fromTrace(trace));
    poster.hidden = true;
    stage.hidden = false;
    cells.open(history.at(0), { held: history.held, finals: history.finals });
    timeline.open(history, this.step ?? Math.round(history.last / 2), { preview: true });
    caption.hidden = false;
    this.paper.textContent = history.finals.join('');
    this.#describe();
    this.#unfold();
    this.emit('ready', { trace });
    this.#watch();
  }

  /** Describes the recorded run below the text. */
  #describe() {
    const trace = this.#trace;
    const { last } = this.#history;
    const { recorded, of, facts } = this.#words;
    const denoised = denoises(trace.positions) && last > trace.steps;
    const told = [facts(last - denoised, denoised, trace.length, trace.seed), ...settings(trace)];
    const named = trace.model ? [of, make('bdi', {}, trace.model.name)] : [];
    this.#parts.caption.replaceChildren(recorded, ...named, ...told.map((fact) => ` \u00b7 ${fact}`));
  }

  /** Plays automatically with `autoplay`, and pauses while out of sight. */
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
    const { cells, timeline } = this.#parts;
    cells.show(state);
    this.#sheet?.show(state.index);
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

  /** Returns the index of the shown state. */
  get index() {
    return this.#parts.timeline.index;
  }
  /** Returns the shown text without its masks. */
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
