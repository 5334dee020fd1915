/**
 * Runs one denoising step whose network is evaluated elsewhere: reads the core's request and returns the results to it
 * (core/sedd.h).
 */
import { checkLength } from './logits.js';

const RESULT_WORDS = 6; // in struct sedd_row_result
const FIELDS = /** @type {const} */ (['logSum', 'confidence', 'entropy', 'likeliest', 'second']);

/** Returns copies of what the current step needs. @param {import('../writing.js').SamplerRun} run */
export function requestOf({ engine, pointer, settings }) {
  const address = engine.check(engine.module._wasm_sampler_request(pointer));
  const [sigma, shift] = engine.doubles(address, 2);
  // struct sedd_request, after its first two numbers
  const [ids, count, rows, uniforms, readCount, read, modulation, size, greedy] = new Uint32Array(
    engine.ints(address + 16, 9),
  );
  return {
    sigma,
    shift,
    ids: engine.ints(ids, settings.length).slice(),
    rows: engine.ints(rows, count).slice(),
    uniforms: engine.floats(uniforms, count).slice(),
    read: read ? engine.ints(read, readCount).slice() : null,
    modulation: engine.floats(modulation, size).slice(),
    temperature: settings.temperature || 1,
    greedy: settings.temperature === 0 || (greedy & 255) !== 0, // a bool has one byte, followed by padding
    topK: settings.topK,
    topP: settings.topP,
  };
}

/** Ends the step with the results of its rows. Returns the changes. @param {import('../writing.js').SamplerRun} run */
export function take({ engine, pointer }, results, rowCount) {
  return engine.scoped((scope) => {
    const address = scope.allocate(4 * RESULT_WORDS * rowCount);
    const ints = engine.ints(address, RESULT_WORDS * rowCount);
    const floats = engine.floats(address, RESULT_WORDS * rowCount);
    for (let row = 0; row < rowCount; row++) {
      ints[RESULT_WORDS * row] = results.token[row];
      FIELDS.forEach((name, i) => {
        floats[RESULT_WORDS * row + 1 + i] = results[name][row];
      });
    }
    return engine.json(engine.module._wasm_sampler_take(pointer, address));
  });
}

/** @param {import('../../gpu/sedd.js').Sedd} network @param {import('../writing.js').SamplerRun} run @param {() => boolean} cancelled */
export async function stepOn(network, run, cancelled) {
  const request = requestOf(run);
  const count = request.rows.length;
  checkLength(network, request.ids);
  return take(run, count ? await network.step({ ...request, cancelled }) : null, count);
}
