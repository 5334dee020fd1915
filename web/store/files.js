/**
 * The files of stored models, in one folder for each model: in the origin's private file system (OPFS) or, if a
 * browser's workers cannot write there, in Cache Storage. Both have the same few calls, which know nothing about the
 * contents. The first write creates the folder.
 *
 *   read(id, name)             the file, or null
 *   readInto(id, name, space)  in a worker: fills `space` with the beginning of the file, returns the bytes read
 *   write(id, name, bytes)     in a worker: removes the file again if writing fails
 */
const NAME = 'sedd-web';

/** Returns the result of `read`, or `nothing` if the file does not exist. */
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
      await access.flush(); // the file must survive a crash once it is reported as written
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

  /** Returns the cache if it exists. Opening a cache would create it. */
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

const held = []; // the cache that this page keeps open

/**
 * Keeps an existing cache open until this page is closed. In a private window, WebKit empties a cache that nobody has
 * open, so a model would be lost at the end of the worker that wrote it.
 */
export async function holdCache() {
  try {
    if (held.length === 0 && (await caches.has(NAME))) held.push(await caches.open(NAME));
  } catch {} // without caches, the model is stored elsewhere
}

/** Returns true if a type of storage works. Private windows and insecure pages refuse one type or both. */
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

/** Returns every type of storage that works here, for listing and deleting. */
export async function allFiles() {
  const kinds = [];
  for (const kind of Object.keys(make)) if (await usable(kind)) kinds.push(make[kind]());
  return kinds;
}

/** Returns the type of storage that a worker writes to, or null. @param {true|'opfs'|'cache-storage'} wanted */
export async function filesToWrite(wanted) {
  const canWrite =
    typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;
  for (const kind of Object.keys(make)) {
    if ((wanted === true || wanted === kind) && (kind !== 'opfs' || canWrite) && (await usable(kind)))
      return make[kind]();
  }
  return null;
}
