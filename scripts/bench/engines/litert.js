/** Runs LiteRT.js (XNNPACK) as a contender on the CPU. It runs in a page, because its loader adds scripts to one. */
import { read, thin, urlOf } from './files.js';
import { MASKED, decodeGraph, prefillGraph, seddGraph } from './tflite-graphs.js';

const PACKAGE = 'node_modules/@litertjs/core/';

class LiteRt {
  kernels = 'relaxed'; // its module holds relaxed instructions; XNNPACK chooses at start

  #compiled = null; // {name, model}: one at a time, because a model and its packed copy may need more than half of the memory

  /** @param {{context: number}} job whose cache has `context` tokens */
  constructor(library, runtime, config, job) {
    const { n_embd: width, n_layer: blocks, n_head: heads } = config;
    Object.assign(this, { library, runtime, config, ...job, blocks, heads, size: width / heads });
  }

  /** Compiles a graph, unless it is compiled already. @param {string} name @param {() => import('./tflite.js').Graph} build */
  async #model(name, build) {
    if (this.#compiled?.name === name) return this.#compiled.model;
    this.#compiled?.model.delete();
    this.#compiled = null;
    const head = build().head(name);
    const weights = await read(this.file);
    const bytes = new Uint8Array(head.length + weights.length);
    bytes.set(head);
    bytes.set(weights, head.length);
    const model = await this.library.loadAndCompile(bytes, {
      accelerator: 'wasm',
      cpuOptions: { numThreads: this.threads },
    });
    this.#compiled = { name, model };
    return model;
  }

  #tensor(values, shape = [values.length]) {
    return new this.library.Tensor(values, shape);
  }

  /** Runs a model and deletes the inputs that are not kept. @returns {Promise<{ms: number, outputs: object}>} the caller deletes the outputs */
  async #run(model, inputs, kept = {}) {
    const begin = performance.now();
    const outputs = await model.run({ ...inputs, ...kept });
    const ms = performance.now() - begin;
    for (const tensor of Object.values(inputs)) tensor.delete();
    return { ms, outputs };
  }

  /** Returns the values of all outputs as typed arrays. */
  #take(outputs) {
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => {
        const values = tensor.toTypedArray();
        tensor.delete();
        return [name, values];
      }),
    );
  }

  async #score(ids, sigma) {
    const length = ids.length;
    const model = await this.#model(`step-${length}`, () => seddGraph(this.config, this.dtype, length));
    return this.#run(model, {
      ids: this.#tensor(Int32Array.from(ids)),
      sigma: this.#tensor(Float32Array.of(sigma), [1, 1]),
    });
  }

  async step(length, mask) {
    const { ms, outputs } = await this.#score(Array(length).fill(mask), 1.5);
    outputs.logits.delete();
    return ms;
  }

  async #prefill(ids) {
    const length = ids.length;
    const model = await this.#model(`prefill-${length}`, () => prefillGraph(this.config, this.dtype, length));
    const { ms, outputs } = await this.#run(model, { ids: this.#tensor(Int32Array.from(ids)) });
    return { ms, ...this.#take(outputs) };
  }

  async prefill(ids) {
    return (await this.#prefill(ids)).ms;
  }

  #clear() {
    const { context, heads, size } = this;
    this.position = 0;
    this.mask = new Float32Array(context + 1).fill(MASKED, 0, context);
    if (this.cache) return;
    const names = Array.from({ length: this.blocks }, (_, i) => [`key.${i}`, `value.${i}`]).flat();
    this.cache = Object.fromEntries(
      names.map((name) => [name, this.#tensor(new Float32Array(heads * context * size), [1, heads, context, size])]),
    );
  }

  /** Puts the keys and values of new tokens into the cache. @param {Float32Array} fresh [2 * blocks, heads, count, size] */
  #remember(fresh, count) {
    const { heads, size, context, position } = this;
    const { liteRtWasm: wasm } = this.runtime;
    const heap = () => new Float32Array(wasm.HEAPU8.buffer);
    let from = 0;
    for (let i = 0; i < 2 * this.blocks; i++) {
      const buffer = this.cache[`${i % 2 ? 'value' : 'key'}.${i >> 1}`].liteRtTensorBuffer;
      const at = buffer.lock(wasm.LiteRtTensorBufferLockMode.READ_WRITE) / 4;
      for (let h = 0; h < heads; h++, from += count * size) {
        heap().set(fresh.subarray(from, from + count * size), at + (h * context + position) * size);
      }
      buffer.unlock();
    }
    this.mask.fill(0, position, position + count);
    this.position += count;
  }

  /** Appends one token to the cache. Returns the logits after it. */
  async #append(id) {
    const model = await this.#model('decode', () => decodeGraph(this.config, this.dtype, this.context));
    const { outputs } = await this.#run(
      model,
      {
        ids: this.#tensor(Int32Array.of(id)),
        position: this.#tensor(Int32Array.of(this.position)),
        mask: this.#tensor(this.mask, [1, 1, 1, this.context + 1]),
      },
      this.cache,
    );
    const { logits, fresh } = this.#take(outputs);
    this.#remember(fresh, 1);
    return logits;
  }

  async decode(ids, count) {
    const written = [];
    let logits;
    this.#clear();
    for (const id of ids) logits = await this.#append(id);
    const begin = performance.now();
    for (let i = 0; i < count; i++) {
      let best = 0;
      for (let y = 1; y < logits.length; y++) if (logits[y] > logits[best]) best = y;
      written.push(best);
      logits = await this.#append(best);
    }
    return { ms: (performance.now() - begin) / count, ids: written };
  }

  /** Returns log-scores: logit - ln(e^sigma - 1) - ln V, and 0 at the current token. */
  async #logScores(ids, sigma) {
    const { logits } = this.#take((await this.#score(ids, sigma)).outputs);
    const states = logits.length / ids.length;
    const offset = Math.log(Math.expm1(sigma)) + Math.log(states - 1);
    const scores = logits.map((value) => value - offset);
    for (const [row, id] of ids.entries()) scores[row * states + id] = 0;
    return scores;
  }

  /** For a GPT-2, all ids but the last pass through the prefill, whose keys and values the decode of the last one reads: both are checked. */
  async scores(ids, sigma) {
    if (!this.blocks) return thin(await this.#logScores(ids, sigma));
    const { fresh } = await this.#prefill(ids.slice(0, -1));
    this.#clear();
    this.#remember(fresh, ids.length - 1);
    return thin(await this.#append(ids.at(-1)));
  }
}

/** @param {{file: string, config: string, dtype: 'f32'|'int8', threads: number, context: number}} job `file` holds the weights */
export async function open({ file, config, dtype, threads, context }) {
  const library = await import(urlOf(`${PACKAGE}dist/index.js`));
  const runtime = await library.loadLiteRt(urlOf(`${PACKAGE}wasm/`), { threads: threads > 1 });
  const about = JSON.parse(new TextDecoder().decode(await read(config)));
  return new LiteRt(library, runtime, about, { file, dtype, threads, context });
}
