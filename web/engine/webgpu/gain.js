/** Measures whether a model is faster on the graphics device than on wasm. Only `auto` times both. */
import { GPUFault } from '../../gpu/gpu.js';

const never = () => false;
const ROWS = 128; // tokens of a timed step: a full window of the small models, a short one of the large models
const TOKENS = 16;
/** A device must be faster by this factor, because its times vary, and because wasm leaves it to other programs. */
const LEAST = 1.2;

async function time(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Returns the better of two times, because the first evaluation is the slowest. */
const best = async (work) => Math.min(await time(work), await time(work));

/**
 * Returns a run whose step fills in every mask of a window; without masks, one whose step may change every token.
 * @param {import('../model.js').Model} model
 */
const startStep = (model) =>
  model.startRun({
    length: Math.min(ROWS, model.info.length),
    steps: 1,
    seed: 1,
    draw: 'exact',
    context: 'all',
    ...(model.info.graph === 'absorb' && { positions: 'planned' }),
  });

async function timeSteps(device) {
  const timed = (work) =>
    best(async () => {
      const run = startStep(device.model);
      try {
        await work(run);
      } finally {
        run.free();
      }
    });
  return [await timed((run) => device.advance(run, never)), await timed((run) => run.advance())];
}

async function timeTokens(device) {
  const options = { prompt: '', tokens: Math.min(TOKENS, device.model.info.length), seed: 1 };
  const timed = async (start) =>
    best(async () => {
      const run = await start();
      try {
        while (!run.done) await run.advance();
      } finally {
        run.free();
      }
    });
  return [
    await timed(() => device.generation(options, never)),
    await timed(() => device.model.startGeneration(options)),
  ];
}

/**
 * @param {any} device of open.js @param {boolean} auto
 * @returns {Promise<string>} why the device was chosen; throws a GPUFault if `auto` does not choose it
 */
export async function gain(device, auto) {
  if (!auto) return 'It was asked for.';
  const { kind } = device.model.info;
  const [gpu, wasm] = await (kind === 'sedd' ? timeSteps(device) : timeTokens(device));
  const what = kind === 'sedd' ? 'A step' : `${TOKENS} tokens`;
  const verb = kind === 'sedd' ? 'takes' : 'take';
  const found = `${what} ${verb} ${gpu.toFixed(1)} ms on ${device.name} and ${wasm.toFixed(1)} ms on wasm.`;
  if (wasm < LEAST * gpu) throw new GPUFault('unsupported', found);
  return found;
}
