/**
 * A model on a graphics device: its runs, inspections and likelihoods, and GPT-2's writing. Windows longer than the model's stay on wasm.
 * The engine keeps its weights, so that it can go on at any step. Fetched only when a device is asked for.
 */
import { GPUFault, createNetwork, openGPU } from '../../gpu/gpu.js';
import { agreement } from './agreement.js';
import { gain } from './gain.js';
import { GPUGeneration } from './generation.js';
import { advanceOn } from './logits.js';
import { stepOn } from './step.js';
import { networkOf } from './tensors.js';

/** Logits of a slice of rows, which the GPU holds in one buffer (web/gpu/network.js). */
const LOGIT_BYTES = 64 << 20;

class WebGPU {
  /** @type {GPUGeneration | null} whose tokens are in GPT-2's cache */ owner = null;
  reason = '';

  constructor(model, gpu, network) {
    this.model = model;
    this.gpu = gpu;
    this.network = network;
    this.name = gpu.name;
  }

  /**
   * Makes one evaluation of a run, an inspection or a likelihood. Exact draws of the absorb graph end on the device; for everything
   * else, the core reads its logits.
   */
  async advance(run, cancelled) {
    const { kind, graph } = this.model.info;
    if (kind === 'gpt2') this.owner = null; // its cache is used
    return run.settings?.draw === 'exact' && graph === 'absorb'
      ? stepOn(this.network, run, cancelled)
      : advanceOn(this.network, run, cancelled);
  }

  /** A GPT-2's writing, its prompt read. */
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

  /** Compares numbers of the network with wasm's. */
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
