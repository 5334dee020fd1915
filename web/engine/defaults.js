/**
 * The sampling options of a model, for calls without options of their own: those of its family's reference code,
 * overridden by the generation_config.json of its folder (core/sedd.h).
 */
import { SeddError } from '../errors.js';

export const DEFAULTS_FILE = 'generation_config.json';
export const DEFAULTS_MAX = 1 << 16; // bytes

/** @typedef {{steps?: number, sampler?: string, ending?: string, positions?: string, order?: string, grid?: string, context?: string, gamma?: number, temperature?: number, topK?: number, topP?: number}} Defaults */

/**
 * @param {import('./engine.js').Engine} engine @param {number} loader loader that has read the configuration
 * @param {Uint8Array|null} [file] @returns {Defaults} the options that differ from the engine's defaults
 */
export function readDefaults(engine, loader, file) {
  const bytes = file ?? new Uint8Array(0);
  if (bytes.length > DEFAULTS_MAX)
    throw new SeddError('format', `${DEFAULTS_FILE} has more than ${DEFAULTS_MAX} bytes.`);
  return engine.scoped((scope) =>
    engine.json(engine.module._wasm_sample_defaults(loader, scope.data(bytes), bytes.length)),
  );
}
