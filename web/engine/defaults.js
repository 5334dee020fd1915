/** How a model was trained to write: the generation_config.json of its folder (core/sedd.h, sedd_sample_defaults). */
import { SeddError } from '../errors.js';

export const DEFAULTS_FILE = 'generation_config.json';
export const DEFAULTS_MAX = 1 << 16; // bytes

/** @typedef {{steps?: number, positions?: string, order?: string, grid?: string, context?: string, gamma?: number, temperature?: number, topK?: number, topP?: number}} Defaults */

/** @param {import('./engine.js').Engine} engine @param {Uint8Array} bytes of the file @returns {Defaults} what is not as everywhere */
export function readDefaults(engine, bytes) {
  if (bytes.length > DEFAULTS_MAX)
    throw new SeddError('format', `${DEFAULTS_FILE} has more than ${DEFAULTS_MAX} bytes.`);
  return engine.scoped((scope) => engine.json(engine.module._wasm_sample_defaults(scope.data(bytes), bytes.length)));
}
