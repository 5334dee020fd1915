/** Runs wllama (llama.cpp) as a contender. It runs in a page, because it starts its own worker. */
import { read, urlOf } from './files.js';
import { idOf } from './vocabulary.js';

const PACKAGE = 'node_modules/@wllama/wllama/esm/';
const SILENT = { debug() {}, log() {}, warn() {}, error: console.error };

class Wllama {
  kernels = 'simd128'; // the instructions of its published module

  constructor(wllama, threads) {
    Object.assign(this, { wllama, threads });
  }

  /** Completes a text whose characters are single tokens. wllama's own clock gives the times. */
  async #complete(ids, count) {
    const pieces = [];
    let timings;
    const stream = await this.wllama.createCompletion({
      prompt: String.fromCharCode(...ids),
      max_tokens: count,
      temperature: 0,
      top_k: 1,
      ignore_eos: true,
      cache_prompt: false,
      timings_per_token: true,
      stream: true,
    });
    for await (const chunk of stream) {
      pieces.push(chunk.choices?.[0]?.text ?? '');
      timings = chunk.timings ?? timings;
    }
    return { timings, ids: pieces.filter((text) => text !== '').map(idOf) };
  }

  async prefill(ids) {
    return (await this.#complete(ids, 1)).timings.prompt_ms;
  }

  async decode(ids, count) {
    const { timings, ids: written } = await this.#complete(ids, count);
    return { ms: timings.predicted_per_token_ms, ids: written };
  }
}

/** @param {{file: string, threads: number, context: number}} job */
export async function open({ file, threads, context }) {
  const { Wllama: Library } = await import(urlOf(`${PACKAGE}index.js`));
  const wllama = new Library(
    { default: urlOf(`${PACKAGE}wasm/wllama.wasm`) },
    { logger: SILENT, suppressNativeLog: true },
  );
  await wllama.loadModel([new Blob([await read(file)])], {
    n_threads: threads,
    n_ctx: context,
    n_gpu_layers: 0,
    n_parallel: 1,
    warmup: false,
    cache_idle_slots: false,
  });
  return new Wllama(wllama, threads);
}
