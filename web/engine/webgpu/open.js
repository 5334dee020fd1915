/**
 * A model on a graphics device. It runs everything that evaluates the network; windows longer than the model's stay on
 * wasm. The engine keeps its weights, so that it can take over at any step. This code is fetched only if a device is
 * requested.
 */
import { GPUFault, createNetwork, openGPU } from '../../gpu/gpu.js';
import { agreement } from './agreement.js';
import { gain } from './gain.js';
import { GPUGeneration } from './generation.js';
import { advanceOn } from './logits.js';
import { stepOn } from './step.js';
import { networkOf } from './tensors.js';

/** Size of the logits of a slice of rows, which the GPU has in one buffer (web/gpu/network.js). */
const LOGIT_BYTES = 64 << 20;

class WebGPU {
  /** @type {GPUGeneration | null} the generation whose tokens are in GPT-2's cache */ owner = null;
  reason = '';

  constructor(model, gpu, network) {
    this.model = model;
    this.gpu = gpu;
    this.network = network;
    this.name = gpu.name;
  }

  /**
   * Makes one evaluation of a run, an inspection or a likelihood. Exact draws of the absorb graph end on the device. For
   * everything else, the core reads the logits.
   */
  async advance(run, cancelled) {
    const { kind, graph } = this.model.info;
    if (kind === 'gpt2') this.owner = null; // this call overwrites its cache
    return run.settings?.draw === 'exact' && graph === 'absorb'
      ? stepOn(this.network, run, cancelled)
      : advanceOn(this.network, run, cancelled);
  }

  /** Returns the generation of a GPT-2 that has read its prompt. */
  async generation(options, cancelled) {
    const generation = new GPUGeneration(this, options, cancelled);
    try {
      await generation.read();
      return generation;
    } catch (error) {
      generation.free();
      throw error;
    }
  }

  /** Compares numbers of the network with those of wasm. */
  checks() {
    return agreement(this);
  }

  destroy() {
    this.network.destroy();
    this.gpu.destroy();
  }
}

/**
 * Opens the device, uploads the network, compares it with wasm and, with `auto`, times both.
 * @param {import('../model.js').Model} model
 * @param {{auto: boolean, onLost: (fault: GPUFault) => void}} options auto: rejects software renderers, and a device that is slower
 * @returns {Promise<WebGPU>} rejects with a GPUFault
 */
export async function openWebGPU(model, { auto, onLost }) {
  const { description, tensors, largest } = model.network(networkOf);
  const binding = Math.max(largest, Math.min(LOGIT_BYTES, 4 * description.states * description.positions));
  const gpu = await openGPU({ software: !auto, need: { buffer: binding, binding } });
  let network;
  try {
    network = await createNetwork(gpu, description, tensors());
    const device = new WebGPU(model, gpu, network);
    const wrong = (await device.checks()).find(({ ok }) => !ok);
    if (wrong) throw new GPUFault('wrong', `The graphics device ${gpu.name} computes other numbers: ${wrong.detail}.`);
    device.reason = await gain(device, auto);
    gpu.onLost = onLost;
    return device;
  } catch (error) {
    network?.destroy();
    gpu.destroy();
    throw gpu.lost ?? error;
  }
}
