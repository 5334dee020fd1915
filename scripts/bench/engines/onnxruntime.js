/** Runs onnxruntime-web as a contender, with its fastest options for a CPU or with its WebGPU provider, in a worker or in Node. */
import { inNode, read, thin, urlOf } from './files.js';

const PACKAGE = 'node_modules/onnxruntime-web/dist/';

class Onnxruntime {
  kernels = 'simd128'; // the instructions of its published module

  constructor(ort, session, { blocks, heads, size, threads }) {
    Object.assign(this, { ort, session, blocks, heads, size, threads });
  }

  #ids(values) {
    return new this.ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  }

  async #score(ids, sigma) {
    const feeds = { input_ids: this.#ids(ids), sigma: new this.ort.Tensor('float32', Float32Array.of(sigma), [1]) };
    const begin = performance.now();
    const { logits } = await this.session.run(feeds);
    return { ms: performance.now() - begin, logits: logits.data };
  }

  async step(length, mask) {
    return (await this.#score(Array(length).fill(mask), 1.5)).ms;
  }

  /** Appends ids to the cache. Returns the logits after the last one. */
  async #append(ids) {
    const feeds = {
      ...this.cache,
      input_ids: this.#ids(ids),
      position_ids: this.#ids(ids.map((_, i) => this.position + i)),
      attention_mask: this.#ids(Array(this.position + ids.length).fill(1)),
    };
    const result = await this.session.run(feeds);
    this.position += ids.length;
    for (const name of Object.keys(this.cache)) this.cache[name] = result[name.replace('past', 'present')];
    return result.logits.data;
  }

  async #read(ids) {
    const empty = () => new this.ort.Tensor('float32', new Float32Array(0), [1, this.heads, 0, this.size]);
    this.position = 0;
    this.cache = Object.fromEntries(
      Array.from({ length: this.blocks }).flatMap((_, i) => [
        [`past.${i}.key`, empty()],
        [`past.${i}.value`, empty()],
      ]),
    );
    return this.#append(ids);
  }

  async prefill(ids) {
    const begin = performance.now();
    await this.#read(ids);
    return performance.now() - begin;
  }

  async decode(ids, count) {
    const written = [];
    let logits = await this.#read(ids);
    const begin = performance.now();
    for (let i = 0; i < count; i++) {
      let best = 0;
      for (let y = 1; y < logits.length; y++) if (logits[y] > logits[best]) best = y;
      written.push(best);
      logits = await this.#append([best]);
    }
    return { ms: (performance.now() - begin) / count, ids: written };
  }

  async scores(ids, sigma) {
    return thin(this.blocks ? await this.#read(ids) : (await this.#score(ids, sigma)).logits);
  }
  close() {
    return this.session.release();
  }
}

/** @param {{file: string, threads: number, device?: 'webgpu', cache?: {blocks: number, heads: number, size: number}}} job */
export async function open({ file, threads, device, cache }) {
  const bundle = inNode ? 'node' : device === 'webgpu' ? 'webgpu' : 'wasm';
  const ort = await import(urlOf(`${PACKAGE}ort.${bundle}.min.mjs`));
  ort.env.wasm.wasmPaths = urlOf(PACKAGE);
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(await read(file), {
    executionProviders: [device ?? 'wasm'],
    graphOptimizationLevel: 'all',
  });
  const contender = new Onnxruntime(ort, session, { ...cache, threads });
  if (device) contender.kernels = device;
  return contender;
}
