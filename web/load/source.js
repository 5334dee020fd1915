/**
 * What a source names: the URL of a folder, URLs of single files, Blobs (a dropped folder), a model on
 * the hub, or one in the store. First `placeOf` says which, without any request; then `openPlace` finds
 * the files and reads all but the weights.
 */
import { DEFAULTS_FILE, DEFAULTS_MAX } from '../client/defaults.js';
import { SeddError } from '../errors.js';
import { HUB, Repository, TOKENIZER_REPOSITORY, WEIGHTS } from './hub.js';
import { LocalFile, RemoteFile } from './remote.js';
import { fetchWhole, refuseOther } from './requests.js';

const GPT2_TOKENS = 50257;
const WANTED =
  'A model is config.json, its weights (model.safetensors or pytorch_model.bin) and tokenizer.json (or vocab.json and merges.txt).';

/** @typedef {{kind: 'folder'|'hub'|'either'|'files'|'stored', id: string, name: string, [more: string]: unknown}} Place */

const fileName = (file) => file.name?.split('/').at(-1) ?? '';

/** The files of a dropped folder by their roles. */
function rolesOf(blobs) {
  const named = (...names) => names.map((name) => blobs.find((blob) => fileName(blob) === name)).find(Boolean);
  const ending = (pattern) => blobs.filter((blob) => pattern.test(fileName(blob)));
  if (ending(/^config\.json$/).length > 1)
    throw new SeddError('argument', 'Several config.json were given; one model at a time.');
  const weights = named(...WEIGHTS) ?? ending(/\.safetensors$/)[0] ?? ending(/\.(pth|pt|bin)$/)[0];
  const tokenizer = named('tokenizer.json', 'vocab.json');
  const merges = tokenizer && fileName(tokenizer) === 'vocab.json' ? named('merges.txt') : undefined;
  return { config: named('config.json'), weights, tokenizer, merges, generation: named(DEFAULTS_FILE) };
}

function placeOfFiles(roles) {
  for (const role of ['config', 'weights']) {
    if (!roles[role]) throw new SeddError('argument', `The source lacks ${role}.`, { hint: WANTED });
  }
  const { weights } = roles;
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
    const [name, given] = text.replace(/^hub:/, '').split('@');
    const found = new Repository(name, { hub, revision: given ?? revision });
    return {
      kind: 'hub',
      id: `hub:${found.name}@${found.revision}${found.hub === HUB ? '' : ` ${found.hub}`}`,
      name: found.name,
      repository: found,
    };
  };
  if (text.startsWith('hub:')) return hubPlace();
  const folder = new URL(text.replace(/\/?$/, '/'), base);
  const place = {
    kind: 'folder',
    id: folder.href,
    name: decodeURIComponent(folder.pathname.split('/').at(-2) ?? '') || folder.host,
    folder,
  };
  return /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(text) ? { ...place, kind: 'either', hub: hubPlace() } : place;
}

/**
 * @param {string|Blob[]|{config, weights, tokenizer?, merges?, generation?}|{stored: string}} source
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

const absent = (error) => {
  if (error.status !== 404 && error.code !== 'content') throw error;
  return null;
};

/** tokenizer.json, else vocab.json and merges.txt, else null; `get` throws status 404 where there is no such file. */
async function readTokenizer(get) {
  const tokenizer = await get('tokenizer.json').catch(absent);
  if (tokenizer) return { tokenizer };
  const vocab = await get('vocab.json').catch(absent);
  return vocab && { tokenizer: vocab, merges: await get('merges.txt') };
}

function parsed(config) {
  try {
    return JSON.parse(new TextDecoder().decode(config)) ?? {};
  } catch {
    return {}; // the loader says what is wrong with it
  }
}

const isSedd = (config) => parsed(config).tokens !== undefined;

/** How a SEDD was trained to write, if its folder says so; servers have many ways to say that a file is not there. */
const readGeneration = (config, get) =>
  !isSedd(config)
    ? null
    : get(DEFAULTS_FILE).catch((error) => {
        if (error.retry || !(error.status < 500 || error.code === 'content')) throw error;
        return null;
      });

/** GPT-2's tokenizer from the hub, for checkpoints that come without one. */
async function borrowTokenizer(config, options, lack) {
  const { tokens, vocab_size: size } = parsed(config);
  if ((tokens ?? size) !== GPT2_TOKENS) throw lack;
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

async function openUrls(url, has, weightsName, known, options) {
  const get = (name) =>
    has(name) === false
      ? Promise.reject(Object.assign(new SeddError('network', `${url(name)} is not there.`), { status: 404 }))
      : fetchWhole(url(name), options.retryPolicy);
  const config = options.config ?? (await get('config.json'));
  const remote = (name) => new RemoteFile(url(name), { ...options, known: known(name) });
  let weights = remote(weightsName ?? WEIGHTS[0]);
  try {
    await weights.look();
  } catch (error) {
    if (weightsName || error.status !== 404) throw error;
    weights = remote(WEIGHTS[1]);
    await weights.look().catch((other) => {
      throw other.status === 404 ? error : other;
    });
  }
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
  return openUrls(
    (name) => repository.url(name),
    (name) => repository.has(name),
    repository.weights(),
    (name) => repository.files?.get(name),
    options,
  );
}

const openFolder = ({ folder }, options) =>
  openUrls(
    (name) => new URL(name, folder).href,
    () => undefined,
    undefined,
    () => undefined,
    options,
  );

/** A folder beside the page if there is one; else the hub. */
async function openEither(place, options) {
  let config;
  try {
    config = await fetchWhole(new URL('config.json', place.folder).href, options.retryPolicy);
  } catch (error) {
    if (error.status !== 404 && error.code !== 'content') throw error;
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
  const read = (file, name) => (typeof file === 'string' ? fetchWhole(file, options.retryPolicy) : readBlob(file, name));
  const config = await read(roles.config, 'config.json');
  const given = roles.tokenizer
    ? {
        tokenizer: await read(roles.tokenizer, 'the tokenizer'),
        merges: roles.merges && (await read(roles.merges, 'merges.txt')),
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
 * @returns {Promise<{config: Uint8Array, tokenizer: Uint8Array, merges?: Uint8Array, generation: Uint8Array|null, weights: RemoteFile|LocalFile, sha256: string,
 *   optional: (name: string) => Promise<Uint8Array>, place?: Place}>}
 */
export function openPlace(place, options) {
  return { hub: openHub, folder: openFolder, either: openEither, files: openFiles }[place.kind](place, options);
}
