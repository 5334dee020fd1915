/**
 * Where a model's files come from: the URL of a folder, URLs of single files, or Blobs. Bytes stream;
 * what is plainly something else (a web page, a Git LFS pointer) is refused by name.
 */
import { SeddError } from './errors.js';

const LIMITS = { config: 1 << 20, tokenizer: 64 << 20, merges: 64 << 20 };

/** @returns {{config, weights, tokenizer}} URLs or Blobs */
function filesOf(source, base) {
  if (typeof source === 'string' || source instanceof URL) {
    const folder = new URL(String(source).replace(/\/?$/, '/'), base);
    const file = (name) => new URL(name, folder).href;
    return { config: file('config.json'), weights: file('model.safetensors'), tokenizer: file('tokenizer.json'), vocab: file('vocab.json'), merges: file('merges.txt') };
  }
  if (Array.isArray(source)) {
    const byName = (name) => source.find((blob) => blob.name === name);
    return { config: byName('config.json'), weights: byName('model.safetensors'), tokenizer: byName('tokenizer.json') ?? byName('vocab.json'), merges: byName('merges.txt') };
  }
  const absolute = (value) => (typeof value === 'string' ? new URL(value, base).href : value);
  return Object.fromEntries(Object.entries(source ?? {}).map(([key, value]) => [key, absolute(value)]));
}

async function request(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    if (cause.name === 'AbortError') throw cause;
    throw new SeddError('network', `${url} could not be fetched: ${cause.message}`, { hint: 'Check the connection, and that the server allows this page (CORS).', url, cause });
  }
  if (!response.ok) {
    throw new SeddError('network', `${url} answered ${response.status} ${response.statusText}`.trim() + '.', {
      hint: response.status === 404 ? 'The folder must hold config.json, model.safetensors and tokenizer.json.' : 'Try again later.', url });
  }
  return response;
}

function refuseOther(bytes, name) {
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart().toLowerCase();
  if (start.startsWith('<!doctype') || start.startsWith('<html')) {
    throw new SeddError('content', `${name} is a web page, not the file that was asked for.`, { hint: 'The address may lead to a login or an error page.', url: name });
  }
  if (start.startsWith('version https://git-lfs')) {
    throw new SeddError('content', `${name} is a Git LFS pointer, not the file itself.`, { hint: 'Fetch the large file with "git lfs pull", or use its download address.', url: name });
  }
}

async function readWhole(file, name, limit, signal) {
  const body = typeof file === 'string' ? await request(file, signal) : file;
  const bytes = new Uint8Array(await body.arrayBuffer());
  if (bytes.length > limit) throw new SeddError('content', `${name} has ${bytes.length} bytes; at most ${limit} are expected.`);
  refuseOther(bytes, typeof file === 'string' ? file : name);
  return bytes;
}

async function* readStream(file, signal, onBytes) {
  const response = typeof file === 'string' ? await request(file, signal) : null;
  const total = response ? Number(response.headers.get('content-length')) || 0 : file.size;
  const reader = (response ? response.body : file.stream()).getReader();
  let loaded = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (signal?.aborted) throw new DOMException('The operation was aborted.', 'AbortError');
      if (loaded === 0) refuseOther(value, typeof file === 'string' ? file : 'model.safetensors');
      loaded += value.length;
      onBytes(loaded, total);
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * @param {string|URL|Blob[]|{config, weights, tokenizer}} source
 * @param {{base: string, signal?: AbortSignal, onProgress?: (p: {loaded: number, total: number, phase: string}) => void}} options
 */
export async function openSource(source, { base, signal, onProgress = () => {} }) {
  const files = filesOf(source, base);
  for (const name of ['config', 'weights', 'tokenizer']) {
    if (!files[name]) throw new SeddError('argument', `The source lacks ${name}.`, { hint: 'Give a folder with config.json, model.safetensors and tokenizer.json.' });
  }
  const config = await readWhole(files.config, 'config.json', LIMITS.config, signal);
  let tokenizer;
  let merges;
  try {
    tokenizer = await readWhole(files.tokenizer, 'tokenizer.json', LIMITS.tokenizer, signal);
    if (files.merges && !files.vocab) merges = await readWhole(files.merges, 'merges.txt', LIMITS.merges, signal);
  } catch (error) {
    if (!files.vocab || error.code !== 'network') throw error;
    tokenizer = await readWhole(files.vocab, 'vocab.json', LIMITS.tokenizer, signal);
    merges = await readWhole(files.merges, 'merges.txt', LIMITS.merges, signal);
  }
  const weights = readStream(files.weights, signal, (loaded, total) => onProgress({ loaded, total, phase: 'weights' }));
  return { config, tokenizer, merges, weights };
}
