/**
 * Records dispatches and submits them. A short call is one command buffer. A longer call is split where rest() allows
 * it, so that the page can draw, an abort takes effect and no watchdog fires. Submitted work cannot be cancelled.
 */
import { abortError, GPUFault } from './fault.js';

/** Longest time of one submission in milliseconds. */
const LIMIT = 30;
const MAP_READ = 1;
/** Distance between two spans in bytes: the largest alignment of dynamic offsets that a device may require. */
export const SPAN_BYTES = 256;

/** @typedef {{pipeline: any, group: any}} Operation */

export class Runner {
  #gpu;
  #encoder;
  #pass;
  #cancelled = () => false;
  #work = 0;
  #kind = '';
  /** @type {Record<string, number>} milliseconds per unit of work, for each kind that has been measured */ #paces = {};
  /** dispatches of the last call */ dispatches = 0;
  /** submissions of the last call */ submissions = 0;
  stopped = false;

  /** @param {import('./device.js').Gpu} gpu */
  constructor(gpu) {
    this.#gpu = gpu;
  }

  /** Begins a call. @param {() => boolean} [cancelled] polled between submissions */
  begin(cancelled = () => false) {
    this.#cancelled = cancelled;
    this.#encoder = this.#pass = undefined;
    this.#work = this.dispatches = this.submissions = 0;
    this.#check();
  }

  #check() {
    this.#gpu.check();
    if (this.stopped) throw new GPUFault('lost', 'The network was freed while it computed.');
    if (this.#cancelled()) throw abortError();
  }

  /**
   * Records one dispatch of x * y workgroups. @param {Operation} operation @param {number} span index of its arguments
   */
  dispatch({ pipeline, group }, span, x, y = 1) {
    this.#encoder ??= this.#gpu.device.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(pipeline);
    this.#pass.setBindGroup(0, group, [span * SPAN_BYTES]);
    this.#pass.dispatchWorkgroups(x, y);
    this.dispatches++;
  }

  /** Records a copy from one buffer to another. */
  copy(from, offset, to, place, size) {
    this.#pass?.end();
    this.#pass = undefined;
    this.#encoder ??= this.#gpu.device.createCommandEncoder();
    this.#encoder.copyBufferToBuffer(from, offset, to, place, size);
  }

  /**
   * Reports that `work` more units have been recorded. Splits the call here if the next units would exceed the time
   * limit.
   * @param {number} work in a unit that is proportional to time within its kind
   * @param {string} [kind] a single row costs more than a row of many, because it reads all weights
   */
  async rest(work, kind = 'rows') {
    this.#work += work;
    this.#kind = kind;
    const pace = this.#paces[kind];
    if (!pace || (this.#work + work) * pace > LIMIT)
      await this.#submit(() => this.#gpu.device.queue.onSubmittedWorkDone());
  }

  /** Submits the recorded work and waits for it. @param {() => Promise<unknown>} wait */
  async #submit(wait) {
    this.#check(); // never submits the buffers of a network that was freed meanwhile
    this.#pass?.end();
    const { queue } = this.#gpu.device;
    const start = performance.now();
    if (this.#encoder) {
      queue.submit([this.#encoder.finish()]);
      this.submissions++;
    }
    const done = wait();
    queue.submit([]); // Firefox checks pending maps only when something is submitted
    try {
      await done;
    } catch (error) {
      this.#check();
      throw new GPUFault('lost', `The graphics device did not answer: ${/** @type {Error} */ (error).message}`, error);
    }
    if (this.#work > 0) {
      const pace = Math.max(0.01, performance.now() - start - this.#gpu.latency) / this.#work;
      this.#paces[this.#kind] = ((this.#paces[this.#kind] ?? pace) + pace) / 2;
    }
    this.#encoder = this.#pass = undefined;
    this.#work = 0;
    this.#check();
  }

  /** Submits the remaining work and waits until it is done. */
  async finish() {
    await this.#submit(() => this.#gpu.device.queue.onSubmittedWorkDone());
  }

  /** Submits the remaining work and returns the first `size` bytes of `staging`. @returns {Promise<ArrayBuffer>} */
  async read(staging, size) {
    await this.#submit(() => staging.mapAsync(MAP_READ, 0, size));
    const bytes = staging.getMappedRange(0, size).slice(0);
    staging.unmap();
    return bytes;
  }
}
