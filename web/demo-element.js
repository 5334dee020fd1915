/**
 * <sedd-demo model="…"> runs a SEDD in the reader's browser, and a GPT-2 beside it if `compare` names one. It fetches
 * neither engine nor model before the reader asks for a run. This file has the attributes, the load and the runs;
 * demo-view.js draws them. web/README.md documents the element.
 */
import { SeddError, abortError } from './errors.js';
import { copied, measure } from './view/comparison.js';
import { FIELDS, asked } from './view/demo-options.js';
import { DemoView, demoStyles } from './view/demo-view.js';
import { SeddElement, define, mirror, whenNear } from './view/element.js';
import { Loader } from './view/loader.js';
import { prefixOf } from './view/preview.js';
import { Record } from './view/record.js';
import { speak } from './view/words.js';

export class SeddDemo extends SeddElement {
  static observedAttributes = mirror(this, FIELDS);

  #view;
  #loader = new Loader();
  #loading = null; // promise of the load
  #models = null; // {sedd, gpt2}, once they are loaded
  #task = null; // AbortController of the latest run or comparison, until it ends
  #run = null; // the current run
  #record = null; // the shown run
  #sample = null; // the last result
  #unwatch = () => {};

  constructor() {
    super();
    const { root, problem } = this.prepare(...demoStyles());
    this.#view = new DemoView({
      onRun: (values) => this.#submit(values),
      onStop: () => this.stop(),
      onReport: () => this.copyReport().catch(() => {}),
      onPoster: () => this.#sketch(),
    });
    root.append(...this.#view.elements, problem, document.createElement('slot'));
    this.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.stop();
    });
  }

  connectedCallback() {
    speak(this, this.#view.speakers);
    if (this.#loader.wanted) return; // the element was moved
    this.upgrade();
    this.checkAttributes();
    this.#arrange();
    this.#sketch();
    this.#show('waiting');
    this.#await();
  }

  /** Disposes of an element that was removed. A moved element is connected again in the same task. */
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected) this.dispose();
    });
  }

  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    this.forgive();
    this.checkAttributes();
    if (['model', 'compare', 'device'].includes(name)) this.#replace(name);
    else if (name === 'loading' || name === 'reveal') this.#await();
    this.#arrange();
    this.#sketch();
    if (name === 'sheet') this.#show(this.dataset.state);
  }

  /** Loads now, or when the element comes near the viewport, as the attributes say. */
  #await() {
    this.#unwatch();
    const go = () => this.load().catch(() => {});
    if (this.loading === 'eager') go();
    else if (this.reveal === 'auto') this.#unwatch = whenNear(this, go);
  }

  /** Frees models after an attribute names others. Loads the new ones if the old ones were loaded or being loaded. */
  #replace(name) {
    const { wanted } = this.#loader;
    this.dispose();
    if (name === 'model') this.#record = this.#view.history = null; // its tokens have another meaning in another model
    queueMicrotask(() => {
      if (!this.isConnected || !this.model) return;
      if (wanted) this.load().catch(() => {});
      else this.#await();
    });
  }

  #arrange() {
    const { cells, controls } = this.#view;
    cells.layout = this.layout;
    cells.meter = this.meter;
    controls.fill({
      prompt: this.prompt,
      seed: this.getAttribute('seed') ?? '',
      steps: this.getAttribute('steps') ?? String(this.#models?.sedd.defaults.steps ?? this.steps),
    });
    controls.runButton.disabled = this.disabled;
  }

  #sketch() {
    if (this.#record) return;
    try {
      this.#view.sketch(this.prompt, this.length);
    } catch (error) {
      this.fail(error);
    }
  }

  #show(state) {
    this.dataset.state = state;
    this.#view.show(state, {
      manual: this.reveal === 'manual',
      buttons: this.controls === 'buttons',
      sheet: this.sheet,
      report: Boolean(this.#models?.gpt2),
    });
  }

  /* ---- Loading ---- */

  /** Fetches engine and models now. All callers wait for the same load. @returns {Promise<void>} */
  load() {
    if (this.#loading) return this.#loading;
    this.#unwatch();
    const loading = this.#fetch().then((models) => {
      if (this.#loading !== loading) throw abortError();
      this.#opened(models);
    });
    loading.catch((error) => {
      if (this.#loading === loading) this.#closed(error);
    });
    this.#loading = loading;
    return loading;
  }

  async #fetch() {
    if (!this.model)
      throw new SeddError('argument', '<sedd-demo>: it has no model.', {
        hint: 'Give model="…" the address of a folder with config.json, model.safetensors and tokenizer.json.',
      });
    const address = (url) => url && new URL(url, this.baseURI).href;
    const wanted = { sedd: address(this.model), gpt2: address(this.compare), device: this.device };
    const models = this.#loader.load(wanted, (progress) => this.#progress(progress));
    this.#show('loading');
    this.#progress({ loaded: 0, total: 0, phase: 'engine' });
    return models;
  }

  #progress(progress) {
    this.#view.progress(progress);
    this.emit('progress', progress);
  }

  #opened(models) {
    this.#models = models;
    this.#view.say(models.sedd.device.reason); // if a graphics device was requested
    this.#arrange();
    this.#show('ready');
    this.emit('ready', { model: models.sedd.info, compare: models.gpt2?.info ?? null });
  }

  /** Frees the models or aborts their load, and shows the reason. */
  #closed(error) {
    this.#loading = this.#models = null;
    this.#loader.release();
    this.#show('waiting');
    this.#view.say(error.name === 'AbortError' ? this.#view.words.stopped : '');
    this.fail(error);
  }

  /** Ends the current run and frees the models. The element stays usable. */
  dispose() {
    this.#unwatch();
    this.stop();
    this.#view.timeline.dispose();
    if (!this.#loading) return;
    this.#closed(abortError());
    this.#view.say('');
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

  /**
   * Writes a text. Loads the models first if necessary. Ends the current run.
   * @param {object} [changes] options that differ from the attributes
   * @returns {Promise<object>} the sample; rejects with AbortError if another run starts before it is complete
   */
  run(changes = {}) {
    return this.#write((sedd, signal) => {
      const options = asked(this, changes);
      return { options, run: sedd.sample({ ...options, signal }) };
    });
  }

  /**
   * Branches from a step of the last run.
   * @param {number} [index] step; default: the shown one
   * @param {object} [changes] seed, temperature, steps, or `edit`: [position, id|null] pairs
   */
  branch(index = this.#view.timeline.index, changes = {}) {
    if (!this.#record)
      return Promise.reject(
        new SeddError('argument', 'There is no run to branch from yet.', { hint: 'Call run() first.' }),
      );
    const { history, options: before } = this.#record;
    return this.#write((sedd, signal) => {
      const { step, ids } = history.at(index);
      const { edit, ...others } = changes;
      const run = sedd.resume({ position: step, ids, options: before }, { ...changes, signal });
      return { options: { ...before, ...others }, run, parent: { history, index } };
    });
  }

  /** Starts a task and ends the one before. A load continues, because both need it. */
  #begin() {
    this.#task?.abort();
    this.forgive();
    this.checkAttributes();
    this.#task = new AbortController();
    return this.#task;
  }

  /**
   * Waits for the models. Rejects if the task ends before they are loaded.
   * @returns {Promise<{sedd: any, gpt2: any}>}
   */
  async #loaded({ signal }) {
    const ended = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(abortError()));
    });
    await Promise.race([this.load(), ended]);
    signal.throwIfAborted();
    return this.#models;
  }

  /**
   * @param {(sedd: any, signal: AbortSignal) => {options: object, run: any, parent?: object}} start
   * @returns {Promise<object>} the sample
   */
  async #write(start) {
    const task = this.#begin();
    try {
      const { sedd, gpt2 } = await this.#loaded(task);
      this.#view.twin.hide();
      this.#show('running');
      const sample = await this.#follow(sedd, start(sedd, task.signal), task.signal);
      if (gpt2) await this.#writeTwin(gpt2, sample, task.signal);
      this.emit('done', { sample });
      return sample;
    } catch (error) {
      this.#failed(task, error);
      throw error;
    } finally {
      if (task === this.#task) this.#view.settle();
      this.#end(task);
    }
  }

  /** Shows a run while it is computed, from its first event on. @returns {Promise<object>} the sample */
  async #follow({ info, source }, { options, run, parent }, signal) {
    const { name = this.model, sha256 } = source ?? {};
    const model = { maskId: info.maskId, name, ...(sha256 && { sha256 }) };
    const record = new Record({ ...options, seed: run.seed }, model, parent);
    this.#run = run;
    for await (const event of run) {
      if (signal.aborted) break; // another run may have taken over
      record.add(event);
      this.#record = record;
      this.#view.event(record.history, event);
      if (!event.start) this.emit('step', event);
    }
    this.#sample = await run.result;
    this.paper.textContent = this.#sample.text;
    this.#view.done(this.#sample, record.denoised);
    return this.#sample;
  }

  #writeTwin(gpt2, sample, signal) {
    const { prompt = '' } = this.#record.options;
    const { temperature, topK, topP } = sample.settings;
    const options = { seed: sample.seed, temperature, topK, topP, signal };
    return this.#view.twin.write(gpt2, { given: prefixOf(prompt), sample, options });
  }

  /** Shows why a task ended, unless another one has started or its load has failed, which has been shown. */
  #failed(task, error) {
    if (task !== this.#task || !this.#models) return;
    if (error.name === 'AbortError') this.#view.say(this.#view.words.stopped);
    this.fail(error);
  }

  #end(task) {
    if (task !== this.#task) return;
    this.#task = this.#run = null;
    this.#show(this.#models ? 'ready' : this.#loading ? 'loading' : 'waiting');
  }

  /** Ends the current load or run. */
  stop() {
    this.#task?.abort();
    if (this.#loading && !this.#models) this.#closed(abortError());
  }

  /** Pauses the run or its replay. */
  pause() {
    if (this.#run) this.#run.pause();
    else this.#view.timeline.playback.pause();
  }

  /** Continues after pause(). */
  continue() {
    if (this.#run) this.#run.continue();
    else if (this.#record) this.#view.timeline.start();
  }

  /** Shows the state after a step of the last run. @param {number} index */
  seekTo(index) {
    if (this.#record && !this.#run) this.#view.timeline.seek(index);
  }

  /* ---- What comes out ---- */

  /** Returns the last result, or null. */
  get sample() {
    return this.#sample;
  }

  /** Returns the shown run as a trace, which <sedd-player> plays. @returns {string} */
  exportTrace() {
    if (!this.#record) throw new SeddError('argument', 'There is no run to export yet.', { hint: 'Call run() first.' });
    return this.#record.trace();
  }

  /**
   * Measures both models by the benchmark's rules and copies the report. Ends the current run.
   * @param {'markdown'|'json'|'csv'} [format]
   * @returns {Promise<string>} the report, even if the clipboard is not allowed
   */
  async copyReport(format = 'markdown') {
    if (!this.compare)
      throw new SeddError('argument', '<sedd-demo>: a comparison needs a GPT-2.', {
        hint: 'Give compare="…" the address of its folder.',
      });
    const task = this.#begin();
    try {
      const models = await this.#loaded(task);
      this.#show('running');
      const steps = models.sedd.defaults.steps ?? this.steps;
      const options = { steps, length: this.#sample?.ids.length, ...asked(this) };
      const written = await measure(models, options, {
        format,
        signal: task.signal,
        onProgress: ({ round, rounds }) => this.#view.say(this.#view.words.comparing(round + 1, rounds)),
      });
      this.#view.offer(written, await copied(written));
      return written;
    } catch (error) {
      this.#failed(task, error);
      throw error;
    } finally {
      this.#end(task);
    }
  }
}

define('sedd-demo', SeddDemo);
