/** The record of one run of <sedd-demo>: its history and its settings. */
import { denoises } from '../client/sampling.js';
import { traceOf, writeTrace } from '../client/trace.js';
import { branchOf, editOf } from './branch.js';
import { History } from './history.js';

export class Record {
  /** @type {History|null} null before the first event */ history = null;

  /**
   * @param {object} options of the run, with its seed
   * @param {{name?: string, sha256?: string, maskId: number}} model
   * @param {{history: History, index: number}|null} [parent] the run that this one branches from, and the index of the
   *   state
   */
  constructor(options, model, parent = null) {
    this.options = options;
    this.model = model;
    this.parent = parent;
  }

  /** Adds an event of the run. @param {import('../client/run.js').SampleEvent} event */
  add(event) {
    if (!event.start) {
      this.history.add(event);
      return;
    }
    const { history, index } = this.parent ?? {};
    this.history = history ? branchOf(history, index, editOf(history.at(index), event)) : new History(event);
    this.history.settings = event.settings;
    this.options = { ...this.options, steps: event.steps };
    this.parent = null;
  }

  /** True if an evaluation by the denoiser followed the steps. */
  get denoised() {
    const { positions, steps } = this.history.settings;
    return denoises(positions) && this.history.last > steps;
  }

  /** Returns the run so far as the text of a trace. */
  trace() {
    const { maskId, ...model } = this.model;
    return writeTrace(traceOf(this.history, { maskId, model }));
  }
}
