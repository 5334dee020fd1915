/**
 * Lists the models that are stored on this device, tells their sizes and deletes them. Loads write to the store
 * from a worker (load.js); these calls create nothing.
 */
import { SeddError, abortError } from '../errors.js';
import { StoredModel, withLock } from './entry.js';
import { allFiles } from './files.js';

/** The cache in which the page's service worker (offline.js) stores the page itself. */
const PAGE_CACHE = 'sedd-web-page';

/**
 * @typedef {{id: string, name: string, source: string, kind: 'sedd'|'gpt2', dtype: string, size: number, loaded: number, total: number,
 *   complete: boolean, created: number}} StoredInfo  `size`: bytes on the device; `loaded` of `total`: bytes of a download
 */

/** Returns the description of a complete model or of a started download, or null for remains of no use. */
async function describe(files, id) {
  const entry = new StoredModel(files, id);
  const manifest = await entry.json('manifest.json');
  const part = manifest ?? (await entry.json('part.json'));
  if (!part) return null;
  const { name, source, kind, dtype, created } = part;
  const loaded = manifest ? manifest.size : await entry.held(part.size);
  return {
    id,
    name,
    source,
    kind,
    dtype,
    created,
    size: loaded,
    loaded,
    total: part.size,
    complete: Boolean(manifest),
  };
}

/**
 * Removes the remains of a load that ended before it described what it stores (a full disk, a closed tab, dropped files). Keeps
 * them if the load may still be in progress, which a lock tells.
 */
async function clear(files, id) {
  const busy = () => {
    throw abortError();
  };
  if (globalThis.navigator?.locks)
    await withLock(id, undefined, busy, async () => (await describe(files, id)) ?? files.drop(id)).catch(() => {});
}

async function list() {
  const found = [];
  for (const files of await allFiles()) {
    for (const id of await files.ids()) {
      const model = await describe(files, id);
      if (model) found.push(model);
      else await clear(files, id);
    }
  }
  return found.sort((a, b) => b.created - a.created);
}

function refuse() {
  throw new SeddError('io', 'This model is being loaded right now, so it cannot be deleted.', {
    hint: 'Stop that load, or wait until it is done.',
  });
}

async function remove(id) {
  for (const files of await allFiles()) {
    for (const there of await files.ids()) {
      if (id !== 'all' && id !== there) continue;
      await withLock(there, undefined, refuse, () => files.drop(there));
    }
  }
  if (id === 'all') await globalThis.caches?.delete(PAGE_CACHE).catch(() => {});
}

/**
 * The models kept on this device.
 * @example
 *   for (const { id, name, size, complete } of await store.list()) console.log(id, name, size, complete);
 *   const { models, quota } = await store.estimate();
 *   console.log(models, quota, await store.persist());
 *   await store.delete('all');
 */
export const store = {
  /** Models on this device, complete or begun. @returns {Promise<StoredInfo[]>} */
  list,
  /** Deletes a model; 'all' deletes every model and the stored page. @param {string} id of `list()`, or 'all' */
  delete: remove,
  /** Returns the bytes that this site uses and may use. @returns {Promise<{usage: number, quota: number, models: number, persisted: boolean}>} */
  async estimate() {
    const { usage = 0, quota = 0 } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
    const models = (await list()).reduce((sum, { size }) => sum + size, 0);
    return { usage, quota, models, persisted: (await globalThis.navigator?.storage?.persisted?.()) ?? false };
  },
  /** Asks the browser to keep the stored models when space runs short. @returns {Promise<boolean>} */
  persist: async () => (await globalThis.navigator?.storage?.persist?.()) ?? false,
};
