// Serves local folders as repositories in the way the hub does, counts what it sends, and produces faults on demand.
// usage: node scripts/hub.mjs [--port 8090] [--method-bound] [--fault FILE=KIND[:NUMBER]]... OWNER/NAME[@BRANCH]=FOLDER...
//   --method-bound signs the addresses of large files for GET only, so that HEAD is refused there
//   KIND is slow (bytes a second), cut (at byte), short (by bytes), change (after byte), flip (byte), 401, 403, 404, 429 (Retry-After), 500,
//   html, pointer, nocors, norange, nohead, noetag, gzip or expired (an address of yesterday)
import { createServer } from 'node:http';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { closeSync, createReadStream, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { byteRange } from './byte-range.mjs';

const LARGE = /\.(safetensors|bin|pt|pth|h5|msgpack|onnx|tflite)$/; // stored on another host, as the .gitattributes of the hub's repositories declares
const PIECE = 64 << 10;
const TYPES = { '.json': 'text/plain; charset=utf-8', '.txt': 'text/plain; charset=utf-8', '': 'binary/octet-stream' };
const VALID = 3600; // lifetime of a signed address, in seconds
/** Headers that pages of other sites may read in addition to the default ones, from the hub and from its host of large files. */
const EXPOSED =
  'X-Repo-Commit, X-Request-Id, X-Error-Code, X-Error-Message, X-Total-Count, ETag, Link, Accept-Ranges, Content-Range, X-Linked-Size, X-Linked-ETag';
const EXPOSED_ELSEWHERE = 'Accept-Ranges, Content-Range, Content-Type, Content-Disposition, ETag, X-Cache';
/** Repositories that are older than names with owners; the hub redirects their addresses. */
const MOVED = new Map(
  ['gpt2', 'gpt2-medium', 'gpt2-large', 'gpt2-xl'].map((name) => [name, `openai-community/${name}`]),
);

function hashFile(file) {
  const hash = createHash('sha256');
  const handle = openSync(file, 'r');
  const piece = Buffer.alloc(4 << 20);
  for (let count; (count = readSync(handle, piece)) > 0; ) hash.update(piece.subarray(0, count));
  closeSync(handle);
  return hash.digest('hex');
}

/** Returns the pointer that Git LFS commits in place of a large file. */
const pointer = ({ sha256, size }) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`;

class Repository {
  #hashes = new Map();

  constructor(folder) {
    this.folder = folder;
  }

  file(name) {
    const full = path.join(this.folder, path.basename(name));
    try {
      const { size, mtimeMs } = statSync(full);
      const key = `${full} ${size} ${mtimeMs}`;
      if (!this.#hashes.has(key)) this.#hashes.set(key, hashFile(full));
      return { name, full, size, sha256: this.#hashes.get(key), large: LARGE.test(name) };
    } catch {
      return null;
    }
  }

  /** Returns the file whose content has this hash. */
  content(sha256) {
    return readdirSync(this.folder)
      .map((name) => this.file(name))
      .find((file) => file?.sha256 === sha256);
  }

  list() {
    return readdirSync(this.folder)
      .map((name) => this.file(name))
      .filter(Boolean)
      .map(({ name, size, sha256, large }) => ({
        rfilename: name,
        size,
        blobId: this.blob(name),
        ...(large ? { lfs: { size, sha256, pointerSize: pointer({ sha256, size }).length } } : {}),
      }));
  }

  /** Returns Git's hash of the content; for a large file that of its pointer. */
  blob(name) {
    const file = this.file(name);
    const content = file.large ? Buffer.from(pointer(file)) : readFileSync(file.full);
    return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  }

  get commit() {
    return createHash('sha1').update(JSON.stringify(this.list())).digest('hex');
  }
}

export class Hub {
  #servers = [];
  #repositories;
  #changed = new Set();
  #key = randomBytes(32);

  /**
   * @param {Record<string, string>} repositories owner/name, or owner/name@branch -> folder
   * @param {{methodBound?: boolean}} [options] `methodBound`: a large file's address is signed for GET only, and answers 403 to HEAD
   */
  constructor(repositories, { methodBound = false } = {}) {
    this.methodBound = methodBound;
    this.#repositories = new Map(Object.entries(repositories).map(([name, folder]) => [name, new Repository(folder)]));
    /** Every response with a body: {file, method, status, begin, end, sent}. */
    this.log = [];
    /** file name -> {kind, number, times}: the fault and how often it occurs (always, unless `times` is given). */
    this.faults = new Map();
  }

  /** Returns the bytes of a file's body that have been sent so far. */
  sent(file) {
    return this.log.filter((entry) => entry.file === file).reduce((sum, entry) => sum + entry.sent, 0);
  }

  fail(file, kind, number = 0, times = Infinity) {
    this.faults.set(file, { kind: String(kind), number, times });
  }

  heal() {
    this.faults.clear();
    this.#changed.clear();
  }

  /** Returns a file's fault if it is of one of these kinds, and counts one use of it. */
  #take(file, ...kinds) {
    const fault = this.faults.get(file);
    if (!fault || !kinds.includes(fault.kind) || fault.times <= 0) return null;
    fault.times--;
    return fault;
  }

  async start(port = 0, host = 'localhost') {
    this.url = await this.#listen((request, response) => this.#answer(request, response), port, host);
    this.elsewhere = await this.#listen((request, response) => this.#answerLarge(request, response), 0, host);
    return this;
  }

  #listen(handler, port, host) {
    const server = createServer(handler);
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen(port, host, () => resolve(`http://${host}:${server.address().port}/`));
    });
  }

  async close() {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((done) => {
        server.close(done);
      });
    }
  }

  #headers(request, name, exposed) {
    if (this.#take(name, 'nocors')) return {};
    return {
      'Access-Control-Allow-Origin': request.headers.origin ?? '*',
      'Access-Control-Expose-Headers': exposed,
      Vary: 'Origin',
    };
  }

  #end(request, response, status, headers, body = '') {
    response
      .writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body), ...headers })
      .end(request.method === 'HEAD' ? '' : body);
  }

  /** Answers as the hub itself: with the list of files, small files, and the addresses of large files. */
  #answer(request, response) {
    const { pathname, search } = new URL(request.url, this.url);
    const api = /^\/api\/models\/(.+)\/revision\/([^/]+)$/.exec(pathname);
    const [, owner, , revision, name] = /^\/((?:[^/]+\/)?([^/]+))\/resolve\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
    const asked = api?.[1] ?? owner;
    const wanted = decodeURIComponent(api?.[2] ?? revision ?? 'main');
    const repository = this.#repositories.get(asked) ?? this.#branch(asked, wanted);
    const headers = this.#headers(request, name ?? 'api', EXPOSED);
    const now = MOVED.get(asked);
    if (!repository && this.#repositories.has(now)) {
      const Location = pathname.replace(`/${asked}/`, `/${now}/`) + search;
      return this.#end(
        request,
        response,
        307,
        { ...headers, Location },
        `Temporary Redirect. Redirecting to ${Location}`,
      );
    }
    const refusal = this.#take(name ?? 'api', '401', '403', '404', '429', '500');
    if (refusal) return this.#refuse(request, response, headers, refusal);
    const branches = [...this.#repositories.keys()].some((key) => key.startsWith(`${asked}@`));
    if (!repository && !branches) return this.#end(request, response, 401, headers, 'Invalid username or password.');
    const known = ['main', repository?.commit].includes(wanted) || this.#repositories.has(`${asked}@${wanted}`);
    if (!repository || !known) return this.#end(request, response, 404, headers, 'Revision Not Found');
    if (api)
      return this.#end(
        request,
        response,
        200,
        { ...headers, 'Content-Type': 'application/json' },
        JSON.stringify({
          id: asked,
          modelId: asked,
          private: false,
          gated: false,
          sha: repository.commit,
          siblings: repository.list(),
        }),
      );
    const file = repository.file(name);
    const absent = { ...headers, 'X-Error-Code': 'EntryNotFound', 'X-Error-Message': 'Entry not found' };
    if (!file) return this.#end(request, response, 404, absent, 'Entry not found');
    const about = { ...headers, 'X-Repo-Commit': repository.commit };
    if (!file.large) return this.#send(request, response, file, { ...about, ETag: `"${repository.blob(name)}"` });
    return this.#end(request, response, 302, {
      ...about,
      Location: this.#signed(asked, file),
      'X-Linked-ETag': `"${file.sha256}"`,
      'X-Linked-Size': file.size,
    });
  }

  /** Returns the branch of a repository that this revision names: by name, or by commit. */
  #branch(asked, revision) {
    const branches = [...this.#repositories].filter(([name]) => name.startsWith(`${asked}@`));
    return (branches.find(([name]) => name === `${asked}@${revision}`) ??
      branches.find(([, { commit }]) => commit === revision))?.[1];
  }

  /** Returns the file with this content in the repository or one of its branches. */
  #content(owner, sha256) {
    for (const [name, repository] of this.#repositories) {
      const file = name.split('@')[0] === owner && repository.content(sha256);
      if (file) return file;
    }
    return undefined;
  }

  #signature(path, expires, method) {
    return createHmac('sha256', this.#key).update(`${method} ${path} ${expires}`).digest('base64url');
  }

  /** Returns the address of a large file on its own host. It names the content's hash and is valid for an hour, and for one method if addresses are method-bound. */
  #signed(owner, file) {
    const url = new URL(`repos/${owner}/${file.sha256}`, this.elsewhere);
    const expires = Math.floor(Date.now() / 1000) + (this.#take(file.name, 'expired') ? -VALID : VALID);
    url.search = new URLSearchParams({
      'response-content-disposition': `inline; filename="${file.name}"`,
      Expires: String(expires),
      Policy: Buffer.from(JSON.stringify({ Statement: [{ Resource: url.pathname }] })).toString('base64url'),
      Signature: this.#signature(url.pathname, expires, 'GET'),
    }).toString();
    return url.href;
  }

  #answerLarge(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const [, owner, sha256] = /^\/repos\/(.+)\/([0-9a-f]{64})$/.exec(pathname) ?? [];
    const file = this.#content(owner, sha256);
    const headers = this.#headers(request, file?.name, EXPOSED_ELSEWHERE);
    const expires = Number(searchParams.get('Expires'));
    const method = this.methodBound ? request.method : 'GET';
    const valid = searchParams.get('Signature') === this.#signature(pathname, expires, method);
    if (!file || !valid || expires < Date.now() / 1000)
      return this.#end(request, response, 403, { ...headers, 'X-Cache': 'Error from cloudfront' }, 'AccessDenied');
    return this.#send(request, response, file, { ...headers, ETag: `"${sha256}"`, 'X-Cache': 'Hit from cloudfront' });
  }

  #refuse(request, response, headers, { kind, number }) {
    const after =
      kind === '429' ? { 'Retry-After': number, 'Access-Control-Expose-Headers': `${EXPOSED}, Retry-After` } : {};
    this.#end(request, response, Number(kind), { ...headers, ...after }, 'refused\n');
  }

  /** Sends something else in place of a file: an HTML page, or its Git LFS pointer. */
  #substitute({ name, sha256, size }) {
    if (this.#take(name, 'html')) return '<!DOCTYPE html><title>Sign in</title>';
    return this.#take(name, 'pointer') ? pointer({ sha256, size }) : null;
  }

  /** Sends a file compressed, as some servers do whenever they may. Pages of other sites cannot read Content-Encoding. */
  #compressed(request, { name, full }) {
    if (/identity/.test(request.headers['accept-encoding']) || !this.#take(name, 'gzip')) return null;
    return gzipSync(readFileSync(full), { level: 1 });
  }

  #send(request, response, file, headers) {
    const other = this.#substitute(file);
    if (other !== null) return this.#end(request, response, 200, { ...headers, ETag: '"other"' }, other);
    const packed = this.#compressed(request, file);
    if (packed) return this.#end(request, response, 200, { ...headers, 'Content-Encoding': 'gzip' }, packed);
    if (request.method === 'HEAD' && this.#take(file.name, 'nohead')) return this.#end(request, response, 405, headers);
    const size = file.size - (this.#take(file.name, 'short')?.number ?? 0);
    const etag = this.#changed.has(file.name) ? '"changed"' : headers.ETag;
    const about = {
      ...headers,
      ETag: etag,
      'Content-Type': TYPES[path.extname(file.name)] ?? TYPES[''],
      'Accept-Ranges': 'bytes',
    };
    if (this.#take(file.name, 'noetag')) delete about.ETag;
    const stale = request.headers['if-range'] && request.headers['if-range'] !== etag;
    const range = stale || this.#take(file.name, 'norange') ? null : byteRange(request.headers.range, size);
    if (range && range.begin >= range.end)
      return this.#end(request, response, 416, { ...about, 'Content-Range': `bytes */${size}` });
    const { begin, end } = range ?? { begin: 0, end: size };
    const partial = range ? { 'Content-Range': `bytes ${begin}-${end - 1}/${size}` } : {};
    response.writeHead(range ? 206 : 200, { ...about, ...partial, 'Content-Length': end - begin });
    const entry = { file: file.name, method: request.method, status: range ? 206 : 200, begin, end, sent: 0 };
    this.log.push(entry);
    return request.method === 'HEAD' || begin === end ? response.end() : this.#stream(response, file, entry);
  }

  async #stream(response, file, entry) {
    const { begin, end } = entry;
    const fault = this.#take(file.name, 'slow', 'cut', 'change', 'flip');
    const cut = fault?.kind === 'cut' && fault.number >= begin && fault.number < end ? fault.number : Infinity;
    if (fault?.kind === 'cut' && cut === Infinity) fault.times++; // the range does not reach its byte
    try {
      for await (const piece of createReadStream(file.full, { start: begin, end: end - 1, highWaterMark: PIECE })) {
        if (response.destroyed) return;
        const place = begin + entry.sent;
        const bytes = piece.subarray(0, Math.max(0, cut - place));
        if (fault?.kind === 'flip' && fault.number >= place && fault.number < place + bytes.length)
          bytes[fault.number - place] ^= 1;
        await new Promise((resolve) => {
          response.write(bytes, resolve);
        }); // is also called, with an error, when the client has gone
        entry.sent += bytes.length;
        const changed = fault?.kind === 'change' && place + bytes.length >= fault.number;
        if (changed) this.#changed.add(file.name);
        if (changed || bytes.length < piece.length) return response.socket?.destroySoon();
        if (fault?.kind === 'slow')
          await new Promise((resolve) => {
            setTimeout(resolve, (1000 * bytes.length) / fault.number);
          });
      }
      response.end();
    } catch {
      response.destroy();
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const repositories = {};
  const faults = [];
  let port = 8090;
  let methodBound = false;
  const args = process.argv.slice(2);
  while (args.length) {
    const word = args.shift();
    if (word === '--port') port = Number(args.shift());
    else if (word === '--method-bound') methodBound = true;
    else if (word === '--fault') faults.push(/^([^=]+)=(\w+)(?::(\d+))?$/.exec(args.shift() ?? ''));
    else if (/^[^=]+=.+$/.test(word))
      repositories[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1);
    else faults.push(null);
  }
  if (faults.includes(null) || Object.keys(repositories).length === 0) {
    console.error(
      'usage: node scripts/hub.mjs [--port 8090] [--method-bound] [--fault FILE=KIND[:NUMBER]]... OWNER/NAME[@BRANCH]=FOLDER...',
    );
    process.exit(2);
  }
  const hub = await new Hub(repositories, { methodBound }).start(port);
  for (const [, file, kind, number] of faults) hub.fail(file, kind, Number(number ?? 0));
  console.log(`serving ${hub.url}: ${Object.keys(repositories).join(', ')}`);
}
