/**
 * Starts the worker. The address is literal, so that bundlers find worker.js; and this file lies beside it, as a bundle does
 * whose bundler leaves addresses alone. (The inline package has another spawn.js.)
 */
import { SeddError } from './errors.js';

/** @returns {Worker} */
export function spawn() {
  try {
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (cause) {
    throw new SeddError('worker', `The worker could not be started: ${cause.message}`, {
      hint: globalThis.Worker
        ? 'Browsers start no worker from another site: serve the folder from your own, or use sedd-web/inline.'
        : 'In Node, import sedd-web, or web/node.js.',
      cause,
    });
  }
}

/** Returns the error for a worker whose script did not arrive; the browser gives no reason. */
export const unloadedError = () =>
  new SeddError('worker', 'The worker could not be loaded.', {
    hint: import.meta.url.includes('/.vite/')
      ? "Vite's development server has moved this module away from its worker: set optimizeDeps: { exclude: ['sedd-web'] }."
      : "Check that worker.js is served from this site as text/javascript and that the policy allows worker-src 'self'.",
  });
