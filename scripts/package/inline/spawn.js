/** spawn.js for the inline package: the worker's script travels in the file. "script:worker" is filled in by ../bundle.mjs. */
import worker from 'script:worker';
import { SeddError } from '../../../web/errors.js';

/** @returns {Worker} */
export function spawn() {
  const url = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
  try {
    return new Worker(url, { type: 'module' });
  } catch (cause) {
    throw new SeddError('worker', `The worker could not be started: ${cause.message}`, {
      hint: 'A policy with worker-src needs blob: for the inline package; the package in several files does not.',
      cause,
    });
  }
}
