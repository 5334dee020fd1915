/** Runs GPT-2 on a graphics device, which reads the prompt once and then draws several tokens per submission. */
import { readOptions } from '../writing.js';

const AT_ONCE = 16; // tokens per submission
const tokensOf = (ids) => Int32Array.from(ids);

export class GPUGeneration {
  #device;
  #cancelled;
  #sizes;
  #choice;
  #options;
  /** @type {number[]} tokens that the GPU has drawn and that have not been returned yet */ #ahead = [];
  /** @type {number[]} tokens that have been returned */ written = [];

  /** @param {any} device of open.js @param {any} options of `generate` @param {() => boolean} cancelled */
  constructor(device, { seed, greedy = false, temperature = 1, topK = 0, topP = 1, ...options }, cancelled) {
    const { model } = device;
    this.#device = device;
    this.#cancelled = cancelled;
    this.#sizes = model.generationSizes(options);
    this.#options = readOptions(model.engine, { seed, greedy, temperature, topK, topP });
    this.#choice = { greedy: greedy || temperature === 0, temperature: temperature || 1, topK, topP };
  }

  get done() {
    return this.written.length >= this.#sizes.tokens;
  }

  /** Reads the prompt and the written tokens into the cache again, which another run may have used meanwhile. */
  async read() {
    const { network } = this.#device;
    this.#device.owner = null;
    network.reset();
    const ids = tokensOf([...this.#sizes.read, ...this.written, ...this.#ahead]);
    await network.append({ ids, cancelled: this.#cancelled });
    this.#device.owner = this;
  }

  #uniforms(first, count) {
    const { engine } = this.#device.model;
    return engine.scoped((scope) => {
      const address = scope.allocate(4 * count);
      engine.module._wasm_gpt2_uniforms(this.#options, first, count, address);
      return engine.floats(address, count).slice();
    });
  }

  /** Draws the next tokens: only one at first, so that it appears soon. */
  async #draw() {
    const device = this.#device;
    if (device.owner !== this) await this.read();
    device.owner = null; // the cache is incomplete until the new tokens have been read
    const first = this.written.length;
    const left = this.#sizes.tokens - first;
    const count = Math.min(first === 0 ? 1 : AT_ONCE, left);
    const { token, logSum } = await device.network.generate({
      ...this.#choice,
      count,
      uniforms: this.#uniforms(first, count),
      last: count === left,
      cancelled: this.#cancelled,
    });
    if (logSum.some(Number.isNaN)) throw new Error('The graphics device computed something that is not a number.');
    this.#ahead = [...token];
    device.owner = this;
  }

  /** Returns the next token's id. */
  async advance() {
    if (this.#ahead.length === 0) await this.#draw();
    const id = /** @type {number} */ (this.#ahead.shift());
    this.written.push(id);
    return id;
  }

  free() {
    this.#device.model.engine.module._free(this.#options);
    this.#options = 0;
    if (this.#device.owner === this) this.#device.owner = null;
  }
}
