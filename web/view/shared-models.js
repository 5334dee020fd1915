/**
 * Models that several elements of a page share: one download and one worker for an address and device, kept while somebody uses it.
 * The engine itself is fetched with the first model.
 */
const models = new Map(); // key -> {promise, users, abort, watchers}

/**
 * @param {'sedd'|'gpt2'} kind
 * @param {string} url folder, absolute
 * @param {{device?: 'wasm'|'webgpu'|'auto', onProgress?: (progress: object) => void}} [options]
 * @returns {{model: Promise<object>, release: () => void}} `release` once; the last one ends the load or frees the model
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
    }); // the next one tries again
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
