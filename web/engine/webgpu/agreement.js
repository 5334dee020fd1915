/**
 * Checks that the graphics device computes the same as wasm: compares single numbers of the network on a short text. In
 * int8 models, both round activations to 7 bits. A sum that is rounded differently moves some of them by one level, so
 * that scores differ by a few hundredths.
 */
import { advanceOn } from './logits.js';
import { requestOf } from './step.js';

const TEXT = 'Once upon a time there was a little girl.';
/** Largest allowed difference of a log-sum, an entropy or a log-probability, in nats. */
const TOLERANCE = { q8: 0.25, f32: 1e-3 };
const never = () => false;

/** Runs `work` on the graphics device and on wasm, each time with another way to advance. Returns pairs of the numbers. */
async function both(network, work) {
  const found = await work((run) => advanceOn(network, run, never));
  const expected = await work((run) => run.advance());
  return found.map((number, i) => [number, expected[i]]);
}

/** Uniform graph: returns ln of the sum of scores and the entropy of the first positions. */
const uniformNumbers = ({ model, network }) =>
  both(network, async (advance) => {
    const run = model.startInspection(model.tokenize(TEXT), { sigma: 0.5, positions: [0, 1, 2, 3], topK: 1 });
    try {
      return (await advance(run)).positions.flatMap(({ scoreSum, entropy }) => [Math.log(scoreSum), entropy]);
    } finally {
      run.free();
    }
  });

/** GPT-2: returns the log-probability of each token of the text. */
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

/** Absorb graph: returns ln of the sum of scores and the entropy of masked positions. */
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
    const scores = model.info.family === 'SEDD'; // the scores of other families have a fixed sum
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
  const error = pairs.reduce((worst, [found, expected]) => Math.max(worst, Math.abs(found - expected)), 0); // keeps NaN
  const allowed = TOLERANCE[dtype];
  const detail = `${pairs.length} numbers, largest difference ${error.toPrecision(2)} nats, allowed ${allowed}`;
  return [{ name, ok: error <= allowed, detail }];
}
