/**
 * How a model was trained to write: the generation_config.json of its folder (core/sedd.h, sedd_sample_defaults), and
 * what of it holds under a call's own options.
 */
import { SeddError } from '../errors.js';
import { WORDS } from './sampling.js';

export const DEFAULTS_FILE = 'generation_config.json';
export const DEFAULTS_MAX = 1 << 16; // bytes

/** @typedef {{steps?: number, positions?: string, order?: string, grid?: string, context?: string, gamma?: number, temperature?: number, topK?: number, topP?: number}} Defaults */

/** @param {import('../engine/engine.js').Engine} engine @param {Uint8Array} bytes of the file @returns {Defaults} what is not as everywhere */
export function readDefaults(engine, bytes) {
  if (bytes.length > DEFAULTS_MAX)
    throw new SeddError('format', `${DEFAULTS_FILE} has more than ${DEFAULTS_MAX} bytes.`);
  const [steps, gamma, temperature, topK, topP, ...places] = engine.scoped((scope) => {
    const out = scope.allocate(9 * 8);
    engine.checkStatus(engine.module._wasm_sample_defaults(scope.data(bytes), bytes.length, out));
    return [...engine.doubles(out, 9)];
  });
  const words = ['positions', 'order', 'grid', 'context'].map((name, i) => [name, places[i] && WORDS[name][places[i]]]);
  return Object.fromEntries(
    [...Object.entries({ steps, gamma, temperature, topK, topP }), ...words].filter(([, value]) => value),
  ); // 0: not named
}

/**
 * Options of a call over those of the model: positions other than the model's leave aside what goes with the model's own.
 * @param {Defaults} defaults @param {any} options
 */
export function withDefaults(defaults, options) {
  const { order, grid, context, gamma, ...others } = defaults;
  const own = options.positions === undefined || options.positions === (defaults.positions ?? WORDS.positions[0]);
  return { ...(own ? defaults : others), ...options };
}
