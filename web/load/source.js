/**
 * Resolves a source: the URL of a folder, URLs of single files, Blobs (a dropped folder), a model on the hub, or one in
 * the store. `placeOf` classifies it without any request. `openPlace` then finds the files and reads all but the
 * weights.
 */
import { DEFAULTS_FILE, DEFAULTS_MAX } from '../engine/defaults.js';
import { SeddError } from '../errors.js';
import { HUB, ID, PART, Repository, TOKENIZER_REPOSITORY, WEIGHTS, partsError } from './hub.js';
import { LocalFile, RemoteFile } from './remote.js';
import { absent, fetchWhole, refuseOther } from './requests.js';

const GPT2_TOKENS = 50257;
const GPT2_SIZES = [GPT2_TOKENS, GPT2_TOKENS + 1]; // GPT-2's tokens alone, and with a mask or [PAD]
const WANTED =
  'A model is config.json, its weights (model.safetensors or pytorch_model.bin) and tokenizer.json (or vocab.json and merges.txt).';

/** @typedef {{kind: 'folder'|'hub'|'either'|'files'|'stored', id: string, name: string, [more: string]: unknown}} Place */

/**
 * Returns the address of a file beside `url` (a folder ends in /). Keeps the query, which may grant access to the
 * folder.
 */
export const beside = (name, url) => Object.assign(new URL(name, url), { search: new URL(url).search }).href;

const fileName = (file) => file.name?.split('/').at(-1) ?? '';

/** Files of a training run that may be beside a model. */
const TRAINING = /^(training_args|optimizer|scheduler|scaler|rng_state|random_states)(?![a-z])/i;
const largest = (blobs) => blobs.sort((a, b) => b.size - a.size)[0];

/** Returns the files of a dropped folder by their roles. */
function rolesOf(blobs) {
  const named = (...names) => names.map((name) => blobs.find((blob) => fileName(blob) === name)).find(Boolean);
  const ending = (pattern) => blobs.filter((blob) => pattern.test(fileName(blob)) && !TRAINING.test(fileName(blob)));
  if (ending(/^config\.json$/).length > 1)
    throw new SeddError('argument', 'Several config.json were given; one model at a time.');
  const weights = named(...WEIGHTS) ?? largest(ending(/\.safetensors$/)) ?? largest(ending(/\.(pth|pt|bin|ckpt)$/));
  if (!weights && ending(PART)[0]) throw partsError('The folder');
  const tokenizer = named('tokenizer.json', 'vocab.json');
  const beside = tokenizer && fileName(tokenizer) === 'vocab.json' ? named : () => undefined;
  const [merges, added] = [beside('merges.txt'), beside('added_tokens.json')];
  return { config: named('config.json'), weights, tokenizer, merges, added, generation: named(DEFAULTS_FILE) };
}

/** Returns the name of a file (a URL or a Blob). */
const nameOf = (file) => (typeof file === 'string' ? new URL(file).pathname.split('/').at(-1) : fileName(file));

const mergesError = (code, url = '') =>
  new SeddError(code, 'vocab.json is there without merges.txt; GPT-2 tokenizers need both.', {
    hint: 'Put merges.txt (or tokenizer.json, which holds both) beside vocab.json.',
    url,
  });

function placeOfFiles(roles) {
  for (const role of ['config', 'weights']) {
    if (!roles[role]) throw new SeddError('argument', `The source lacks ${role}.`, { hint: WANTED });
  }
  const { weights } = roles;
  if (PART.test(nameOf(weights))) throw partsError(nameOf(weights));
  if (roles.tokenizer && nameOf(roles.tokenizer) === 'vocab.json' && !roles.merges) throw mergesError('argument');
  if (roles.added && !roles.merges)
    throw new SeddError('argument', 'The source has added tokens without merges.', {
      hint: 'added_tokens.json belongs to vocab.json and merges.txt; a tokenizer.json holds its added tokens itself.',
    });
  if (typeof weights === 'string')
    return { kind: 'files', id: weights, name: weights.split('/').at(-2) ?? weights, roles };
  const known = weights.name && weights.lastModified !== undefined;
  return {
    kind: 'files',
    id: known ? `file:${weights.name}:${weights.size}:${weights.lastModified}` : '',
    name: weights.name ?? 'files',
    roles,
  };
}

function placeOfText(text, base, { hub, revision }) {
  const hubPlace = () => {
    const plain = text.replace(/^hub:/, '');
    const [, name = plain, given] = ID.exec(plain) ?? [];
    const found = new Repository(name, { hub, revision: given ?? revision });
    return {
      kind: 'hub',
      id: `hub:${found.name}@${found.revision}${found.hub === HUB ? '' : ` ${found.hub}`}`,
      name: given ? `${found.name}@${given}` : found.name,
      repository: found,
    };
  };
  if (text.startsWith('hub:')) return hubPlace();
  const folder = Object.assign(new URL(text, base), { hash: '' });
  folder.pathname = folder.pathname.replace(/\/?$/, '/');
  const place = {
    kind: 'folder',
    id: folder.href,
    name: decodeURIComponent(folder.pathname.split('/').at(-2) ?? '') || folder.host,
    folder,
  };
  return ID.test(text) ? { ...place, kind: 'either', hub: hubPlace() } : place;
}

/**
 * @param {string|Blob[]|{config, weights, tokenizer?, merges?, added?, generation?}|{stored: string}} source
 * @param {string} base @param {{hub?: string, revision?: string}} options
 * @returns {Place}
 */
export function placeOf(source, base, options = {}) {
  if (typeof source === 'string') return placeOfText(source, base, options);
  if (Array.isArray(source)) return placeOfFiles(rolesOf(source));
  if (typeof source?.stored === 'string') return { kind: 'stored', id: source.stored, name: '' };
  const absolute = (value) => (typeof value === 'string' ? new URL(value, base).href : value);
  return placeOfFiles(Object.fromEntries(Object.entries(source ?? {}).map(([role, value]) => [role, absolute(value)])));
}

/* ---- Opening ---- */

async function readBlob(blob, name) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  refuseOther(bytes, name);
  return bytes;
}

/**
 * Reads tokenizer.json, or vocab.json and merges.txt with an optional added_tokens.json. Returns null if neither
 * exists. `get` throws status 404 for a missing file.
 */
async function readTokenizer(get) {
  const tokenizer = await get('tokenizer.json').catch(absent);
  if (tokenizer) return { tokenizer };
  const vocab = await get('vocab.json').catch(absent);
  if (!vocab) return null;
  const [merges, added] = await Promise.all(['merges.txt', 'added_tokens.json'].map((name) => get(name).catch(absent)));
  if (!merges) throw mergesError('network');
  return { tokenizer: vocab, merges, added };
}

function parsed(config) {
  try {
    return JSON.parse(new TextDecoder().decode(config)) ?? {};
  } catch {
    return {}; // the loader reports what is wrong with it
  }
}

/** Returns true for a GPT-2, whose generation_config.json is for another sampler. */
const isGpt2 = (config) => parsed(config).n_embd !== undefined;

/** Reads the sampling options of a diffusion model, if its folder has them. */
const readGeneration = (config, get) => (isGpt2(config) ? null : get(DEFAULTS_FILE).catch(absent));

/** Reads GPT-2's tokenizer from the hub, for checkpoints without one. */
async function borrowTokenizer(config, options, lack) {
  const { tokens, vocab_size: size, tokenizer } = parsed(config);
  if (!GPT2_SIZES.includes(tokens ?? size) && !(tokens === undefined && tokenizer?.name === 'gpt2')) throw lack;
  const from = new Repository(TOKENIZER_REPOSITORY, { hub: options.hub });
  let why = 'it is not there.';
  try {
    const found = await readTokenizer((name) => fetchWhole(from.url(name), options.retryPolicy));
    if (found) return found;
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    why = error.message;
  }
  throw new SeddError(
    lack.code,
    `${lack.message.replace(/\.$/, '')}, and GPT-2's, which it was trained with, could not be had from the hub: ${why}`,
    { hint: "Put GPT-2's tokenizer.json beside the weights." },
  );
}

/** Opens the first file of weights that exists. If none does, throws the error of the first. */
async function openWeights(names, remote, get) {
  let first;
  for (const name of names) {
    const weights = remote(name);
    try {
      await weights.look();
      return weights;
    } catch (error) {
      absent(error);
      first ??= error;
    }
  }
  for (const name of names) {
    if (names.length > 1 && (await get(`${name}.index.json`).catch(absent)))
      throw partsError(first.url.replace(/[^/]*$/, ''), first.url);
  }
  throw first;
}

async function openUrls(url, has, weightsName, known, options) {
  const get = (name) =>
    has(name) === false
      ? Promise.reject(Object.assign(new SeddError('network', `${url(name)} is not there.`), { status: 404 }))
      : fetchWhole(url(name), options.retryPolicy);
  const config = options.config ?? (await get('config.json'));
  const remote = (name) => new RemoteFile(url(name), { ...options, known: known(name) });
  const weights = await openWeights(weightsName ? [weightsName] : WEIGHTS, remote, get);
  const [tokenizer, generation] = await Promise.all([readTokenizer(get), readGeneration(config, get)]);
  const read =
    tokenizer ??
    (await borrowTokenizer(
      config,
      options,
      new SeddError('network', 'There is no tokenizer beside the weights.', { hint: WANTED }),
    ));
  return { config, ...read, generation, weights, sha256: known(weightsName)?.sha256 ?? '', optional: get };
}

async function openHub({ repository }, options) {
  await repository.list(options.retryPolicy);
  const opened = await openUrls(
    (name) => repository.url(name),
    (name) => repository.has(name),
    repository.weights(),
    (name) => repository.files?.get(name),
    options,
  );
  return { ...opened, generation: opened.generation ?? repository.generation };
}

const openFolder = ({ folder }, options) =>
  openUrls(
    (name) => beside(name, folder),
    () => undefined,
    undefined,
    () => undefined,
    options,
  );

/** Opens a folder beside the page if it exists, otherwise the hub. */
async function openEither(place, options) {
  let config;
  try {
    config = await fetchWhole(beside('config.json', place.folder), options.retryPolicy);
  } catch (error) {
    absent(error);
    try {
      return { ...(await openHub(place.hub, options)), place: place.hub };
    } catch (cause) {
      if (!cause.code) throw cause;
      throw new SeddError(cause.code, `There is no folder ${place.folder.href}, and on the hub: ${cause.message}`, {
        hint: cause.hint,
        url: cause.url,
        cause,
      });
    }
  }
  return { ...(await openFolder(place, { ...options, config })), place: { ...place, kind: 'folder' } };
}

async function openFiles({ roles }, options) {
  const read = (file, name) =>
    typeof file === 'string' ? fetchWhole(file, options.retryPolicy) : readBlob(file, name);
  const config = await read(roles.config, 'config.json');
  const given = roles.tokenizer
    ? {
        tokenizer: await read(roles.tokenizer, 'the tokenizer'),
        merges: roles.merges && (await read(roles.merges, 'merges.txt')),
        added: roles.added && (await read(roles.added, 'added_tokens.json')),
      }
    : await borrowTokenizer(
        config,
        options,
        new SeddError('argument', 'The source lacks tokenizer.', { hint: WANTED }),
      );
  const weights =
    typeof roles.weights === 'string' ? new RemoteFile(roles.weights, options) : new LocalFile(roles.weights);
  await weights.look();
  const start = (file) => (typeof file === 'string' ? file : file.slice(0, DEFAULTS_MAX + 1));
  const generation = roles.generation ? await read(start(roles.generation), DEFAULTS_FILE) : null;
  const none = Object.assign(new SeddError('argument', 'The source has no further files.'), { status: 404 });
  return { config, ...given, generation, weights, sha256: '', optional: () => Promise.reject(none) };
}

/**
 * Finds the files and reads all but the weights.
 * @param {Place} place
 * @param {{retryPolicy: import('./requests.js').RetryPolicy, hub?: string, stored?: boolean}} options
 * @returns {Promise<{config: Uint8Array, tokenizer: Uint8Array, merges?: Uint8Array, added?: Uint8Array|null, generation: Uint8Array|null, weights: RemoteFile|LocalFile, sha256: string,
 *   optional: (name: string) => Promise<Uint8Array>, place?: Place}>}
 */
export function openPlace(place, options) {
  return { hub: openHub, folder: openFolder, either: openEither, files: openFiles }[place.kind](place, options);
}
