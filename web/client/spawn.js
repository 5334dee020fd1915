/** The worker's start; literal, so that bundlers find worker.js. (The inline package has another spawn.js.) */
import { SeddError } from '../errors.js';

/** @returns {Worker} */
export function spawn() {
  try {
    return new Worker(new URL('../worker.js', import.meta.url), { type: 'module' });
  } catch (cause) {
    throw new SeddError('worker', `The worker could not be started: ${cause.message}`, {
      hint: globalThis.Worker
        ? 'Browsers start no worker from another site: serve the folder from your own, or use sedd-web/inline.'
        : 'In Node, import sedd-web, or web/node.js.',
      cause,
    });
  }
}
