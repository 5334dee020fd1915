/**
 * Checks that the graphics device computes the same as wasm: compares single numbers of the network on a short text. In
 * int8 models, both round activations to 7 bits. A sum that is rounded differently moves some of them by one level, so
 * that scores differ by a few hundredths.
 */
import { requestOf } from './step.js';

const TEXT = 'Once upon a time there was a little girl.';
/** The most by which a log-sum, an entropy or a log-probability may differ, in nats. */
const TOLERANCE = { q8: 0.25, f32: 1e-3 };
const never = () => false;

/** SEDD: returns ln of the sum of scores and the entropy of masked positions. */
async function seddNumbers({ model, network }) {
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
    const scores = model.info.family === 'SEDD'; // other families' scores are normalised, for any sum of the logits
    return rows.flatMap((row, i) => [
      ...(scores ? [[logSum[i] - request.shift, Math.log(row.scoreSum)]] : []),
      [entropy[i], row.entropy],
    ]);
  } finally {
    run.free();
  }
}

/** GPT-2: returns the log-probability of each token of the text. */
async function gpt2Numbers({ model, network }) {
  const { endOfText, length, tokens } = model.info;
  const ids = model.tokenize(TEXT).slice(0, length - 1);
  const logits = await network.logits({ ids: Int32Array.from([endOfText, ...ids]), cancelled: never });
  network.reset();
  const exact = model.startExact(ids);
  try {
    while (!exact.done) exact.advance();
    return exact.value.parts.map((nats, i) => {
      const row = logits.subarray(i * (logits.length / (ids.length + 1))).subarray(0, tokens);
      const largest = row.reduce((a, b) => Math.max(a, b));
      const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
      return [largest + Math.log(sum) - row[ids[i]], nats];
    });
  } finally {
    exact.free();
  }
}

/** @param {any} device of open.js @returns {Promise<import('../../worker/selftest.js').Check[]>} */
export async function agreement(device) {
  const { kind, dtype, graph } = device.model.info;
  const name = `graphics device ${device.name} against wasm`;
  if (kind === 'sedd' && graph !== 'absorb') return [];
  device.owner = null;
  const pairs = await (kind === 'sedd' ? seddNumbers(device) : gpt2Numbers(device));
  const error = pairs.reduce((worst, [found, expected]) => Math.max(worst, Math.abs(found - expected)), 0); // keeps NaN
  const allowed = TOLERANCE[dtype];
  const detail = `${pairs.length} numbers, largest difference ${error.toPrecision(2)} nats, allowed ${allowed}`;
  return [{ name, ok: error <= allowed, detail }];
}
