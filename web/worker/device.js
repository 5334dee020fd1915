/**
 * Selects where the network is evaluated: by the wasm engine, or by a graphics device, whose code is fetched on
 * request. Windows that the graphics device cannot hold run on wasm. After a fault of the device, everything runs on
 * wasm, from the current step on. A device that was lost is opened anew when the next run begins.
 */
import { importWebGPU } from '../builds.js';
import { SeddError } from '../errors.js';
import { shown } from '../engine/engine.js';

const CHOICES = ['wasm', 'webgpu', 'auto'];
/** How often a lost device is opened anew: one that is lost again and again would only delay every run. */
const REOPENINGS = 2;

/** @typedef {import('../client.js').DeviceInfo} DeviceInfo */

export class Device {
  /** @type {any} the graphics device, opened by engine/webgpu/open.js */ #gpu = null;
  #losses = 0;
  #reopens = false;
  #tell;
  #load;

  /**
   * @param {string} wanted
   * @param {(info: DeviceInfo) => void} tell called when the device changes after the load
   * @param {() => Promise<{openWebGPU: Function}>} load fetches the code for graphics devices
   */
  constructor(wanted = 'wasm', tell = () => {}, load = importWebGPU) {
    if (!CHOICES.includes(wanted))
      throw new SeddError('argument', `device is ${shown(wanted)}; expected wasm, webgpu or auto.`);
    this.wanted = wanted;
    this.#tell = tell;
    this.#load = load;
    /** @type {DeviceInfo} */
    this.info = { kind: 'wasm', name: '', reason: '' };
  }

  /** Moves a loaded model to the requested device. @param {import('../engine/model.js').Model} model */
  async open(model) {
    this.model = model;
    if (this.wanted === 'wasm') return;
    try {
      const { openWebGPU } = await this.#load();
      this.#gpu = await openWebGPU(model, {
        auto: this.wanted === 'auto',
        onLost: (fault) => this.#fall(fault),
      });
      this.info = { kind: 'webgpu', name: this.#gpu.name, reason: this.#gpu.reason };
    } catch (error) {
      this.info = { kind: 'wasm', name: '', reason: error.message };
    }
  }

  /** Opens a lost device anew. The worker calls it before a run begins. */
  async ready() {
    if (!this.#reopens) return;
    this.#reopens = false;
    await this.open(this.model);
    this.#tell(this.info);
  }

  /** Continues with wasm. A lost device causes two reports: its event, and the error of the running call. */
  #fall(error) {
    const gpu = this.#gpu;
    if (!gpu) return;
    this.#gpu = null;
    gpu.destroy();
    this.#reopens = error.reason === 'lost' && ++this.#losses <= REOPENINGS;
    this.info = { kind: 'wasm', name: '', reason: error.message };
    this.#tell(this.info);
  }

  /** Returns the value of `work`, or null if wasm must do it. */
  async #try(work) {
    try {
      return this.#gpu && (await work(this.#gpu));
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      if (error.reason !== 'unsupported') this.#fall(error);
      return null;
    }
  }

  /**
   * Makes one evaluation of a run, an inspection or a likelihood. Returns what its `advance()` returns.
   * @param {any} run
   * @param {() => boolean} cancelled
   */
  async advance(run, cancelled) {
    const made = await this.#try(async (gpu) => ({ value: await gpu.advance(run, cancelled) }));
    return made ? made.value : run.advance();
  }

  /**
   * Returns a GPT-2 that continues a prompt; `advance()` resolves to the next token.
   * @param {any} options
   * @param {() => boolean} cancelled
   */
  async generation(options, cancelled) {
    let run = await this.#try((gpu) => gpu.generation(options, cancelled));
    run ??= this.model.startGeneration(options);
    return {
      get done() {
        return run.done;
      },
      advance: async () => {
        if (!run.written) return run.advance(); // a run on wasm has no `written`
        const id = await this.#try(() => run.advance());
        if (id !== null) return id;
        const { written } = run;
        run.free();
        run = this.model.startGeneration(options, written);
        return run.advance();
      },
      free: () => run.free(),
    };
  }

  /** Compares the graphics device with wasm, as checks of a self-test. @returns {Promise<import('./selftest.js').Check[]>} */
  async checks() {
    return (await this.#try((gpu) => gpu.checks())) ?? [];
  }
}
