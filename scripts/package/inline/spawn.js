/**
 * Replaces spawn.js in the inline package, whose file holds the worker's script; bundle.mjs fills in "script:worker". The
 * script is classic, because Chromium refuses module workers from a blob in a frame with sandbox="allow-scripts".
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

/** Returns the error for a worker that did not start. Its script is in this file, so only a security policy can be the reason. */
export const unloadedError = () =>
  new SeddError('worker', "The page's content security policy does not allow workers from blob: addresses.", {
    hint: HINT,
  });
