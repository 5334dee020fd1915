/**
 * Checks a contender before it is timed: compares its logits with those of the native tool's float32 scalar kernels. A random
 * network writes no readable text, but the same weights must give the same logits in every engine.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { thin } from './engines/files.js';
import { folderOf } from './models.mjs';

const TOOL = 'build/native/sedd';
export const SIGMA = 1.5;

/**
 * The largest accepted root-mean-square difference, in standard deviations of the reference. f32 allows for rounding in another
 * order through 12 blocks. int8 allows for activations of 7 or 8 bits; random weights have no structure that would reduce the error.
 */
const TOLERANCE = { f32: 1e-3, int8: 0.1 };

/** wllama returns tokens, not logits. Its greedy choice must be among this share of the reference's best tokens, or among the best five. */
const RANK_SHARE = { q8_0: 0.0005, q4_0: 0.01 };

/** Returns ids that every engine can read. For a SEDD a third are tokens and the rest masks; for GPT-2 all are letters, which are single tokens in GGUF too. */
export const idsFor = ({ kind, tokens }, length) =>
  Array.from({ length }, (_, i) => (kind === 'sedd' && i % 3 ? tokens : 65 + ((i * 7) % 26)));

const references = new Map();

/** Returns what the native tool computes: all log-scores of a SEDD, or a GPT-2's logits after the last id. */
function reference(model, ids) {
  const folder = folderOf(model);
  const key = `${folder} ${ids}`;
  if (!references.has(key)) {
    if (!existsSync(path.join(ROOT, TOOL))) throw new Error(`${TOOL} is missing: npm run build:native`);
    const sedd = model.kind === 'sedd';
    const text = execFileSync(
      TOOL,
      [
        sedd ? 'score' : 'logits',
        folder,
        '--ids',
        ids.join(','),
        '--dtype',
        'f32',
        '--kernels',
        'scalar',
        ...(sedd ? ['--sigma', String(SIGMA)] : []),
      ],
      { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    const rows = Object.values(JSON.parse(text))[0];
    references.set(key, sedd ? rows.flat() : rows.at(-1));
  }
  return references.get(key);
}

/** Thrown when a contender's result differs from the reference; it ends the bench. */
export class WrongResult extends Error {}

/** Returns the root-mean-square difference, divided by the reference's standard deviation. */
export function difference(values, expected) {
  if (values.length !== expected.length || values.length === 0)
    throw new WrongResult(`${values.length} values came back; expected ${expected.length}`);
  const mean = expected.reduce((a, b) => a + b) / expected.length;
  const square = (f) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return Math.sqrt(square((i) => values[i] - expected[i]) / square((i) => expected[i] - mean));
}

/**
 * Compares one contender with the reference. Throws WrongResult when they differ too much.
 * @param {{engine: string, dtype: string, model: object, call: (method: string, ...args: any[]) => Promise<any>}} contender
 * @param {string} name of the model
 * @returns {Promise<string>} the result in words
 */
export async function check(contender, name) {
  const { engine, dtype, model } = contender;
  const ids = idsFor(model, 12);
  const expected = reference(model, ids);
  if (engine === 'wllama') {
    const [chosen] = (await contender.call('decode', ids, 1)).ids;
    const rank = expected.filter((value) => value > expected[chosen]).length + 1;
    const allowed = Math.max(5, RANK_SHARE[dtype] * model.tokens);
    if (!(rank <= allowed && chosen >= 0)) {
      throw new WrongResult(
        `${name}: wllama ${dtype} chose token ${chosen}, number ${rank} of ${model.tokens} in the reference; expected one of the best ${Math.round(allowed)}`,
      );
    }
    return `its choice is number ${rank} of ${model.tokens} in the reference`;
  }
  const found = difference(await contender.call('scores', ids, SIGMA), thin(expected));
  if (!(found <= TOLERANCE[dtype])) {
    throw new WrongResult(
      `${name}: ${engine} ${dtype} differs from the reference by ${found.toPrecision(3)} standard deviations; allowed are ${TOLERANCE[dtype]}`,
    );
  }
  return `differs by ${found.toPrecision(2)} standard deviations`;
}
