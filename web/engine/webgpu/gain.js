/** Is a model faster on the graphics device than on wasm here? Both are timed when `auto` asks for it. */
import { GPUFault } from '../../gpu/gpu.js';

const never = () => false;
const ROWS = 128; // of a timed step: a full one of the small models, and short with the large ones
const TOKENS = 16;
/** A device has to be this much faster: its times vary, and wasm leaves it to others. */
const LEAST = 1.2;

async function time(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** The best of two: the first evaluation is the slowest. */
const best = async (work) => Math.min(await time(work), await time(work));

/** A step in which every mask of a window opens; without masks, one that may change every token. @param {import('../model.js').Model} model */
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
