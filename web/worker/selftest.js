/**
 * The self-test checks that this device computes correct numbers. It compares the kernel table in use with the scalar
 * one on the loaded weights. If the model's folder has a selftest.json (written by scripts/selftest.mjs), it also
 * compares with the numbers stored there. int8 models give the same bits with every table. The scores of a float model
 * may differ by rounding, and so may, rarely, a drawn token.
 */
import { SeddError } from '../errors.js';

const TEXT = 'Once upon a time there was a little girl.';
/** Tolerance relative to the largest magnitude. That of floats is the golden files'. In int8, an engine that rounds a norm differently changes an activation by one step. */
const TOLERANCE = { q8: 0, f32: 2e-5 };
const STORED_TOLERANCE = { q8: 1e-3, f32: 2e-5 };

/** @template {{done: boolean, free: () => void}} T @template V @param {T} work @param {(work: T, value: V) => V} step @param {V} value @returns {V} */
function finish(work, step, value) {
  try {
    while (!work.done) value = step(work, value);
    return value;
  } finally {
    work.free();
  }
}

/** Returns outputs of the network: log-ratios and sums, or exact parts. @param {import('../engine/model.js').Model} model */
export function measureScores(model) {
  const ids = model.tokenize(TEXT);
  if (model.info.kind === 'gpt2') {
    return finish(
      model.startExact(ids),
      (run) => {
        run.advance();
        return run.value.parts;
      },
      /** @type {number[]} */ ([]),
    );
  }
  const { maskId, tokens } = model.info;
  const noised = ids.map((id, i) => (i % 3 === 1 ? (maskId >= 0 ? maskId : (id + 1) % tokens) : id));
  const { positions } = model.inspect(noised, { sigma: 0.5, positions: [1, 4], topK: 4 });
  return positions.flatMap(({ scoreSum, entropy, candidates }) => [
    Math.log(scoreSum),
    entropy,
    ...candidates.flatMap(({ ratio }) => Math.log(ratio)),
  ]);
}

/** Returns the ids that the model writes. @param {import('../engine/model.js').Model} model @returns {number[]} */
export function measureWriting(model) {
  if (model.info.kind === 'gpt2')
    return finish(
      model.startGeneration({ prompt: TEXT, tokens: 12, seed: 7 }),
      (run, ids) => [...ids, run.advance()],
      [],
    );
  return finish(
    model.startRun({ prompt: TEXT, length: 24, steps: 4, seed: 7 }),
    (run) => {
      run.advance();
      return run.ids;
    },
    [],
  );
}

/** Returns the numbers of a model, as selftest.json stores them. @param {import('../engine/model.js').Model} model */
export const vectorsOf = (model) => ({
  format: 'sedd-selftest',
  version: 1,
  kind: model.info.kind,
  dtype: model.info.dtype,
  text: TEXT,
  tokens: model.tokenize(TEXT),
  scores: measureScores(model),
  writing: measureWriting(model),
});

/** @typedef {{name: string, ok: boolean, detail: string}} Check */

/** @param {string} name @param {number[]} found @param {number[]} expected @param {number} tolerance @returns {Check} */
function compareNumbers(name, found, expected, tolerance) {
  if (found.length !== expected.length)
    return { name, ok: false, detail: `${found.length} numbers instead of ${expected.length}` };
  const scale = Math.max(...expected.map(Math.abs));
  let worst = 0;
  found.forEach((value, i) => {
    const error = Math.abs(value - expected[i]) / scale;
    if (!(error <= Math.abs(found[worst] - expected[worst]) / scale)) worst = i;
  });
  const error = Math.abs(found[worst] - expected[worst]) / scale;
  const ok = error <= tolerance;
  return {
    name,
    ok,
    detail: ok
      ? `${found.length} numbers, largest error ${error.toPrecision(2)} of the largest, allowed ${tolerance}`
      : `number ${worst} is ${found[worst]} instead of ${expected[worst]}`,
  };
}

/** @param {string} name @param {number[]} found @param {number[]} expected @returns {Check} */
function compareIds(name, found, expected) {
  const place = Array.from({ length: Math.max(found.length, expected.length) }, (_, i) => i).find(
    (i) => found[i] !== expected[i],
  );
  return {
    name,
    ok: place === undefined,
    detail:
      place === undefined
        ? `${found.length} tokens`
        : `token ${place} is ${found[place]} instead of ${expected[place]}`,
  };
}

/** Reads the numbers of a selftest.json. @param {Uint8Array} bytes */
export function readVectors(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new SeddError('format', `selftest.json is not valid JSON: ${cause.message}`, {
      hint: 'Write it anew with "node scripts/selftest.mjs FOLDER".',
      cause,
    });
  }
}

function checkVectors(vectors, { kind, dtype }) {
  const lists = vectors && [vectors.tokens, vectors.scores, vectors.writing];
  if (
    vectors?.format !== 'sedd-selftest' ||
    vectors.version !== 1 ||
    !lists.every((list) => Array.isArray(list) && list.length > 0 && list.every(Number.isFinite))
  ) {
    throw new SeddError('format', 'selftest.json is not a list of self-test numbers of version 1.', {
      hint: 'Write it anew with "node scripts/selftest.mjs FOLDER".',
    });
  }
  if (vectors.kind !== kind)
    throw new SeddError('format', `selftest.json belongs to a ${vectors.kind}; this model is a ${kind}.`);
  return vectors.dtype === dtype;
}

/**
 * @param {import('../engine/model.js').Model} model
 * @param {any} vectors of selftest.json, or null
 * @returns {{ok: boolean, checks: Check[]}}
 */
export function selfTest(model, vectors) {
  const { dtype } = model.info;
  const scores = measureScores(model);
  const scalar = model.withKernels('scalar');
  /** @type {Check[]} */
  const checks = [];
  try {
    checks.push(
      compareNumbers(`kernels ${model.kernels} against scalar`, scores, measureScores(scalar), TOLERANCE[dtype]),
    );
  } finally {
    scalar.dispose();
  }
  if (vectors) {
    const same = checkVectors(vectors, model.info);
    checks.push(compareIds('tokenizer', model.tokenize(vectors.text), vectors.tokens));
    if (same)
      checks.push(compareNumbers('scores against the stored ones', scores, vectors.scores, STORED_TOLERANCE[dtype]));
    if (same && dtype === 'q8')
      checks.push(compareIds('writing against the stored text', measureWriting(model), vectors.writing));
  }
  return { ok: checks.every(({ ok }) => ok), checks };
}
