/**
 * Loads a model, in the worker. A stored model is used if it is still the one at its source. Otherwise the model
 * is read from the source and stored on the way.
 */
import { Engine } from '../engine/engine.js';
import { SeddError, abortError } from '../errors.js';
import { probe } from '../engine/features.js';
import { checkFresh } from './fresh.js';
import { StoreWriter, SMALL } from '../store/writer.js';
import { Model } from '../engine/model.js';
import { RemoteFile } from './remote.js';
import { RetryPolicy, fetchWhole } from './requests.js';
import { predict, sharedMaximum } from '../engine/sizes.js';
import { beside, openPlace, placeOf } from './source.js';
import { StoredModel, damagedError, entryId, hexOf, withLock } from '../store/entry.js';
import { filesToWrite } from '../store/files.js';
import { ChunkedWeights, Hasher, StoredWeights } from './weights.js';

const NO_STORE = 'This page has no storage a worker can write (a private window, or an insecure address).';

/** Returns the hash in hexadecimal, given 'sha256-BASE64', hexadecimal or nothing (''). */
function integrityHex(integrity = '') {
  const [, base64, hex] = /^(?:sha256-([A-Za-z0-9+/]{43}=)|([0-9a-f]{64}))$/.exec(integrity) ?? [];
  if (integrity && !base64 && !hex)
    throw new SeddError('argument', `integrity is "${integrity}"; expected "sha256-" and its base64.`);
  return base64 ? hexOf(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))) : (hex ?? '');
}

/** Returns the error for a file with another hash than the expected one. */
const otherError = (sha, expected, url) =>
  new SeddError('content', `The file of weights has the sha256 ${sha}; expected ${expected}.`, {
    hint: 'It was damaged on the way, or is another version.',
    url,
  });

class Load {
  #last = 0;

  constructor(source, { base, emit, signal, ...options }) {
    const { dtype = 'auto', cache = true, name, integrity, revision, hub, retries, wasm, threads = 1 } = options;
    Object.assign(this, { emit, signal, dtype, cache, wasm, threads, reason: '', sha256: integrityHex(integrity) });
    this.retryPolicy = new RetryPolicy({ retries, signal, onWait: (seconds) => this.say({ phase: 'wait', seconds }) });
    this.hub = hub;
    this.place = placeOf(source, base, { hub, revision });
    if (name) this.place.name = name;
  }

  say(event) {
    this.emit({ loaded: 0, total: 0, fetched: 0, ...event });
  }

  /** Reports the progress of the weights, twenty times a second. An abort is noticed here, too. */
  progress(total, source) {
    return (loaded) => {
      if (this.signal.aborted) throw abortError();
      const now = performance.now();
      if (loaded < total && now - this.#last < 50) return;
      this.#last = now;
      this.say({ phase: 'weights', loaded, total, fetched: source?.fetched ?? 0 });
    };
  }

  entryOf(place) {
    return place.id && this.files ? entryId(place.id, this.dtype).then((id) => new StoredModel(this.files, id)) : null;
  }

  /** Returns the complete entry of this source, or null. */
  async findStored() {
    this.files = this.cache ? await filesToWrite(this.cache) : null;
    if (!this.files) {
      this.reason = this.cache ? NO_STORE : '';
      return null;
    }
    if (this.place.kind === 'stored') return this.#findById();
    const places = this.place.kind === 'either' ? [{ ...this.place, kind: 'folder' }, this.place.hub] : [this.place];
    for (const place of places) {
      const entry = await this.entryOf(place);
      const manifest = await entry?.json('manifest.json');
      if (manifest) return { entry, manifest, place };
    }
    return null;
  }

  async #findById() {
    const entry = new StoredModel(this.files, this.place.id);
    const manifest = await entry.json('manifest.json');
    if (!manifest)
      throw new SeddError('argument', `The store has no complete model "${this.place.id}".`, {
        hint: 'Ask store.list() what there is.',
      });
    return { entry, manifest, place: this.place };
  }

  async engineFor(memory) {
    const { threads, wasm } = this;
    return threads > 1 && probe().threads
      ? Engine.create({ wasm, threads, memory: sharedMaximum(memory) })
      : this.plain;
  }

  /* ---- From the store ---- */

  async fromStore({ entry, manifest, place }) {
    if (this.sha256 && this.sha256 !== manifest.sha256)
      throw Object.assign(otherError(manifest.sha256, this.sha256, manifest.url), { changed: true });
    const fresh = checkFresh(manifest, place, this.signal); // runs while the model is read
    fresh.catch(() => {}); // only the first failure is reported
    const files = await this.#smallFiles(entry, manifest.small);
    const source = manifest.url
      ? new RemoteFile(manifest.url, { retryPolicy: this.retryPolicy, known: manifest.known, stored: true })
      : null;
    const onProgress = this.progress(manifest.size, source);
    const weights =
      manifest.set === 'q'
        ? new StoredWeights(entry, manifest, onProgress)
        : new ChunkedWeights(source, { entry, expected: manifest.hashes, onProgress });
    const engine = await this.engineFor(predict(this.plain, files.config, manifest.want).memory);
    const model = await Model.load(engine, { ...files, weights }, { dtype: manifest.want });
    source?.close();
    try {
      await fresh;
    } catch (error) {
      model.dispose();
      if (engine !== this.plain) engine.free();
      throw error;
    }
    return this.#result(engine, model, manifest, { fromStore: true, stored: true, fetched: source?.fetched ?? 0 });
  }

  async #smallFiles(entry, hashes) {
    const names = SMALL.filter((name) => hashes[name]);
    const found = await Promise.all(names.map((name) => entry.get(name, hashes[name])));
    if (found.includes(null)) throw damagedError();
    return Object.fromEntries(names.map((name, i) => [name, found[i]]));
  }

  #result(engine, model, { name, url, sha256: sha, source }, how) {
    const optional = async (file) => {
      if (!url) return null;
      return fetchWhole(beside(file, url), new RetryPolicy({ retries: 0, signal: this.signal })).catch(() => null);
    };
    return { engine, model, optional, source: { id: source, name, url, sha256: sha, reason: this.reason, ...how } };
  }

  /* ---- From the source ---- */

  /** Makes a model of the opened files. `entry` is null if nothing is to be stored. */
  async fromSource(opened, place, entry) {
    const { info, dtype, memory, fits, advice } = predict(this.plain, opened.config, this.dtype);
    if (!fits) throw new SeddError('memory', advice.split('. ')[0], { hint: advice.split('. ').slice(1).join('. ') });
    const engine = await this.engineFor(memory);
    const { weights: source } = opened;
    const { url, size, etag, modified } = source;
    const about = { name: place.name, source: place.id, url };
    const storeWriter = entry && new StoreWriter(entry, { signal: this.signal, say: (event) => this.say(event) });
    const chunks =
      storeWriter && url
        ? await storeWriter.beginChunks({
            ...about,
            size,
            etag,
            modified,
            sha256: opened.sha256,
            kind: info.kind,
            dtype: info.dtype,
          })
        : null;
    const { model, weights, sha } = await this.#receive(engine, opened, chunks, dtype);
    const known = { size, etag: source.etag, modified: source.modified };
    const manifest = { ...about, sha256: sha, known, kind: model.info.kind, dtype: model.info.dtype, want: dtype };
    const stored = storeWriter ? await storeWriter.keep(engine, model, weights, opened, manifest) : false;
    if (storeWriter) this.reason = storeWriter.reason;
    return this.#result(engine, model, manifest, { fromStore: false, stored, fetched: source.fetched });
  }

  /** Reads the file to its end. Returns {model, weights, sha}. */
  async #receive(engine, opened, entry, dtype) {
    const { weights: source } = opened;
    const hasher = new Hasher(this.plain);
    const weights = new ChunkedWeights(source, { entry, hasher, onProgress: this.progress(source.size, source) });
    const model = await Model.load(engine, { ...opened, weights }, { dtype });
    const sha = await weights.finishHash();
    hasher.free();
    source.close();
    this.#verify(sha, opened);
    return { model, weights, sha };
  }

  #verify(sha, { sha256: listed, weights: source }) {
    const expected = this.sha256 || listed || source.sha256;
    if (expected && sha !== expected) throw otherError(sha, expected, source.url);
  }

  /* ---- The whole ---- */

  /** Runs the load while no other tab loads or deletes this model. */
  #alone(entry, work) {
    return withLock(entry.id, this.signal, () => this.say({ phase: 'wait' }), work);
  }

  async #storedOrNull(stored) {
    try {
      return await this.#alone(stored.entry, () => this.fromStore(stored));
    } catch (error) {
      if (!(error.changed || error.damaged) || stored.place.kind === 'stored') throw error;
      await this.#alone(stored.entry, () => stored.entry.drop());
      return null;
    }
  }

  async #throughStore() {
    this.say({ phase: 'open' });
    const opened = await openPlace(this.place, {
      retryPolicy: this.retryPolicy,
      hub: this.hub,
      stored: this.files !== null,
    });
    const place = opened.place ?? this.place;
    const entry = await this.entryOf(place);
    if (!entry) return this.fromSource(opened, place, null);
    return this.#alone(entry, async () => {
      const manifest = await entry.json('manifest.json'); // another tab may have finished first
      return manifest ? this.fromStore({ entry, manifest, place }) : this.#fromSourceOrNothing(opened, place, entry);
    });
  }

  /** Deletes the stored part of a download that turned out to be another file or not a model. */
  async #fromSourceOrNothing(opened, place, entry) {
    try {
      return await this.fromSource(opened, place, entry);
    } catch (error) {
      if (['content', 'format', 'unsupported'].includes(error.code)) await entry.drop();
      throw error;
    }
  }

  async #start() {
    this.plain = await Engine.create({ wasm: this.wasm });
    performance.mark('sedd-web:engine');
  }

  async run() {
    performance.mark('sedd-web:load'); // for profiles; scripts/bench/visit.mjs reads them
    const [stored] = await Promise.all([this.findStored(), this.#start()]);
    const there = stored && (await this.#storedOrNull(stored));
    if (there) return there;
    try {
      return await this.#throughStore();
    } catch (error) {
      if (!error.changed) throw error;
      return this.#throughStore(); // starts again; a second change is reported to the caller
    }
  }

  /** Returns the size of the download and the memory that loading needs. */
  async plan() {
    const [complete] = await Promise.all([this.findStored(), this.#start()]);
    if (complete) return this.#planStored(complete);
    const opened = await openPlace(this.place, { retryPolicy: this.retryPolicy, hub: this.hub });
    const place = opened.place ?? this.place;
    const entry = await this.entryOf(place);
    const { size, url } = opened.weights;
    const stored = url ? ((await entry?.held(size)) ?? 0) : 0;
    const told = predict(this.plain, opened.config, this.dtype, opened.generation);
    return {
      name: place.name,
      kind: told.info.kind,
      url,
      size,
      stored,
      download: url ? size - stored : 0,
      complete: false,
      keeps: entry ? Math.min(size, told.info.weightBytes) : 0,
      ...told,
    };
  }

  async #planStored({ entry, manifest }) {
    const { name, kind, url, size, want, small } = manifest;
    const { config, generation } = await this.#smallFiles(entry, {
      config: small.config,
      generation: small.generation,
    });
    return {
      name,
      kind,
      url,
      size,
      stored: size,
      download: 0,
      complete: true,
      keeps: size,
      ...predict(this.plain, config, want, generation),
    };
  }
}

/**
 * @param {unknown} source as `placeOf` takes it
 * @param {{base: string, emit: (event: object) => void, signal: AbortSignal, dtype?: string, cache?: boolean|'opfs'|'cache-storage',
 *   integrity?: string, revision?: string, hub?: string, retries?: number, threads?: number, wasm?: string}} options
 * @returns {Promise<{engine: Engine, model: Model, source: object, optional: (name: string) => Promise<Uint8Array|null>}>}
 */
export const loadModel = (source, options) => new Load(source, options).run();

/** Returns what loading this source with these options would need. */
export const planModel = (source, options) => new Load(source, options).plan();
