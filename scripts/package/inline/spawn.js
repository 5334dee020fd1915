/**
 * spawn.js for the inline package: the worker's script travels in the file; bundle.mjs fills in "script:worker". It is a
 * classic script, because Chromium starts no module worker from a blob in a frame with sandbox="allow-scripts".
 */
import worker from 'script:worker';
import { SeddError } from '../../../web/errors.js';

const HINT =
  "Add blob: to worker-src of the content security policy; the package in several files needs worker-src 'self' instead.";

/** @returns {Worker} */
export function spawn() {
  try {
    return new Worker(URL.createObjectURL(new Blob([worker], { type: 'text/javascript' })));
  } catch (cause) {
    throw new SeddError('worker', `The worker could not be started: ${cause.message}`, { hint: HINT, cause });
  }
}

/** Returns the error for a worker that was not started: of a script that is here, only a policy can be the reason. */
export const unloadedError = () =>
  new SeddError('worker', "The page's content security policy does not allow workers from blob: addresses.", {
    hint: HINT,
  });
