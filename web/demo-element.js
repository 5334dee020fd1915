/**
 * <sedd-demo model="…">: a SEDD that writes in the reader's browser, beside a GPT-2 if one is named. Nothing is
 * fetched until somebody asks: neither the engine nor a model. Documented in web/README.md.
 */
import { SeddError } from './errors.js';
import { borrow } from './client/shared-models.js';
import { WORDS, currentWord } from './client/sampling.js';
import { traceOf, writeTrace } from './client/trace.js';
import { Cells } from './view/cells.js';
import { Controls, controlsStyle } from './view/controls.js';
import { preview, prefixOf } from './view/preview.js';
import { SeddElement, choice, define, flag, mirror, number, seed, text, whenNear } from './view/element.js';
import { History } from './view/history.js';
import { Sheet } from './view/sheet.js';
import { lazySheet, make } from './view/theme.js';
import { Timeline } from './view/timeline.js';
import { Twin, computing, twinStyle } from './view/twin.js';

const FIELDS = {
  model: text,
  compare: text,
  prompt: { ...text, fallback: '' },
  steps: number(1, 1e6, { step: 1, fallback: 64 }),
  seed,
  length: number(1, 65536, { step: 1 }),
  temperature: number(0.01, 100, { zero: true }),
  topP: number(1e-6, 1, { attribute: 'top-p' }),
  topK: number(0, 2 ** 31 - 1, { step: 1, attribute: 'top-k' }),
  ...Object.fromEntries(
    ['positions', 'order', 'grid', 'context'].map((name) => {
      const words = choice(...WORDS[name]);
      return [name, { ...words, parse: (given) => words.parse(currentWord(given)), fallback: null }];
    }),
  ),
  loading: choice('lazy', 'eager'),
  reveal: choice('interaction', 'auto', 'manual'),
  layout: choice('lines', 'text', 'grid'),
  meter: choice('none', 'age', 'confidence'),
  sheet: flag,
  controls: choice('full', 'buttons'),
  disabled: flag,
};
const REPORT = { steps: [4, 16], length: 128 }; // beside the element's own number of steps
const OPTIONS = [
  'prompt',
  'steps',
  'seed',
  'length',
  'temperature',
  'topP',
  'topK',
  'positions',
  'order',
  'grid',
  'context',
];

const style = lazySheet(`
:host { display: block; color: var(--_ink); }
:host([hidden]), [hidden] { display: none; }
pre { font: 0.8125rem/1.5 var(--sedd-font-mono, ui-monospace, monospace); overflow: auto; max-height: 20rem; }
.error { font: 0.875rem/1.5 var(--_ui); margin: 0.5rem 0; padding-inline-start: 0.75rem; border-inline-start: 3px solid var(--_accent); overflow-wrap: anywhere; }
`);

const SENTENCES = {
  loading: (loaded, total) =>
    total
      ? `Loading: ${Math.round((20 * loaded) / total) * 5} % of ${(total / 1e6).toFixed(1)} MB`
      : 'Loading the engine',
  step: (step, total, open, length) => `Step ${step} of ${total}, ${open} of ${length} fixed`,
  done: (length, steps, ms, used) => `${length} tokens, ${steps} evaluations, ${Math.round(ms)} ms, seed ${used}`,
  stopped: 'Stopped.',
  comparing: (round, rounds) => `Comparing, both in turn: round ${round} of ${rounds}`,
  copied: 'The comparison is in the clipboard.',
  shown: 'The clipboard is not allowed here; the comparison is below.',
};

export class SeddDemo extends SeddElement {
  static observedAttributes = mirror(this, FIELDS);

  #parts;
  #borrowed = null; // {sedd, gpt2, release}
  #ready = null; // promise of the models
  #sedd = null;
  #gpt2 = null;
  #abort = null; // of the run under way
  #run = null;
  #history = null;
  #options = null; // of the last run
  #result = null;
  #unwatch = () => {};

  constructor() {
    super();
    const { root, problem } = this.prepare(style(), controlsStyle(), twinStyle());
    const cells = new Cells({ layout: 'lines', selectable: true });
    const timeline = new Timeline({ onShow: (state) => this.#see(state) });
    const sheet = new Sheet({ onSeek: (index) => this.seekTo(index) });
    const desk = new Controls({
      onRun: (values) => this.#submit(values),
      onStop: () => this.stop(),
      onReport: () => this.copyReport().catch((error) => this.fail(error)),
    });
    const poster = make('slot', { name: 'poster' });
    const twin = new Twin();
    const report = make('pre', { part: 'report', tabindex: 0, hidden: '' });
    root.append(
      poster,
      cells.element,
      timeline.element,
      sheet.element,
      twin.element,
      desk.element,
      report,
      problem,
      make('slot'),
    );
    timeline.element.hidden = true;
    poster.addEventListener('slotchange', () => this.#sketch());
    this.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.stop();
    });
    this.#parts = { cells, timeline, sheet, desk, poster, twin, report };
  }

  connectedCallback() {
    if (this.#ready) return; // moved
    this.upgrade();
    this.checkAttributes();
    this.#arrange();
    this.#sketch();
    this.#show('waiting');
    const go = () => this.load().catch(() => {});
    if (this.loading === 'eager') go();
    else if (this.reveal === 'auto') this.#unwatch = whenNear(this, go);
  }

  /** Moving an element takes it out and puts it back in one go; only what stays out is disposed of. */
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected) this.dispose();
    });
  }

  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    this.forgive();
    this.checkAttributes();
    if (name === 'model' || name === 'compare') {
      this.dispose();
      this.#show('waiting');
    }
    this.#arrange();
    this.#sketch();
    if (name === 'sheet') this.#show(this.dataset.state);
  }

  #arrange() {
    const { cells, desk } = this.#parts;
    cells.layout = this.layout;
    cells.meter = this.meter;
    desk.fill({
      prompt: this.prompt,
      seed: this.getAttribute('seed') ?? '',
      steps: this.getAttribute('steps') ?? String(this.#sedd?.defaults.steps ?? this.steps),
    });
    desk.runButton.disabled = this.disabled;
  }

  /** The prompt as cells, until a run shows better; a poster goes first. */
  #sketch() {
    if (this.#history) return;
    const { cells, poster } = this.#parts;
    cells.element.hidden = poster.assignedElements().length > 0;
    poster.hidden = !cells.element.hidden;
    try {
      const { state, held, holes } = preview(this.prompt, this.length);
      cells.open(state, { held, holes });
    } catch (error) {
      this.fail(error);
    }
  }

  #show(state) {
    this.dataset.state = state;
    const { desk, sheet, timeline } = this.#parts;
    desk.show(state, { manual: this.reveal === 'manual', report: Boolean(this.#gpt2) });
    if (this.controls === 'buttons') desk.fields.hidden = true;
    timeline.element.hidden = !this.#history;
    timeline.element.inert = state === 'running';
    sheet.element.hidden = !this.sheet || !this.#history?.last || state === 'running';
    if (sheet.element.hidden) return;
    sheet.open(this.#history);
    sheet.show(timeline.index);
  }

  /** A state of the last run, as the timeline goes to it. */
  #see(state) {
    this.#parts.cells.show(state);
    this.#parts.sheet.show(state.index);
  }

  /* ---- Loading ---- */

  /** Fetches engine and models now. @returns {Promise<void>} */
  load() {
    this.#unwatch();
    this.#ready ??= this.#load().catch((error) => {
      this.#letGo();
      this.#show('waiting');
      this.#parts.desk.say(error.name === 'AbortError' ? SENTENCES.stopped : '');
      this.fail(error);
      throw error;
    });
    return this.#ready;
  }

  async #load() {
    if (!this.model)
      throw new SeddError('argument', '<sedd-demo>: it has no model.', {
        hint: 'Give model="…" the address of a folder with config.json, model.safetensors and tokenizer.json.',
      });
    this.#show('loading');
    const parts = new Map();
    const watch =
      (name) =>
      ({ loaded, total, phase }) => {
        parts.set(name, { loaded, total });
        const sum = (key) => [...parts.values()].reduce((all, part) => all + part[key], 0);
        this.#progress(sum('loaded'), sum('total'), phase);
      };
    const borrowed = [
      ['sedd', this.model],
      ['gpt2', this.compare],
    ]
      .filter(([, url]) => url)
      .map(([kind, url]) => borrow(kind, new URL(url, this.baseURI).href, { onProgress: watch(kind) }));
    this.#borrowed = borrowed;
    this.#progress(0, 0, 'engine');
    const ended = new Promise((_, reject) => {
      this.#cancelLoad = () => reject(new DOMException('The load was stopped.', 'AbortError'));
    });
    const [sedd, gpt2 = null] = await Promise.race([Promise.all(borrowed.map(({ model }) => model)), ended]);
    [this.#sedd, this.#gpt2] = [sedd, gpt2];
    this.#parts.desk.say('');
    this.#arrange();
    this.#show('ready');
    this.emit('ready', { model: sedd.info, compare: gpt2?.info ?? null });
  }

  #cancelLoad = () => {};

  #progress(loaded, total, phase) {
    const { desk } = this.#parts;
    if (total) desk.progress.value = loaded / total;
    else desk.progress.removeAttribute('value');
    desk.say(SENTENCES.loading(loaded, total));
    this.emit('progress', { loaded, total, phase });
  }

  #letGo() {
    this.#borrowed?.forEach(({ release }) => release());
    this.#borrowed = this.#ready = this.#sedd = this.#gpt2 = null;
  }

  /** Ends what runs and frees the models; the element stays usable. */
  dispose() {
    this.#unwatch();
    this.stop();
    this.#cancelLoad();
    this.#parts.timeline.dispose();
    this.#letGo();
  }

  /* ---- Writing ---- */

  #submit({ prompt, seed: wanted, steps }) {
    if (this.dataset.state !== 'waiting') {
      this.prompt = prompt;
      this.steps = steps;
      this.seed = wanted === '' ? null : wanted;
      if (!this.checkAttributes()) return;
    }
    this.run().catch(() => {});
  }

  /** What the attributes ask for, and `changes`; the model's own options hold for the rest. */
  #asked(changes = {}) {
    const said = OPTIONS.filter((name) => this[name] !== null && (name !== 'steps' || this.hasAttribute('steps')));
    return { ...Object.fromEntries(said.map((name) => [name, this[name]])), ...changes };
  }

  /**
   * Writes; loads first if need be. A run under way is ended.
   * @param {object} [changes] options that differ from the attributes
   * @returns {Promise<object>} the sample
   */
  run(changes = {}) {
    return this.#write((signal) => {
      const options = this.#asked(changes);
      this.#options = options;
      this.#history = null;
      return this.#sedd.sample({ ...options, signal });
    });
  }

  /**
   * Goes on from a step of the last run, otherwise than it went.
   * @param {number} [index] step, the one shown unless given
   * @param {object} [changes] seed, temperature, steps, or `edit`: [position, id|null] pairs
   */
  branch(index = this.#parts.timeline.index, changes = {}) {
    const from = this.#history;
    if (!from)
      return Promise.reject(
        new SeddError('argument', 'There is no run to branch from yet.', { hint: 'Call run() first.' }),
      );
    return this.#write((signal) => {
      const { step, ids } = from.at(index);
      this.#options = { ...this.#options, ...changes };
      this.#history = from.upTo(index);
      return this.#sedd.resume({ position: step, ids, options: this.#options }, { ...changes, signal });
    });
  }

  async #write(start) {
    this.stop();
    this.forgive();
    this.checkAttributes();
    await this.load();
    const abort = (this.#abort = new AbortController());
    this.#parts.twin.hide();
    this.#show('running');
    try {
      const run = (this.#run = start(abort.signal));
      this.#options = { ...this.#options, seed: run.seed };
      for await (const event of run) this.#event(event);
      const sample = (this.#result = await run.result);
      const evaluations = this.#history.events().filter(({ rows }) => rows !== 0).length;
      this.#parts.desk.say(SENTENCES.done(sample.ids.length, evaluations, computing(sample.timings), sample.seed));
      if (this.#gpt2) await this.#writeTwin(sample, abort.signal);
      this.emit('done', { sample });
      return sample;
    } catch (error) {
      if (error.name === 'AbortError' && abort === this.#abort) this.#parts.desk.say(SENTENCES.stopped);
      this.fail(error);
      throw error;
    } finally {
      if (abort === this.#abort) {
        this.#abort = this.#run = null;
        if (this.#history?.last) this.#parts.timeline.open(this.#history);
        this.#show(this.#sedd ? 'ready' : 'waiting');
      }
    }
  }

  #event(event) {
    const { cells, desk, timeline, poster } = this.#parts;
    if (event.start) {
      poster.hidden = true;
      cells.element.hidden = false;
      this.#history ??= new History(event);
      this.#history.settings = event.settings;
      this.#options.steps = event.steps;
      cells.open(this.#history.at(this.#history.last), { held: event.held });
      timeline.element.hidden = false;
    } else {
      this.#history.add(event);
      const state = this.#history.at(this.#history.last);
      cells.show(state);
      const quarter = Math.ceil(event.total / 4);
      if (event.step % quarter === 0)
        desk.say(SENTENCES.step(event.step, event.total, state.texts.length - state.masked, state.texts.length));
      this.emit('step', event);
    }
    timeline.follow(this.#history, event.start ? 0 : this.#history.last + event.total - event.step);
  }

  #writeTwin(sample, signal) {
    const { prompt = '', seed: used } = this.#options;
    const { temperature, topP, topK } = sample.settings;
    const options = { seed: used, temperature, topP, topK, signal };
    return this.#parts.twin.write(this.#gpt2, { given: prefixOf(prompt), sample, options });
  }

  /** Ends a load or a run under way. */
  stop() {
    if (this.dataset.state === 'loading') this.#cancelLoad();
    this.#abort?.abort();
  }

  /** Holds a run, or the replay of one. */
  pause() {
    if (this.#run) this.#run.pause();
    else this.#parts.timeline.playback.pause();
  }

  /** Goes on after pause(). */
  continue() {
    if (this.#run) this.#run.continue();
    else if (this.#history) this.#parts.timeline.start();
  }

  /** Shows the state after a step of the last run. @param {number} index */
  seekTo(index) {
    if (this.#history && !this.#run) this.#parts.timeline.seek(index);
  }

  /* ---- What comes out ---- */

  /** The last run's result, or null. */
  get sample() {
    return this.#result;
  }

  /** The last run as a trace that <sedd-player> plays. @returns {string} */
  exportTrace() {
    if (!this.#history || !this.#sedd)
      throw new SeddError('argument', 'There is no run to export yet.', { hint: 'Call run() first.' });
    const { name = this.model, sha256 } = this.#sedd.source ?? {};
    return writeTrace(
      traceOf(this.#history, {
        maskId: this.#sedd.info.maskId,
        model: { name, ...(sha256 && { sha256 }) },
      }),
    );
  }

  /**
   * Measures both models by the benchmark's rules and copies the report.
   * @param {'markdown'|'json'|'csv'} [format]
   * @returns {Promise<string>} the report, also where the clipboard is not allowed
   */
  async copyReport(format = 'markdown') {
    if (!this.compare)
      throw new SeddError('argument', '<sedd-demo>: a comparison needs a GPT-2.', {
        hint: 'Give compare="…" the address of its folder.',
      });
    this.stop();
    await this.load();
    const { compare, report } = await import('./client.js');
    const { desk } = this.#parts;
    const abort = (this.#abort = new AbortController());
    const {
      prompt = '',
      steps = this.#sedd.defaults.steps ?? this.steps,
      length = this.#result?.ids.length ?? REPORT.length,
      ...sampling
    } = this.#asked();
    const counts = [...REPORT.steps.filter((count) => count < steps), steps];
    this.#show('running');
    try {
      const comparison = compare(this.#sedd, this.#gpt2, {
        ...sampling,
        prompt: prefixOf(prompt),
        steps: counts,
        length,
        signal: abort.signal,
        onProgress: ({ round, rounds }) => desk.say(SENTENCES.comparing(round + 1, rounds)),
      });
      const written = report(await comparison.result, format);
      await this.#copy(written);
      return written;
    } finally {
      if (abort === this.#abort) {
        this.#abort = null;
        this.#show('ready');
      }
    }
  }

  /** Into the clipboard; where that is not allowed, onto the page. */
  async #copy(written) {
    const { desk, report } = this.#parts;
    try {
      await navigator.clipboard.writeText(written);
      desk.say(SENTENCES.copied);
    } catch {
      report.textContent = written;
      report.hidden = false;
      desk.say(SENTENCES.shown);
    }
  }
}

define('sedd-demo', SeddDemo);
