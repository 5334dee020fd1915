/** Makes runs: starts, pauses, stops them, branches from any step, and reproduces what a link describes. */
import { SeddError } from '../errors.js';
import { History } from '../view/history.js';
import { Run, branchHistory, seedOf } from './runs.js';
import { explain, millis, number, t } from './text.js';

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export class Writer extends EventTarget {
  #abort = null;
  #live = null; // the engine's run under way
  #paused = false;

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

  /** A new run. @param {object} options of the recipe, with `prompt` or `clamp` @param {{paused?: boolean}} [how] */
  write({ model, ...options }, { paused = false } = {}) {
    return this.#work(paused, async (signal) => {
      const engine = await this.models.get(model);
      const live = engine.sample({ ...options, seed: seedOf(options.seed), signal });
      const make = (start) => new Run({ history: new History(start), options, origin: 'live', model });
      return this.#merge(await this.#follow(live, make, paused));
    });
  }

  /** Goes on from a state of a run with something changed. @param {Run} parent @param {number} from @param {import('./runs.js').Change} change */
  branch(parent, from, change, { paused = false } = {}) {
    return this.#work(paused, async (signal) => {
      const engine = await this.models.get(parent.model);
      return this.#branch(engine, parent, from, change, signal, paused);
    });
  }

  async #branch(engine, parent, from, change, signal, paused) {
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
    return this.#merge(await this.#follow(live, make, paused));
  }

  /** A run and the branches that lead to it, as a link describes them. */
  reproduce({ model, ...options }, lineage) {
    return this.#work(false, async (signal) => {
      const engine = await this.models.get(model);
      let run = await this.#follow(
        engine.sample({ ...options, seed: seedOf(options.seed), signal }),
        (start) => new Run({ history: new History(start), options, origin: 'live', model }),
        false,
      );
      for (const { from, change } of lineage) {
        if (from > run.history.last)
          throw new SeddError(
            'argument',
            t('share.damaged', { what: t('share.step', { from, last: run.history.last }) }),
          );
        const edit = change.edit ?? [];
        const texts = await Promise.all(edit.map(([, id]) => (id === null ? null : engine.detokenize([id]))));
        run = await this.#branch(engine, run, from, { ...change, texts }, signal, false);
      }
      return run;
    });
  }

  /** One job at a time; what goes wrong is said, not thrown. @returns {Promise<Run|null>} */
  async #work(paused, job) {
    if (this.busy) {
      this.complain(t('busy'));
      return null;
    }
    this.#abort = new AbortController();
    this.#paused = paused;
    this.complain('');
    this.say('');
    this.#changed();
    try {
      return await job(this.#abort.signal);
    } catch (error) {
      if (error.name === 'AbortError') this.say(t('stopped'));
      else this.complain(explain(error));
      return null;
    } finally {
      this.#abort = null;
      this.#live = null;
      this.#paused = false;
      this.#changed();
    }
  }

  async #follow(live, make, paused) {
    this.#live = live;
    if (paused) live.pause();
    const times = [];
    let run = null;
    try {
      for await (const event of live) {
        if (event.start) {
          run = this.runs.add(make(event));
          this.stage.open(run);
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
      run.said = t('done', {
        tokens: number(run.history.length),
        ms: millis(run.ms),
        perStep: millis(median(times)),
        seed: run.options.seed,
      });
      this.say(run.said);
      return run;
    } finally {
      if (run) {
        run.done = true;
        run.total = run.history.last;
        if (this.stage.run === run) this.stage.finished();
        this.runs.grown();
      }
    }
  }

  /** Keeps one of two runs that are the same step by step, and says so. @param {Run} run @returns {Run} the one that is kept */
  #merge(run) {
    const kept = this.runs.merge(run);
    if (kept !== run) {
      this.stage.open(kept);
      this.say(`${run.said} ${t('tree.merged')}`);
    }
    return kept;
  }

  /** Lets a paused run make exactly one step: the worker looks for messages before each. */
  #stride() {
    this.#live.continue();
    this.#live.pause();
  }

  stop() {
    this.#abort?.abort();
  }

  togglePause() {
    if (!this.#live) return;
    this.#paused = !this.#paused;
    if (this.#paused) this.#live.pause();
    else this.#live.continue();
    this.#changed();
  }

  /** One more step of a paused run; pauses a running one. */
  step() {
    if (!this.#live) return;
    if (this.#paused) this.#stride();
    else this.togglePause();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
