/**
 * A run under way: async-iterable over its events, with a result. The events are kept, so that the
 * state after any step can be asked for and a trace be written.
 */
import { SeddError } from '../errors.js';
import { Events } from './events.js';

/**
 * @typedef {object} StartEvent the first event of a SEDD's run: the window as it begins
 * @property {true} start
 * @property {number} step evaluations done before: 0, or the position of the state that the run goes on from
 * @property {number} total evaluations there will be, as far as that is known
 * @property {number} masked positions that are masked
 * @property {number[]} positions all of the window
 * @property {number[]} ids parallel to positions
 * @property {(string|null)[]} texts parallel to positions; null for a mask
 * @property {number[]} held positions that are given
 * @property {number} position the same as step
 * @property {number} steps as asked, or fewer where a budget allows fewer
 * @property {Settings} settings how the run samples
 */

/**
 * @typedef {object} StepEvent one evaluation of a SEDD's run
 * @property {undefined} [start] only the first event has it
 * @property {number} step evaluations done
 * @property {number} total evaluations there will be
 * @property {number} t time before the step, from 1 to 0
 * @property {number} sigma noise before the step
 * @property {number} rows rows of the window that were drawn from; 0: there were none, and the network did not run
 * @property {number} masked positions that are still masked
 * @property {number[]} positions what changed
 * @property {number[]|null} confidence parallel to positions: the probability the model gave to the drawn token
 * @property {number[]|null} entropy parallel to positions: of the distribution it was drawn from, nats
 * @property {number[]} ids parallel to positions
 * @property {(string|null)[]} texts parallel to positions; null for a mask
 * @property {number} ms
 */

/**
 * @typedef {object} Settings how a run samples, in full: a call's options over the model's, by the engine's table
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
 * @typedef {object} State where a run stands; plain data
 * @property {number} position evaluations done
 * @property {number[]} ids
 * @property {object} options of the run
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
    /** @type {number|bigint} the random numbers' seed, given or drawn */
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
    this.result.catch(() => {}); // an abort nobody waits for is no unhandled rejection
  }

  /** Stops before the next step and lets other calls to the model through. */
  pause() {
    this.#call.hold(true);
  }
  /** Goes on after pause(), by one step at least: `continue()` and `pause()` together make exactly one. */
  continue() {
    this.#call.hold(false);
  }
  /** Ends the run at once: the result and the loop reject with AbortError. */
  abort() {
    this.#call.abort();
  }

  /**
   * The state after the events so far, or after a given step, for `sedd.resume`.
   * @param {number} [step] evaluations done; the state at the start is that of the first event's position
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

  /** Every event from the first on, also for a second loop. */
  [Symbol.asyncIterator]() {
    return this.#events.read(this.result);
  }
}
