/**
 * Loading a model, in the worker: from the store where it is there and still the one at its source, else
 * from the source, through the store. The quantised model, or the file itself where that is no larger,
 * is kept; manifest.json makes it count, as the last thing written.
 */
import { Engine } from './engine.js';
import { SeddError, abortError } from './errors.js';
import { probe } from './features.js';
import { Model } from './model.js';
import { Patience, RemoteFile, changedError, fetchWhole } from './remote.js';
import { predict, sharedMaximum } from './sizes.js';
import { openPlace, placeOf } from './source.js';
import { CHUNK, StoredModel, entryId, sha256, withLock } from './store-entry.js';
import { filesToWrite } from './store-files.js';
import { ChunkedWeights, Hasher, StoredWeights } from './weights.js';

const LOOK_SECONDS = 3; // to ask whether a stored model is still the one at its source
const SMALL = ['config', 'tokenizer', 'merges', 'generation'];
const NO_STORE = 'This page has no storage a worker can write (a private window, or an insecure address).';

/** Hex of 'sha256-BASE64' or of hex; '' for none. */
function integrityHex(integrity = '') {
  const [, base64, hex] = /^(?:sha256-([A-Za-z0-9+/]{43}=)|([0-9a-f]{64}))$/.exec(integrity) ?? [];
  if (integrity && !base64 && !hex) throw new SeddError('argument', `integrity is "${integrity}"; expected "sha256-" and its base64.`);
  return base64 ? [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('') : hex ?? '';
}

class Load {
  #last = 0;

  constructor(source, { base, emit, signal, ...options }) {
    const { dtype = 'auto', cache = true, integrity, revision, hub, retries, wasm, threads = 1 } = options;
    Object.assign(this, { emit, signal, dtype, cache, wasm, threads, reason: '', sha256: integrityHex(integrity) });
    this.patience = new Patience({ retries, signal, onWait: (seconds) => this.say({ phase: 'wait', seconds }) });
    this.hub = hub;
    this.place = placeOf(source, base, { hub, revision });
  }

  say(event) { this.emit({ loaded: 0, total: 0, fetched: 0, ...event }); }

  /** Progress of weights, twenty times a second; also where an abort is noticed. */
  progress(weights, source) {
    return (loaded) => {
      if (this.signal.aborted) throw abortError();
      const now = performance.now();
      if (loaded < weights.size && now - this.#last < 50) return;
      this.#last = now;
      this.say({ phase: 'weights', loaded, total: weights.size, fetched: source?.fetched ?? 0 });
    };
  }

  entryOf(place) { return place.id && this.files ? entryId(place.id, this.dtype).then((id) => new StoredModel(this.files, id)) : null; }

  /** A complete entry of this source, or null. */
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
    if (!manifest) throw new SeddError('argument', `The store has no complete model "${this.place.id}".`, { hint: 'Ask store.list() what there is.' });
    return { entry, manifest, place: this.place };
  }

  async engineFor(memory) {
    const { threads, wasm } = this;
    return threads > 1 && probe().threads ? Engine.create({ wasm, threads, memory: sharedMaximum(memory) }) : this.plain;
  }

  /* ---- From the store ---- */

  /** Throws changedError if the source has another file now; silence counts as no change. */
  async #checkFresh({ manifest, place }) {
    if (this.sha256 && this.sha256 !== manifest.sha256) throw changedError(manifest.url);
    if (!manifest.url || place.kind === 'stored' || globalThis.navigator?.onLine === false) return;
    const limit = new AbortController();
    const stop = () => limit.abort();
    const timer = setTimeout(stop, 1000 * LOOK_SECONDS);
    this.signal.addEventListener('abort', stop, { once: true });
    const patience = new Patience({ retries: 0, signal: limit.signal });
    try {
      if (place.kind === 'hub') await place.repository.list(patience);
      const listed = place.repository?.files?.get(place.repository.weights());
      if (!listed) await new RemoteFile(manifest.url, { patience, known: manifest.known }).look();
      else if (listed.sha256 ? listed.sha256 !== manifest.sha256 : listed.size !== manifest.known.size) throw changedError(manifest.url);
    } catch (error) {
      if (error.changed) throw error;
      if (this.signal.aborted) throw abortError();
    } finally {
      clearTimeout(timer);
    }
  }

  async fromStore({ entry, manifest, place }) {
    const fresh = this.#checkFresh({ manifest, place }); // meanwhile the model is read
    fresh.catch(() => {}); // whatever fails first is told
    const names = SMALL.filter((name) => manifest.small[name]);
    const found = await Promise.all(names.map((name) => entry.get(name, manifest.small[name])));
    if (found.includes(null)) throw Object.assign(new SeddError('content', 'The stored model is damaged.', { hint: 'Load it again.' }), { damaged: true });
    const files = Object.fromEntries(names.map((name, i) => [name, found[i]]));
    const source = manifest.url ? new RemoteFile(manifest.url, { patience: this.patience, known: manifest.known, stored: true }) : null;
    const progress = (loaded) => report(loaded);
    const weights = manifest.set === 'q' ? new StoredWeights(entry, manifest, progress)
      : new ChunkedWeights(source, { entry, expected: manifest.hashes, onProgress: progress });
    const report = this.progress(weights, source);
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

  #result(engine, model, { name, url, sha256: sha, source }, how) {
    const optional = async (file) => {
      if (!url) return null;
      return fetchWhole(new URL(file, url).href, new Patience({ retries: 0, signal: this.signal })).catch(() => null);
    };
    return { engine, model, optional, source: { id: source, name, url, sha256: sha, reason: this.reason, ...how } };
  }

  /* ---- From the source ---- */

  /** Makes the entry one of this very file: what is there of another goes. */
  async #beginPart(entry, part) {
    const there = await entry.json('part.json');
    const same = there && ['size', 'etag', 'modified'].every((key) => !there[key] || !part[key] || there[key] === part[key]);
    if (same) return;
    await entry.drop();
    await entry.putJson('part.json', { ...part, created: Date.now() });
  }

  /** Whether the rest of the download has room; if not, only the result is kept. */
  async #hasRoom(entry, size) {
    const { quota = Infinity, usage = 0 } = await navigator.storage?.estimate?.() ?? {};
    return quota - usage > size - await entry.held(size);
  }

  async #entryForChunks(entry, place, { weights, sha256: sha }, info) {
    if (!entry || !weights.url) return null;
    const { url, size, etag, modified } = weights;
    try {
      await this.#beginPart(entry, { name: place.name, source: place.id, url, size, etag, modified, sha256: sha, kind: info.kind, dtype: info.dtype });
    } catch (error) {
      this.reason = `Nothing was stored: ${error.message}`;
      return null;
    }
    if (await this.#hasRoom(entry, size)) return entry;
    await entry.drop();
    return null;
  }

  async fromSource(opened, place, entry) {
    const { config, tokenizer, merges, generation, weights: source } = opened;
    const { info, dtype, memory, fits, advice } = predict(this.plain, config, this.dtype);
    if (!fits) throw new SeddError('memory', advice.split('. ')[0], { hint: advice.split('. ').slice(1).join('. ') });
    const engine = await this.engineFor(memory);
    const hasher = new Hasher(this.plain);
    const weights = new ChunkedWeights(source, { entry: await this.#entryForChunks(entry, place, opened, info), hasher, onProgress: (loaded) => report(loaded) });
    const report = this.progress(weights, source);
    const model = await Model.load(engine, { config, tokenizer, merges, generation, weights }, { dtype });
    const sha = await weights.finishHash();
    hasher.free();
    source.close();
    const expected = this.sha256 || opened.sha256 || source.sha256 || '';
    if (expected && sha !== expected) {
      throw new SeddError('content', `The file of weights has the sha256 ${sha}; expected ${expected}.`, { hint: 'It was damaged on the way, or is another version.', url: source.url });
    }
    const { url, size, etag, modified, fetched } = source;
    const about = { name: place.name, source: place.id, url, sha256: sha, known: { size, etag, modified }, kind: model.info.kind, dtype: model.info.dtype, want: dtype };
    const stored = entry ? await this.#keep(engine, model, weights, { config, tokenizer, merges, generation }, entry, about) : false;
    return this.#result(engine, model, about, { fromStore: false, stored, fetched });
  }

  /* ---- Keeping ---- */

  /** Stores what the next visit needs; false where there is no room for it. */
  async #keep(engine, model, weights, files, entry, about) {
    try {
      await this.#writeEntry(engine, model, weights, files, entry, about);
      return true;
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      this.reason = `There is no room to store this model: ${error.message}`;
      await entry.drop().catch(() => {});
      return false;
    }
  }

  async #writeEntry(engine, model, weights, files, entry, about) {
    const whole = weights.keeping && weights.hashes.filter(Boolean).length === weights.count;
    const written = this.#writeModel(engine, model, entry);
    const { value: size } = await written.next();
    const kept = whole && size > 0.75 * weights.size ? { set: 'w', size: weights.size, hashes: weights.hashes }
      : { set: 'q', size, hashes: (await written.next()).value };
    await written.return();
    const small = {};
    for (const name of SMALL.filter((file) => files[file])) {
      await entry.put(name, files[name]);
      small[name] = await sha256(files[name]);
    }
    await entry.putJson('manifest.json', { ...about, ...kept, small, created: Date.now() });
    if (kept.set === 'q') await entry.forgetChunks('w');
    await entry.remove('part.json');
  }

  /** First gives the size the model has as a file, then writes it and gives the hashes of its chunks. */
  async* #writeModel(engine, model, entry) {
    const { module } = engine;
    const writer = engine.check(module._wasm_writer_new(model.pointer));
    const buffer = engine.check(module._malloc(CHUNK));
    const copy = new Uint8Array(CHUNK);
    try {
      const size = module._wasm_writer_size(writer);
      yield size;
      const hashes = [];
      for (let done = 0; done < size;) {
        if (this.signal.aborted) throw abortError();
        const bytes = copy.subarray(0, module._sedd_writer_read(writer, buffer, CHUNK));
        bytes.set(engine.bytes(buffer, bytes.length));
        hashes.push(await sha256(bytes));
        await this.#makeRoom(entry, () => entry.putChunk('q', hashes.length - 1, bytes, hashes.at(-1)));
        done += bytes.length;
        this.say({ phase: 'keep', loaded: done, total: size });
      }
      yield hashes;
    } finally {
      module._free(buffer);
      module._sedd_writer_free(writer);
    }
  }

  /** The file it was made of is in memory as a model by now: it gives way. */
  async #makeRoom(entry, write) {
    try {
      await write();
    } catch (error) {
      if (this.signal.aborted) throw error;
      await entry.forgetChunks('w');
      await write();
    }
  }

  /* ---- The whole ---- */

  waiting() { this.say({ phase: 'wait' }); }

  async #storedOrNull(stored) {
    try {
      return await withLock(stored.entry.id, this.signal, () => this.waiting(), () => this.fromStore(stored));
    } catch (error) {
      if (!error.changed && !error.damaged) throw error;
      if (stored.place.kind === 'stored') throw error;
      await withLock(stored.entry.id, this.signal, () => this.waiting(), () => stored.entry.drop());
      return null;
    }
  }

  async #throughStore() {
    this.say({ phase: 'open' });
    const opened = await openPlace(this.place, { patience: this.patience, hub: this.hub, stored: this.files !== null });
    const place = opened.place ?? this.place;
    const entry = await this.entryOf(place);
    if (!entry) return this.fromSource(opened, place, null);
    return withLock(entry.id, this.signal, () => this.waiting(), async () => {
      const manifest = await entry.json('manifest.json'); // another tab may have been faster
      return manifest ? this.fromStore({ entry, manifest, place }) : this.#fromSourceOrNothing(opened, place, entry);
    });
  }

  /** What turned out to be no model, or another file, is not kept to go on with. */
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
    const there = stored && await this.#storedOrNull(stored);
    if (there) return there;
    try {
      return await this.#throughStore();
    } catch (error) {
      if (!error.changed) throw error;
      return this.#throughStore(); // from the beginning; a second change is the caller's to know
    }
  }

  /** What loading would take, before it is done. */
  async plan() {
    const [stored] = await Promise.all([this.findStored(), this.#start()]);
    if (stored) return this.#planStored(stored);
    const opened = await openPlace(this.place, { patience: this.patience, hub: this.hub });
    const place = opened.place ?? this.place;
    const entry = await this.entryOf(place);
    const { size, url } = opened.weights;
    const there = url ? await entry?.held(size) ?? 0 : 0;
    const { info, dtype, memory, fits, advice } = predict(this.plain, opened.config, this.dtype);
    const keeps = !entry ? 0 : Math.min(size, info.weightBytes);
    return { name: place.name, kind: info.kind, url, dtype, size, stored: there, download: url ? size - there : 0, complete: false, keeps, memory, fits, advice, info };
  }

  async #planStored({ entry, manifest }) {
    const config = await entry.get('config', manifest.small.config);
    const { info, dtype, memory, fits, advice } = predict(this.plain, config, manifest.want);
    const { name, kind, url, size } = manifest;
    return { name, kind, url, dtype, size, stored: size, download: 0, complete: true, keeps: size, memory, fits, advice, info };
  }
}

/**
 * @param {unknown} source as `placeOf` takes it
 * @param {{base: string, emit: (event: object) => void, signal: AbortSignal, dtype?: string, cache?: boolean|'opfs'|'cache-storage',
 *   integrity?: string, revision?: string, hub?: string, retries?: number, threads?: number, wasm?: string}} options
 * @returns {Promise<{engine: Engine, model: Model, source: object, optional: (name: string) => Promise<Uint8Array|null>}>}
 */
export const loadModel = (source, options) => new Load(source, options).run();

/** The same source and options: what loading it would take. */
export const planModel = (source, options) => new Load(source, options).plan();
