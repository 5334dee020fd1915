// What the GPU's tests do in the page: each function returns plain numbers for the test to judge.
import { GPUFault, createNetwork, openGPU } from '/web/gpu/gpu.js';
import { readModel, readSafetensors } from './gpu-models.js';

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

const jsonOf = async (path) => (await fetch(path)).json();

/** @type {Promise<import('/web/gpu/device.js').Gpu> | null} */ let opened = null;

/** Opens the software renderer, once. `alone` chooses its own kernels, or those of graphics cards. */
export async function openSoftware(alone = true) {
  opened ??= openGPU({ software: true });
  const gpu = await opened;
  gpu.alone = alone;
  return gpu;
}

/** Uploads a model of the repository. */
export async function openModel(folder, { alone = true, dtype, positions = 0 } = {}) {
  const gpu = await openSoftware(alone);
  const config = await jsonOf(`${folder}/config.json`);
  const { info, tensors, modulation } = readModel(config, await bytesOf(`${folder}/model.safetensors`), dtype);
  info.positions = Math.max(info.positions, positions);
  return { config, info, modulation, network: await createNetwork(gpu, info, tensors) };
}

/** The log-scores of a golden case: the network's logits less the shift, 0 at the current token. */
async function logScores({ network, info, config, modulation }, ids, sigma) {
  const rows = Int32Array.from(ids.keys());
  const got = await network.logits({ ids, modulation: modulation(sigma), read: null, rows });
  const shift = config.model.scale_by_sigma ? Math.log(Math.expm1(sigma)) + Math.log(info.states - 1) : 0;
  return got.map((value, i) => (i % info.states === ids[Math.floor(i / info.states)] ? 0 : value - shift));
}

/** Compares a golden folder's log-scores or logits. @returns {{worst: number, largest: number, compared: number}} */
export async function compareGolden(name, alone) {
  const folder = `/tests/golden/${name}`;
  const { forward } = await jsonOf(`${folder}/golden.json`);
  const expected = readSafetensors(await bytesOf(`${folder}/golden.safetensors`));
  const positions = Math.max(...forward.map(({ x }) => x[0].length));
  const model = await openModel(folder, { alone, positions });
  let [worst, largest, compared] = [0, 0, 0];
  for (const { x, sigma, logscore, logits } of forward) {
    const wanted = expected[logscore ?? logits].values;
    let at = 0;
    for (const [b, sequence] of x.entries()) {
      const ids = Int32Array.from(sequence);
      const got = sigma ? await logScores(model, ids, sigma[b]) : await model.network.logits({ ids });
      for (const value of got) {
        const error = Math.abs(value - wanted[at]);
        worst = Math.max(worst, error); // NaN stays
        largest = Math.max(largest, Math.abs(wanted[at++]));
      }
    }
    compared += at;
  }
  model.network.destroy();
  return { worst, largest, compared };
}

/** What a kernel that does not compile throws. */
export async function compileFault() {
  const gpu = await openSoftware();
  const kernel = { name: 'a broken kernel', bindings: 'w', code: 'fn main() { let x: f32 = 1u; }' };
  try {
    await gpu.compiler.pipeline(kernel);
    return null;
  } catch (error) {
    return {
      fault: error instanceof GPUFault,
      reason: error.reason,
      message: error.message,
      healthy: gpu.fault === null,
    };
  }
}

/** Dispatches of a step of a SEDD, of all rows and of some; of a prompt and a token of a GPT-2. @param {boolean} alone */
export async function countDispatches(alone) {
  const sedd = await openModel('/models/sedd-nano', { alone });
  const ids = new Int32Array(8).fill(sedd.info.maskId);
  const modulation = sedd.modulation(1);
  const step = async (/** @type {number[]} */ rows) => {
    const uniforms = new Float32Array(rows.length);
    await sedd.network.step({ ids, modulation, read: null, rows: Int32Array.from(rows), uniforms });
    return sedd.network.dispatches;
  };
  const all = await step([0, 1, 2, 3, 4, 5, 6, 7]);
  const some = await step([1, 5]);
  sedd.network.destroy();
  const gpt2 = await openModel('/models/gpt2-nano', { alone });
  await gpt2.network.append({ ids: Int32Array.from([1, 2, 3, 4, 5, 6]) });
  const prompt = gpt2.network.dispatches;
  await gpt2.network.generate({ count: 3, uniforms: new Float32Array(3) });
  const token = gpt2.network.dispatches / 3;
  gpt2.network.destroy();
  return { blocks: [sedd.info.blocks, gpt2.info.blocks], all, some, prompt, token };
}
