/** One run of <sedd-demo> as it is recorded: its history, and what made it. */
import { denoises } from '../client/sampling.js';
import { traceOf, writeTrace } from '../client/trace.js';
import { branchOf, editOf } from './branch.js';
import { History } from './history.js';

export class Record {
  /** @type {History|null} null before the first event */ history = null;

  /**
   * @param {object} options of the run, with its seed
   * @param {{name?: string, sha256?: string, maskId: number}} model
   * @param {{history: History, index: number}|null} [parent] the run this one leaves, and after which of its states
   */
  constructor(options, model, parent = null) {
    this.options = options;
    this.model = model;
    this.parent = parent;
  }

  /** Adds an event of the run. @param {import('../client/run.js').SampleEvent} event */
  add(event) {
    if (!event.start) this.history.add(event);
    else if (!this.parent) this.history = new History(event);
    else {
      const { history, index } = this.parent;
      this.history = branchOf(history, index, editOf(history.at(index), event));
      this.parent = null;
    }
  }

  /** Whether an evaluation by the denoiser came after the steps. */
  get denoised() {
    return denoises(this.options.positions) && this.history.last > this.options.steps;
  }

  /** Returns the run so far as the text of a trace. */
  trace() {
    const { maskId, ...model } = this.model;
    return writeTrace(traceOf(this.history, { ...this.options, maskId, model }));
  }
}
