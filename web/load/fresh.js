/**
 * Checks that a stored model is still the one at its source. A source that does not answer counts as unchanged,
 * because a stored model has to work without a network.
 */
import { abortError } from '../errors.js';
import { RemoteFile, changedError } from './remote.js';
import { RetryPolicy } from './requests.js';

const LOOK_SECONDS = 3; // time to wait for an answer

async function look({ url, sha256, known }, place, retryPolicy) {
  if (place.kind === 'hub') await place.repository.list(retryPolicy);
  const listed = place.repository?.files?.get(place.repository.weights());
  if (!listed) await new RemoteFile(url, { retryPolicy, known }).look();
  else if (listed.sha256 ? listed.sha256 !== sha256 : listed.size !== known.size) throw changedError(url);
}

/** Throws changedError if the source has another file now. @param {import('./source.js').Place} place @param {AbortSignal} signal */
export async function checkFresh(manifest, place, signal) {
  if (!manifest.url || place.kind === 'stored' || globalThis.navigator?.onLine === false) return;
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, 1000 * LOOK_SECONDS);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await look(manifest, place, new RetryPolicy({ retries: 0, signal: limit.signal }));
  } catch (error) {
    if (error.changed) throw error;
    if (signal.aborted) throw abortError();
  } finally {
    clearTimeout(timer);
  }
}
