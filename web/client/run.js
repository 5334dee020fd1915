/**
 * A run, which is async-iterable over its events and has a result. It keeps its events, so that it can return the state
 * after any step, and its trace.
 */
import { SeddError } from '../errors.js';
import { Events } from './events.js';

/**
 * @typedef {object} StartEvent the first event of a SEDD's run, with the initial window
 * @property {true} start
 * @property {number} step number of evaluations before: 0, or the position of the state that the run continues
 * @property {number} total number of evaluations of the run, as far as it is known
 * @property {number} masked number of masked positions
 * @property {number[]} positions all positions of the window
 * @property {number[]} ids parallel to positions
 * @property {(string|null)[]} texts parallel to positions; null for a mask
 * @property {number[]} held positions of given tokens
 * @property {number} position the same as step
 * @property {number} steps the requested number, or fewer if a budget allows only fewer
 * @property {Settings} settings all settings of the run
 */

/**
 * @typedef {object} StepEvent one evaluation of a SEDD's run
 * @property {undefined} [start] only in the first event
 * @property {number} step number of evaluations done
 * @property {number} total number of evaluations of the run
 * @property {number} t time before the step, from 1 to 0
 * @property {number} sigma noise before the step
 * @property {number} rows rows that were drawn; 0: none, and the network did not run
 * @property {number} masked number of positions that are still masked
 * @property {number[]} positions positions that changed
 * @property {number[]|null} confidence parallel to positions: the probability the model gave to the drawn token
 * @property {number[]|null} entropy parallel to positions: of the distribution that the token was drawn from, in nats
 * @property {number[]} ids parallel to positions
 * @property {(string|null)[]} texts parallel to positions; null for a mask
 * @property {number} ms
 */

/**
 * @typedef {object} Settings all settings of a run: the call's options, then the model's, then the engine's defaults
 * @property {number} length
 * @property {number} steps
 * @property {string} seed
 * @property {'analytic'|'euler'|'ddpm'|'ddpm_cache'} sampler
 * @property {'exact'|'official'} draw
 * @property {'score'|'normalised'|'planned'|'bounded'|'hitting'} positions
 * @property {'random'|'spread'|'confidence'|'margin'|'entropy'} order
 * @property {'linear'|'cosine'} grid
 * @property {'all'|'known'} context
 * @property {number} [gamma]
 * @property {'own'|'draw'|'likeliest'|'open'} [ending]
 * @property {boolean} denoise
 * @property {number} temperature
 * @property {number} topK
 * @property {number} topP
 */

/** @typedef {StartEvent | StepEvent} SampleEvent */

/**
 * @typedef {object} State a state of a run, as plain data
 * @property {number} position number of evaluations done
 * @property {number[]} ids
 * @property {object} options options of the run
 */

/**
 * @template Event
 * @template Result
 * @implements {AsyncIterable<Event>}
 */
export class Run {
  /** @type {Events<any>} */ #events = new Events();
  #options;
  #call;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {'sample'|'generate'} method
   * @param {any} options plain data, with its seed
   * @param {{signal?: AbortSignal, onStep?: (event: Event) => void, finish?: (value: any, events: any[]) => Result}} how
   */
  constructor(connection, method, options, { signal, onStep, finish = (value) => value }) {
    /** @type {number|bigint} the seed of the random numbers, given or random */
    this.seed = options.seed;
    this.#options = options;
    const begin = performance.now();
    this.#call = connection.call(method, [options], {
      signal,
      onEvent: (event) => {
        this.#events.add(event);
        onStep?.(event);
      },
    });
    /** @type {Promise<Result>} resolves when the run is over; rejects with AbortError after abort() */
    this.result = this.#call.result
      .then((value) => {
        value.timings.totalMs = performance.now() - begin;
        return finish({ ...value, seed: options.seed }, [...this.#events.list]);
      })
      .finally(() => this.#events.end());
    this.result.catch(() => {}); // an abort that nobody awaits must not become an unhandled rejection
  }

  /** Pauses before the next step. Other calls to the model can then run. */
  pause() {
    this.#call.hold(true);
  }
  /** Continues after pause(), for at least one step: `continue()` followed by `pause()` runs exactly one. */
  continue() {
    this.#call.hold(false);
  }
  /** Ends the run at once. The result and the loop reject with AbortError. */
  abort() {
    this.#call.abort();
  }

  /**
   * Returns the state after the latest event, or after a given step, for `sedd.resume`.
   * @param {number} [step] number of evaluations; the `position` of the first event means the initial state
   * @returns {State | null} null before the run has started
   */
  state(step = Infinity) {
    const [start, ...steps] = this.#events.list;
    if (!start?.start) return null;
    if (step < start.position)
      throw new SeddError('argument', `This run began after step ${start.position}; step ${step} is not its own.`);
    const ids = [...start.ids];
    let { position } = start;
    for (const event of steps) {
      if (event.step > step) break;
      event.positions.forEach((place, i) => {
        ids[place] = event.ids[i];
      });
      position = event.step;
    }
    return { position, ids, options: { ...this.#options, steps: start.steps, length: ids.length, state: undefined } };
  }

  /** Yields every event from the first on, also in a second loop. */
  [Symbol.asyncIterator]() {
    return this.#events.read(this.result);
  }
}
