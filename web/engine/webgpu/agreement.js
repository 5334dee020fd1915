/**
 * Does the graphics device compute what wasm does? Compares single numbers of the network on a short text. Both round activations to
 * 7 bits in int8 models, and a sum that is rounded otherwise moves some of them by one level, so that scores differ by some hundredths.
 */
import { advanceOn } from './logits.js';
import { requestOf } from './step.js';

const TEXT = 'Once upon a time there was a little girl.';
/** The most by which a log-sum, an entropy or a log-probability may differ, in nats. */
const TOLERANCE = { q8: 0.25, f32: 1e-3 };
const never = () => false;

/** Runs `work` on the graphics device and on wasm, each time with another way to advance; pairs of the numbers it returns. */
async function both(network, work) {
  const found = await work((run) => advanceOn(network, run, never));
  const expected = await work((run) => run.advance());
  return found.map((number, i) => [number, expected[i]]);
}

/** Uniform graph: of the first positions, ln of the sum of scores and the entropy. */
const uniformNumbers = ({ model, network }) =>
  both(network, async (advance) => {
    const run = model.startInspection(model.tokenize(TEXT), { sigma: 0.5, positions: [0, 1, 2, 3], topK: 1 });
    try {
      return (await advance(run)).positions.flatMap(({ scoreSum, entropy }) => [Math.log(scoreSum), entropy]);
    } finally {
      run.free();
    }
  });

/** GPT-2: the log-probability of each token of the text. */
const gpt2Numbers = ({ model, network }) =>
  both(network, async (advance) => {
    const run = model.startExact(model.tokenize(TEXT).slice(0, model.info.length));
    try {
      while (!run.done) await advance(run);
      return run.value.parts;
    } finally {
      run.free();
    }
  });

/** Absorb graph: of masked positions, ln of the sum of scores and the entropy. */
async function maskNumbers({ model, network }) {
  const run = model.startRun({
    prompt: `${TEXT} {*}`,
    length: Math.min(24, model.info.length),
    steps: 8,
    seed: 1,
    draw: 'exact',
  });
  try {
    const request = requestOf(run);
    const positions = [...request.rows];
    const { logSum, entropy } = await network.step({
      ...request,
      temperature: 1,
      greedy: false,
      topK: 0,
      topP: 1,
      cancelled: never,
    });
    const { positions: rows } = model.inspect([...request.ids], { sigma: request.sigma, positions, topK: 1 });
    const scores = model.info.family === 'SEDD'; // the others' scores are normalised, whatever the logits add up to
    return rows.flatMap((row, i) => [
      ...(scores ? [[logSum[i] - request.shift, Math.log(row.scoreSum)]] : []),
      [entropy[i], row.entropy],
    ]);
  } finally {
    run.free();
  }
}

/** @param {any} device of open.js @returns {Promise<import('../../worker/selftest.js').Check[]>} */
export async function agreement(device) {
  const { kind, dtype, graph } = device.model.info;
  const name = `graphics device ${device.name} against wasm`;
  const numbers = kind === 'gpt2' ? gpt2Numbers : graph === 'absorb' ? maskNumbers : uniformNumbers;
  device.owner = null;
  const pairs = await numbers(device);
  const error = pairs.reduce((worst, [found, expected]) => Math.max(worst, Math.abs(found - expected)), 0); // NaN stays
  const allowed = TOLERANCE[dtype];
  const detail = `${pairs.length} numbers, largest difference ${error.toPrecision(2)} nats, allowed ${allowed}`;
  return [{ name, ok: error <= allowed, detail }];
}
