/**
 * Shares models among the elements of a page: one download and one worker for each address and device, until no element
 * uses it. The first model fetches the engine.
 */
const models = new Map(); // key -> {promise, users, abort, watchers}

/**
 * @param {'sedd'|'gpt2'} kind
 * @param {string} url folder, absolute
 * @param {{device?: 'wasm'|'webgpu'|'auto', onProgress?: (progress: object) => void}} [options]
 * @returns {{model: Promise<object>, release: () => void}} call `release` once; the last call aborts the load or frees
 *   the model
 */
export function borrow(kind, url, { device = 'wasm', onProgress = () => {} } = {}) {
  const key = `${kind} ${device} ${url}`;
  let entry = models.get(key);
  if (!entry) {
    const abort = new AbortController();
    const watchers = new Set();
    entry = { users: 0, abort, watchers };
    entry.promise = import('../client.js').then(({ loadSEDD, loadGPT2 }) => {
      abort.signal.throwIfAborted();
      const load = kind === 'sedd' ? loadSEDD : loadGPT2;
      return load(url, {
        device,
        signal: abort.signal,
        onProgress: (progress) => watchers.forEach((watcher) => watcher(progress)),
      });
    });
    entry.promise.catch(() => {
      if (models.get(key) === entry) models.delete(key);
    }); // the next request tries again
    models.set(key, entry);
  }
  entry.users++;
  entry.watchers.add(onProgress);
  const release = () => {
    entry.watchers.delete(onProgress);
    if (--entry.users > 0) return;
    if (models.get(key) === entry) models.delete(key);
    entry.abort.abort();
    entry.promise.then(
      (model) => model.dispose(),
      () => {},
    );
  };
  return { model: entry.promise, release };
}
