// The part of the GPU tests that runs in the page. Each function returns plain numbers, which the test compares.
import { GPUFault, createNetwork, openGPU } from '/web/gpu/gpu.js';
import { readModel, readSafetensors } from './gpu-models.js';

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

const jsonOf = async (path) => (await fetch(path)).json();

/** @type {Promise<import('/web/gpu/device.js').Gpu> | null} */ let opened = null;
/** @type {import('/web/gpu/device.js').Gpu['features'] | null} */ let offered = null;

/**
 * Opens the software renderer once. `alone` selects its own kernels or those of graphics cards; `variants` changes its
 * features.
 */
export async function openSoftware(alone = true, variants = {}) {
  opened ??= openGPU({ software: true });
  const gpu = await opened;
  offered ??= { ...gpu.features };
  gpu.alone = alone;
  gpu.features = { ...offered, subgroups: false, tiles: false, ...variants };
  return gpu;
}

/** Returns what the probe found on the software renderer. */
export async function probedFeatures() {
  await openSoftware();
  return offered;
}

/** Uploads a model of the repository. */
export async function openModel(folder, { alone = true, dtype, positions = 0 } = {}) {
  const gpu = await openSoftware(alone);
  const config = await jsonOf(`${folder}/config.json`);
  const { info, tensors, modulation } = readModel(config, await bytesOf(`${folder}/model.safetensors`), dtype);
  info.positions = Math.max(info.positions, positions);
  return { config, info, modulation, network: await createNetwork(gpu, info, tensors) };
}

/** Returns the log-scores of a golden case: the network's logits less the shift, and 0 at the current token. */
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
        worst = Math.max(worst, error); // keeps NaN
        largest = Math.max(largest, Math.abs(wanted[at++]));
      }
    }
    compared += at;
  }
  model.network.destroy();
  return { worst, largest, compared };
}

/** Returns the error for a kernel that does not compile. */
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

/** Compares one kernel (gpu-kernels.js). */
export async function compareKernel(name, alone, { variants, ...shape } = {}) {
  const [gpu, kernels] = await Promise.all([openSoftware(alone, variants), import('./gpu-kernels.js')]);
  return kernels[name](gpu, shape);
}

/** Returns a window of masks with a few tokens, and a uniform for each mask. */
function window_({ info }, length) {
  const ids = Int32Array.from({ length }, (_, i) => (i % 6 === 1 ? (i * 97) % info.tokens : info.maskId));
  const rows = Int32Array.from([...ids.keys()].filter((place) => ids[place] === info.maskId));
  return { ids, rows, uniforms: Float32Array.from(rows, (_, i) => (i * 0.61803) % 1) };
}

/** Counts the dispatches of a step that draws every row, and of one that draws some rows. */
export async function countStep(folder, alone, dtype) {
  const { network, info, modulation } = await openModel(folder, { alone, dtype });
  const ids = new Int32Array(8).fill(info.maskId);
  const step = async (/** @type {number[]} */ rows) => {
    const uniforms = new Float32Array(rows.length);
    await network.step({ ids, modulation: modulation(1), read: null, rows: Int32Array.from(rows), uniforms });
    return network.dispatches;
  };
  const all = await step([0, 1, 2, 3, 4, 5, 6, 7]);
  const some = await step([1, 5]);
  network.destroy();
  return { blocks: info.blocks, all, some, tiles: network.gpu.features.tiles };
}

/** Counts the dispatches of a prompt of six tokens, and of each of three tokens after it. */
export async function countTokens(folder, alone) {
  const { network, info } = await openModel(folder, { alone });
  await network.append({ ids: Int32Array.from([1, 2, 3, 4, 5, 6]) });
  const prompt = network.dispatches;
  await network.generate({ count: 3, uniforms: new Float32Array(3) });
  const token = network.dispatches / 3;
  network.destroy();
  return { blocks: info.blocks, prompt, token };
}

/**
 * Returns the reference's greedy texts of a small GPT-2, and those that the cache gives after the prompt is read at
 * once.
 */
export async function compareGreedy(alone) {
  const folder = '/tests/golden/gpt2';
  const { greedy } = await jsonOf(`${folder}/golden.json`);
  const { network } = await openModel(folder, { alone });
  const texts = [];
  for (const { prompt, output } of greedy) {
    network.reset();
    await network.append({ ids: Int32Array.from(prompt) });
    const count = output.length - prompt.length;
    const uniforms = new Float32Array(count);
    const { token } = await network.generate({ count, uniforms, greedy: true, last: true });
    texts.push({ got: [...prompt, ...token], output });
  }
  network.destroy();
  return texts;
}

/**
 * Returns greedy tokens drawn with the cache in two submissions, and the likeliest tokens by the logits of the whole
 * text.
 */
export async function compareCache() {
  const { network, info } = await openModel('/models/gpt2-nano');
  const prompt = [3, 131, 262, 393, 524, 655, 786];
  await network.append({ ids: Int32Array.from(prompt) });
  const uniforms = new Float32Array(8);
  const first = await network.generate({ count: 8, uniforms, greedy: true });
  const then = await network.generate({ count: 4, uniforms, greedy: true, last: true });
  const generated = [...first.token, ...then.token];
  const logits = await network.logits({ ids: Int32Array.from([...prompt, ...generated]) });
  const whole = generated.map((_, i) => {
    const row = logits.subarray((prompt.length - 1 + i) * info.tokens, (prompt.length + i) * info.tokens);
    return row.indexOf(Math.max(...row));
  });
  network.destroy();
  return { generated, whole };
}

/** Returns logits of a few rows and of all rows when only a part of the window is read. */
export async function comparePart() {
  const model = await openModel('/models/sedd-nano');
  const { ids } = window_(model, 48);
  const modulation = model.modulation(1.5);
  const read = Int32Array.from([...ids.keys()].filter((place) => place % 3 !== 2));
  const rows = Int32Array.from([0, 9, 13, 45]);
  const { states } = model.info;
  const all = await model.network.logits({ ids, modulation, read, rows: read });
  const some = await model.network.logits({ ids, modulation, read, rows });
  let worst = 0;
  some.forEach((value, i) => {
    const row = read.indexOf(rows[Math.floor(i / states)]);
    worst = Math.max(worst, Math.abs(value - all[row * states + (i % states)]));
  });
  model.network.destroy();
  return { worst, compared: some.length };
}

/**
 * Returns log-scores of sedd-nano by wasm's scalar table: with activations rounded to int8 (q8), or with the same
 * weights in float (f32).
 */
async function scoresOfWasm(ids, sigma, states, dtype) {
  const [{ goldenEngine }, { Model }] = await Promise.all([
    import('/tests/web/golden-module.mjs'),
    import('/web/engine/model.js'),
  ]);
  const folder = '/models/sedd-nano';
  const engine = await goldenEngine({ wasm: 'simd', kernels: 'scalar' });
  const files = {
    config: await bytesOf(`${folder}/config.json`),
    weights: [await bytesOf(`${folder}/model.safetensors`)],
    tokenizer: await bytesOf(`${folder}/tokenizer.json`),
  };
  const core = await Model.load(engine, files, { dtype });
  return engine.scoped((scope) => {
    const session = engine.check(engine.module._wasm_session_new(engine.pointer, core.pointer, ids.length, 0));
    const [list, out] = [scope.list([...ids]), scope.allocate(4 * ids.length * states)];
    engine.checkStatus(engine.module._wasm_score(session, ids.length, list, sigma, out));
    return engine.floats(out, ids.length * states).slice();
  });
}

/**
 * Compares the log-scores of sedd-nano in int8 here and in wasm, and measures in wasm what rounding activations to int8
 * changes.
 * @returns {Promise<{apart: number, noise: number, argmax: number, rows: number}>} both differences as root mean
 *   squares
 */
export async function compareWasm() {
  const model = await openModel('/models/sedd-nano');
  const { states, tokens } = model.info;
  const { ids } = window_(model, 48);
  const got = await logScores(model, ids, 1.5);
  model.network.destroy();
  const wanted = await scoresOfWasm(ids, 1.5, states, 'q8');
  const float = await scoresOfWasm(ids, 1.5, states, 'f32');
  const row = (all, i) => all.subarray(i * states, i * states + tokens);
  const rms = (a, b) => Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
  const likeliest = (all, i) => row(all, i).indexOf(Math.max(...row(all, i)));
  const argmax = Array.from(ids, (_, i) => likeliest(got, i) === likeliest(wanted, i)).filter(Boolean).length;
  return { apart: rms(got, wanted), noise: rms(wanted, float), argmax, rows: ids.length };
}

/** Returns the GPUFault with which a promise rejects, as plain data. */
const faultOf = (promise) =>
  promise.then(
    () => null,
    ({ reason, message }) => ({ reason, message }),
  );

/**
 * Returns the errors for a software renderer that was not requested, a size that no device has, and more tokens than
 * the network has.
 */
export async function refusals() {
  const { network, info, modulation } = await openModel('/tests/golden/absorb');
  const ids = new Int32Array(info.positions + 1).fill(info.maskId);
  const request = { ids, modulation: modulation(1), rows: Int32Array.of(0), uniforms: new Float32Array(1) };
  const long = await faultOf(network.step(request));
  network.destroy();
  return {
    software: await faultOf(openGPU()),
    limit: await faultOf(openGPU({ software: true, need: { buffer: 1e15 } })),
    long,
  };
}

/**
 * Cancels a step after its first submission, frees a network during another, and checks that a later step gives the
 * same result.
 */
export async function interruptions() {
  const model = await openModel('/models/sedd-nano');
  const given = { ...window_(model, 24), modulation: model.modulation(1), read: null };
  const before = await model.network.step(given);
  let polls = 0;
  const nameOf = (promise) =>
    promise.then(
      () => null,
      (error) => error.reason ?? error.name,
    );
  const cancelled = await nameOf(model.network.step({ ...given, cancelled: () => polls++ > 0 }));
  const after = await model.network.step(given);
  const again = before.token.every((id, i) => id === after.token[i]) && before.token.length > 0;
  const freed = nameOf(model.network.step(given));
  model.network.destroy();
  return { cancelled, freed: await freed, again };
}
