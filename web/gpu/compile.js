/** Compiles kernels. Each combination of a kernel and its sizes is compiled once. */
import { GPUFault } from './fault.js';

const TYPES = { u: 'uniform', r: 'read-only-storage', w: 'storage' };
const COMPUTE = 4; // GPUShaderStage.COMPUTE

export class Compiler {
  #gpu;
  /** @type {Map<string, Promise<any>>} */ #pipelines = new Map();
  /** @type {Map<string, any>} */ #modules = new Map();
  /** @type {Map<string, any>} */ #layouts = new Map();

  /** @param {import('./device.js').Gpu} gpu */
  constructor(gpu) {
    this.#gpu = gpu;
  }

  /** Returns the layout of group 0 for a string of binding letters (kernels/shared.js). */
  layout(bindings) {
    let layout = this.#layouts.get(bindings);
    if (!layout) {
      layout = this.#gpu.device.createBindGroupLayout({
        entries: [...bindings].map((letter, binding) => ({
          binding,
          visibility: COMPUTE,
          buffer: { type: TYPES[letter], hasDynamicOffset: letter === 'u' },
        })),
      });
      this.#layouts.set(bindings, layout);
    }
    return layout;
  }

  /**
   * Returns the pipeline of a kernel with the given override constants.
   * @param {import('./kernels/shared.js').Kernel} kernel
   * @param {Record<string, number | boolean>} constants
   * @returns {Promise<any>} rejects with a GPUFault that names the kernel
   */
  pipeline(kernel, constants = {}) {
    const key = JSON.stringify([kernel.name, constants]);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) this.#pipelines.set(key, (pipeline = this.#compile(kernel, constants)));
    return pipeline;
  }

  async #compile({ name, bindings, code }, constants) {
    const { device } = this.#gpu;
    let module = this.#modules.get(name);
    if (!module) {
      device.pushErrorScope('validation'); // the pipeline below rejects for the same reason
      this.#modules.set(name, (module = device.createShaderModule({ label: name, code })));
      device.popErrorScope().catch(() => {});
    }
    try {
      return await device.createComputePipelineAsync({
        label: name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [this.layout(bindings)] }),
        compute: {
          module,
          entryPoint: 'main',
          constants: Object.fromEntries(Object.entries(constants).map(([key, value]) => [key, Number(value)])),
        },
      });
    } catch (error) {
      if (this.#gpu.lost) throw this.#gpu.lost;
      const { messages = [] } = (await module.getCompilationInfo?.()) ?? {};
      const first = messages.find(({ type }) => type === 'error');
      const why = first ? `line ${first.lineNum}: ${first.message}` : /** @type {Error} */ (error).message;
      throw new GPUFault('compile', `The kernel "${name}" does not compile on ${this.#gpu.name}: ${why}`, error);
    }
  }
}
