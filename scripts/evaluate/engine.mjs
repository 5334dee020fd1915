// Runs models in `sedd eval`: several processes for each model, each with one thread and one request at a time.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** Returns the SHA-256 of a file of any size. */
export function checksum(file) {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1 << 22);
  const handle = openSync(file, 'r');
  for (let count = 1; count > 0; ) {
    count = readSync(handle, piece);
    hash.update(piece.subarray(0, count));
  }
  closeSync(handle);
  return hash.digest('hex');
}

/** One process, which answers one request at a time. When it dies, the current request and all later ones fail. */
export class Process {
  constructor(tool, folder, flags = []) {
    this.child = spawn(tool, ['eval', folder, ...flags], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.waiting = null;
    this.dead = null;
    let said = '';
    this.child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-2000);
    });
    this.child.stdin.on('error', () => {
      /* the exit handler reports the error */
    });
    this.child.on('error', (error) => this.#die(error));
    this.child.on('exit', (code, signal) => this.#die(new Error(said.trim() || `sedd eval ended (${signal ?? code})`)));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#answer(line));
  }

  #die(error) {
    this.dead ??= error;
    this.waiting?.reject(this.dead);
    this.waiting = null;
  }

  #answer(line) {
    const { resolve, reject } = this.waiting;
    this.waiting = null;
    const { id, error, ...answer } = JSON.parse(line);
    if (error !== undefined) reject(new Error(error));
    else resolve(answer);
  }

  ask(request) {
    if (this.dead) return Promise.reject(this.dead);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.child.stdin.write(`${JSON.stringify({ id: 0, ...request })}\n`);
    });
  }

  close() {
    this.child.stdin.end();
  }
}

/** A model's folder and its processes, which start on first use. */
export class Model {
  #processes = [];
  #encoded = new Map();

  /** @param {{tool: string, build: string, workers: number, store: import('./store.mjs').Store, progress: import('./progress.mjs').Progress}} host */
  constructor(host, folder) {
    this.host = host;
    this.folder = folder;
    this.name = path.basename(path.resolve(folder));
    const weights = ['model.safetensors', 'pytorch_model.bin']
      .map((file) => path.join(folder, file))
      .find((file) => existsSync(file));
    if (!weights)
      throw new Error(`${folder} has neither model.safetensors nor pytorch_model.bin; expected a model's folder`);
    this.sha256 = checksum(weights);
    try {
      this.info = JSON.parse(
        execFileSync(host.tool, ['info', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
      );
    } catch (error) {
      throw new Error(error.stderr?.trim().replace(/^sedd: /, '') || error.message);
    }
    this.kind = this.info.kind;
    /** False for the uniform graph (DUO), which has neither masks nor what needs them. */
    this.masks = this.info.graph === 'absorb';
    this.length = this.info.length;
  }

  /** Returns the key of a request's answer, since the same build of the tool and the same weights give the same answer. */
  #key(request) {
    const parts = [this.host.build, this.sha256, request];
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
  }

  /**
   * Returns the answers of all requests, in order. It takes answers from the store where it has them.
   * @param {string} label text of the progress line
   * @param {{about?: object, [field: string]: unknown}[]} requests `about` is stored with the answer and not sent
   */
  async ask(label, requests) {
    const { store, progress, workers } = this.host;
    const keys = requests.map(({ about, ...request }) => this.#key(request));
    const open = [...requests.keys()].filter((i) => !store.has(keys[i]));
    const bar = progress.start(`${this.name}: ${label}`, requests.length, requests.length - open.length);
    const count = Math.min(workers, open.length);
    while (this.#processes.length < count) this.#processes.push(new Process(this.host.tool, this.folder));
    await Promise.all(
      this.#processes.slice(0, count).map(async (process) => {
        for (let i = open.shift(); i !== undefined; i = open.shift()) {
          const { about, ...request } = requests[i];
          const begin = performance.now();
          const answer = await process.ask(request);
          store.put(
            keys[i],
            { model: this.name, op: request.op, ...about },
            { ...answer, seconds: (performance.now() - begin) / 1000 },
          );
          bar.step();
        }
      }),
    );
    bar.end();
    return keys.map((key) => store.get(key));
  }

  /** Returns the ids of texts, without special tokens, and caches them. */
  async encode(texts) {
    const missing = [...new Set(texts)].filter((text) => !this.#encoded.has(text));
    if (missing.length) {
      if (!this.#processes.length) this.#processes.push(new Process(this.host.tool, this.folder));
      for (let i = 0; i < missing.length; i += 1000) {
        const part = missing.slice(i, i + 1000);
        const { ids } = await this.#processes[0].ask({ op: 'encode', texts: part });
        for (const [k, text] of part.entries()) this.#encoded.set(text, ids[k]);
      }
    }
    return texts.map((text) => this.#encoded.get(text));
  }

  /** Returns the id of end-of-text, which separates documents, or the last id if there is no tokenizer. */
  async endOfText() {
    if (!existsSync(path.join(this.folder, 'tokenizer.json')) && !existsSync(path.join(this.folder, 'vocab.json')))
      return this.info.tokens - 1;
    if (!this.#processes.length) this.#processes.push(new Process(this.host.tool, this.folder));
    const { token } = await this.#processes[0].ask({ op: 'find', token: '<|endoftext|>' });
    if (token < 0) throw new Error(`${this.folder}: its tokenizer has no <|endoftext|>`);
    return token;
  }

  /** Returns the fields that name the model in a row. */
  identity() {
    return { model: this.name, sha256: this.sha256, parameters: this.info.parameters };
  }

  close() {
    for (const process of this.#processes.splice(0)) process.close();
  }
}
