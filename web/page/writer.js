/** Starts, pauses and stops runs, branches from any step, and reproduces the run of a link. */
import { SeddError } from '../errors.js';
import { History } from '../view/history.js';
import { Run, branchHistory, seedOf } from './runs.js';
import { SHOW_MS } from './stage.js';
import { explain, millis, number, t } from './text.js';

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export class Writer extends EventTarget {
  #abort = null;
  #live = null; // the engine's current run
  #paused = false;
  #ended = Promise.resolve(); // resolves when the current run has ended

  /** @param {{models: import('./models.js').Models, runs: import('./runs.js').Runs, stage: import('./stage.js').Stage, say: (text: string) => void, complain: (text: string) => void}} given */
  constructor(given) {
    super();
    Object.assign(this, given);
  }

  get busy() {
    return this.#abort !== null;
  }
  get paused() {
    return this.#paused;
  }
  /** True if the engine is computing; otherwise a busy run is only being shown. */
  get making() {
    return this.#live !== null;
  }

  /** Starts a new run. @param {object} options of the recipe, with `prompt` or `clamp` @param {{paused?: boolean, chosen?: boolean}} [how] chosen: its seed was chosen for its text */
  write({ model, ...options }, { paused = false, chosen = false } = {}) {
    return this.#work(paused, async (signal) => {
      const engine = await this.models.get(model);
      const live = engine.sample({ ...options, seed: seedOf(options.seed), signal });
      const make = (start) =>
        Object.assign(new Run({ history: new History(start), options, origin: 'live', model }), { chosen });
      return this.#merge(await this.#follow(live, make, paused));
    });
  }

  /** Continues from a state of a run after a change. @param {Run} parent @param {number} from @param {import('./runs.js').Change} change */
  branch(parent, from, change, { paused = false } = {}) {
    return this.#work(paused, async (signal) => {
      const engine = await this.models.get(parent.model);
      return this.#branch(engine, parent, from, change, signal, paused);
    });
  }

  async #branch(engine, parent, from, change, signal, paused, shows = true) {
    const { maskId } = engine.info;
    const history = branchHistory(parent, from, change, maskId);
    const options = {
      ...parent.options,
      ...(change.seed !== undefined && { seed: change.seed }),
      ...(change.temperature !== undefined && { temperature: change.temperature }),
    };
    const { position } = parent.state(from);
    const { ids } = history.at(history.last);
    const state = { position, ids, options: { ...options, seed: seedOf(options.seed) } };
    const live = engine.resume(state, { signal });
    const make = () => new Run({ history, options, origin: 'live', model: parent.model, parent, from, change });
    return this.#merge(await this.#follow(live, make, paused, shows));
  }

  /** Reproduces a run and the branches that lead to it, as a link describes them. */
  reproduce({ model, ...options }, lineage) {
    return this.#work(false, async (signal) => {
      const engine = await this.models.get(model);
      let run = await this.#follow(
        engine.sample({ ...options, seed: seedOf(options.seed), signal }),
        (start) => new Run({ history: new History(start), options, origin: 'live', model }),
        false,
        lineage.length === 0,
      );
      for (const [i, { from, change }] of lineage.entries()) {
        if (from > run.history.last)
          throw new SeddError(
            'argument',
            t('share.damaged', { what: t('share.step', { from, last: run.history.last }) }),
          );
        const edit = change.edit ?? [];
        const texts = await Promise.all(edit.map(([, id]) => (id === null ? null : engine.detokenize([id]))));
        run = await this.#branch(engine, run, from, { ...change, texts }, signal, false, i === lineage.length - 1);
      }
      return run;
    });
  }

  /** Runs one job at a time. Shows errors instead of throwing them. @returns {Promise<Run|null>} */
  async #work(paused, job) {
    if (this.busy) {
      this.complain(t('busy'));
      return null;
    }
    let free;
    this.#ended = new Promise((resolve) => {
      free = resolve;
    });
    this.#abort = new AbortController();
    this.#paused = paused;
    this.complain('');
    this.say('');
    this.#changed();
    try {
      return await job(this.#abort.signal);
    } catch (error) {
      this.stage.skip();
      if (error.name === 'AbortError') this.say(t('stopped'));
      else this.complain(explain(error));
      return null;
    } finally {
      this.#abort = null;
      this.#live = null;
      this.#paused = false;
      this.#changed();
      free();
    }
  }

  /** Makes a run. With `shows`, it ends when all of it has been shown. */
  async #follow(live, make, paused, shows = true) {
    this.#live = live;
    if (paused) live.pause();
    const times = [];
    let run = null;
    let shown;
    try {
      for await (const event of live) {
        if (event.start) {
          run = this.runs.add(make(event));
          run.history.settings = event.settings;
          this.stage.open(run);
          shown = this.stage.follow(paused);
          if (paused) this.#stride();
          continue;
        }
        run.history.add(event);
        run.total = event.total;
        times.push(event.ms);
        this.stage.grown();
      }
      const result = await live.result;
      run.ms = times.reduce((a, b) => a + b, 0);
      run.text = result.text;
    } finally {
      this.#live = null;
      if (run) {
        run.done = true;
        run.total = run.history.last;
        if (this.stage.run === run) this.stage.finished();
        this.runs.grown();
      }
    }
    this.#tell(run, times);
    if (!shows) this.stage.skip();
    await shown;
    return run;
  }

  /** Shows the time of the run as soon as it is known, and sends `made`. */
  #tell(run, times) {
    this.dispatchEvent(new Event('made'));
    const slower = this.stage.paced && this.stage.showing && run.ms < SHOW_MS;
    run.said = [
      t('done', {
        tokens: number(run.history.length),
        ms: millis(run.ms),
        perStep: millis(median(times)),
        seed: run.options.seed,
      }),
      slower && t('done.shown', { seconds: number(SHOW_MS / 1000) }),
      run.chosen && t('seed.chosen'),
    ]
      .filter(Boolean)
      .join(' ');
    this.say(run.said);
  }

  /** Keeps one of two runs with equal steps, and shows a message. @param {Run} run @returns {Run} the kept run */
  #merge(run) {
    const kept = this.runs.merge(run);
    if (kept !== run) {
      this.stage.open(kept);
      this.say(`${run.said} ${t('tree.merged')}`);
    }
    return kept;
  }

  /** Makes exactly one step of a paused run. The worker handles messages before each step. */
  #stride() {
    if (this.stage.stepOn() || !this.#live) return;
    this.#live.continue();
    this.#live.pause();
  }

  /** Ends the run. A computed run is shown to its end immediately. */
  stop() {
    if (this.stage.showing && this.stage.run.done) this.stage.skip();
    else this.#abort?.abort();
  }

  /** Ends the current run. @returns {Promise<void>} when it has ended */
  async end() {
    if (!this.busy) return;
    this.#abort.abort();
    this.stage.skip();
    await this.#ended;
  }

  togglePause() {
    if (!this.busy) return;
    this.#paused = !this.#paused;
    this.stage.hold(this.#paused);
    if (this.#paused) this.#live?.pause();
    else this.#live?.continue();
    this.#changed();
  }

  /** Makes one more step of a paused run, or pauses a running one. */
  step() {
    if (!this.busy) return;
    if (this.#paused) this.#stride();
    else this.togglePause();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
