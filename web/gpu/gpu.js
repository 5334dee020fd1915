/**
 * WebGPU: opens a device and runs the networks on it. Loaded only if it is used. web/engine/webgpu connects it to the
 * engine.
 */
import { Gpt2 } from './gpt2.js';
import { Sedd } from './sedd.js';

export { openGPU } from './device.js';
export { GPUFault } from './fault.js';

/**
 * Uploads a model.
 * @param {import('./device.js').Gpu} gpu
 * @param {import('./network.js').Description} description
 * @param {Iterable<import('./memory.js').Tensor>} tensors each is uploaded before the next is requested
 * @returns {Promise<Sedd | Gpt2>} rejects with a GPUFault
 */
export async function createNetwork(gpu, description, tensors) {
  const network = description.kind === 'sedd' ? new Sedd(gpu, description) : new Gpt2(gpu, description);
  try {
    await network.load(tensors);
  } catch (error) {
    network.destroy();
    throw gpu.lost ?? error;
  }
  return network;
}
