/**
 * Evaluations whose logits the core reads: inspections, likelihoods, official draws and the uniform graph. The core's
 * function is called twice (core/sedd.h, "Networks that are evaluated elsewhere"). The first call reports what it
 * needs, and the second has the logits.
 */
import { GPUFault } from '../../gpu/gpu.js';

/** Reads struct sedd_evaluation, as copies. @param {import('../engine.js').Engine} engine @param {number} session */
function evaluationOf(engine, session) {
  const words = engine.ints(engine.module._sedd_session_evaluation(session), 8);
  const [ids, length, readCount, read, rows, index, modulation, size] = new Uint32Array(words);
  return {
    ids: engine.ints(ids, length).slice(),
    read: read ? engine.ints(read, readCount).slice() : null,
    rows: engine.ints(index, rows).slice(),
    modulation: engine.floats(modulation, size).slice(),
  };
}

/** Throws if a window is longer than the network was opened for. @param {import('../../gpu/network.js').Network} network */
export function checkLength({ info }, ids) {
  if (ids.length > info.positions)
    throw new GPUFault(
      'unsupported',
      `${ids.length} tokens are more than the ${info.positions} of the graphics device's network.`,
    );
}

/**
 * @param {any} network @param {{engine: import('../engine.js').Engine, session: number, advance: () => any}} run
 * @param {() => boolean} cancelled
 * @returns {Promise<any>} what the run's `advance()` returns; rejects with a GPUFault where wasm has to do it
 */
export async function advanceOn(network, run, cancelled) {
  const { engine, session } = run;
  const { module } = engine;
  let logits = 0;
  engine.checkStatus(module._wasm_session_leave(session, 1));
  try {
    try {
      return run.advance(); // nothing had to be evaluated
    } catch (error) {
      if (error.code !== 'elsewhere') throw error;
    }
    const { rows, ...request } = evaluationOf(engine, session);
    const count = rows.length * network.info.states;
    checkLength(network, request.ids);
    logits = module._malloc(Math.max(8, 4 * count));
    if (!logits) throw new GPUFault('unsupported', `This tab has no memory for ${count} logits.`);
    if (count) engine.floats(logits, count).set(await network.logits({ ...request, rows, cancelled }));
    module._sedd_session_answer(session, logits);
    return run.advance();
  } finally {
    module._free(logits);
    module._wasm_session_leave(session, 0);
  }
}
