/**
 * Where stored models lie: files in folders, one folder a model, in the origin's private file system
 * (OPFS) or, where a browser has none that a worker can write, in Cache Storage. Both offer the same few
 * calls; nothing here knows what the files mean. No folder is made before the first write.
 *
 *   read(id, name)             the file, or null
 *   readInto(id, name, space)  in a worker: fills `space` with the file's beginning, gives the bytes it has now
 *   write(id, name, bytes)     in a worker: what fails is removed again
 */
const NAME = 'sedd-web';

/** What `read` gives, or `nothing` where there is no such file. */
async function absentAs(nothing, read) {
  try {
    return await read();
  } catch (error) {
    if (['NotFoundError', 'NotReadableError'].includes(error.name)) return nothing;
    throw error;
  }
}

class PrivateFiles {
  #root = null;

  async #folder(id, create = false) {
    try {
      this.#root ??= await (await navigator.storage.getDirectory()).getDirectoryHandle(NAME, { create });
      return id === '' ? this.#root : await this.#root.getDirectoryHandle(id, { create });
    } catch (error) {
      if (error.name === 'NotFoundError' && !create) return null;
      throw error;
    }
  }

  async ids() {
    return this.#names('');
  }
  async names(id) {
    return this.#names(id);
  }

  async #names(id) {
    const folder = await this.#folder(id);
    const names = [];
    if (folder) for await (const name of folder.keys()) names.push(name);
    return names;
  }

  async #handle(id, name) {
    return (await this.#folder(id))?.getFileHandle(name);
  }

  read(id, name) {
    return absentAs(null, async () => {
      const handle = await this.#handle(id, name);
      return handle ? new Uint8Array(await (await handle.getFile()).arrayBuffer()) : null;
    });
  }

  readInto(id, name, space) {
    return absentAs(0, async () => {
      const access = await (await this.#handle(id, name))?.createSyncAccessHandle({ mode: 'read-only' });
      let size = 0;
      try {
        for (let count = 1; access && count > 0; size += count) count = access.read(space.subarray(size), { at: size });
      } finally {
        access?.close();
      }
      return size;
    });
  }

  async write(id, name, bytes) {
    const folder = await this.#folder(id, true);
    const handle = await folder.getFileHandle(name, { create: true });
    let access;
    try {
      access = await handle.createSyncAccessHandle();
      access.truncate(0);
      for (let at = 0; at < bytes.length; ) {
        const count = access.write(bytes.subarray(at), { at });
        if (count === 0) throw new DOMException('The disk is full.', 'QuotaExceededError');
        at += count;
      }
      await access.flush(); // whoever is told that a file is written finds it after a crash, too
    } catch (error) {
      access?.close();
      await folder.removeEntry(name).catch(() => {});
      throw error;
    }
    access.close();
  }

  async remove(id, name) {
    await (await this.#folder(id))?.removeEntry(name).catch(() => {});
  }

  async drop(id) {
    const root = await this.#folder('');
    await root?.removeEntry(id, { recursive: true }).catch((error) => {
      if (error.name !== 'NotFoundError') throw error;
    });
  }
}

class CachedFiles {
  #url(id, name = '') {
    return new URL(`/.${NAME}/${id}/${encodeURIComponent(name)}`, globalThis.location.origin).href;
  }

  /** Without making it: opening a cache creates it. */
  async #existing() {
    return (await caches.has(NAME)) ? caches.open(NAME) : null;
  }

  async #paths() {
    const requests = (await (await this.#existing())?.keys()) ?? [];
    return requests.map(({ url }) => new URL(url).pathname.split('/').slice(2));
  }

  async ids() {
    return [...new Set((await this.#paths()).map(([id]) => id))];
  }
  async names(id) {
    return (await this.#paths()).filter(([folder]) => folder === id).map(([, name]) => decodeURIComponent(name));
  }

  async read(id, name) {
    const response = await (await this.#existing())?.match(this.#url(id, name));
    return response ? new Uint8Array(await response.arrayBuffer()) : null;
  }

  async readInto(id, name, space) {
    const bytes = (await this.read(id, name))?.subarray(0, space.length) ?? [];
    space.set(bytes);
    return bytes.length;
  }

  async write(id, name, bytes) {
    await (await caches.open(NAME)).put(this.#url(id, name), new Response(bytes.slice()));
  }
  async remove(id, name) {
    await (await this.#existing())?.delete(this.#url(id, name));
  }
  async drop(id) {
    for (const name of await this.names(id)) await this.remove(id, name);
  }
}

const held = []; // the cache, once this page holds it

/**
 * Keeps the cache open as long as this page lives, if there is one. In a private window, WebKit empties a cache as soon as
 * nobody has it open: the end of the worker that wrote a model would be the end of the model.
 */
export async function holdCache() {
  try {
    if (held.length === 0 && (await caches.has(NAME))) held.push(await caches.open(NAME));
  } catch {} // there are no caches here, so the model lies elsewhere
}

/** Whether a kind of storage answers at all: private windows and insecure pages refuse one or both. */
async function usable(kind) {
  try {
    if (kind === 'cache-storage') return typeof caches !== 'undefined' && (await caches.has(NAME), true);
    await navigator.storage.getDirectory();
    return true;
  } catch {
    return false;
  }
}

const make = { opfs: () => new PrivateFiles(), 'cache-storage': () => new CachedFiles() };

/** Every kind that works here, to list and delete from. */
export async function allFiles() {
  const kinds = [];
  for (const kind of Object.keys(make)) if (await usable(kind)) kinds.push(make[kind]());
  return kinds;
}

/** The kind a worker writes to, or null. @param {true|'opfs'|'cache-storage'} wanted */
export async function filesToWrite(wanted) {
  const canWrite =
    typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;
  for (const kind of Object.keys(make)) {
    if ((wanted === true || wanted === kind) && (kind !== 'opfs' || canWrite) && (await usable(kind)))
      return make[kind]();
  }
  return null;
}
