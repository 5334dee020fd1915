/** Runs this repository's engine as a contender, one model in one wasm instance, in a worker or in Node. */
import { Engine } from '../../../web/engine/engine.js';
import { Model } from '../../../web/engine/model.js';
import { read, stream, thin } from './files.js';

export class Own {
  constructor(engine, model, rows) {
    Object.assign(this, { engine, model, kernels: engine.kernels, threads: engine.threads });
    const { module } = engine;
    this.session = engine.check(module._wasm_session_new(engine.pointer, model.pointer, rows));
    this.ids = module._malloc(4 * rows);
    this.logits = module._malloc(4 * model.info.states);
  }

  /** Makes the most expensive denoising step: every token is masked, and every row passes the head and the draw. */
  step(length) {
    const run = this.model.startRun({ length, steps: 4000 });
    const begin = performance.now();
    run.advance();
    const ms = performance.now() - begin;
    run.free();
    return ms;
  }

  /** Reads `ids` into an empty cache and computes the logits after the last one. Returns the milliseconds. */
  prefill(ids) {
    this.engine.module._sedd_gpt2_reset(this.session);
    return this.#append(ids);
  }

  #append(ids) {
    this.engine.ints(this.ids, ids.length).set(ids);
    const begin = performance.now();
    this.engine.checkStatus(this.engine.module._wasm_gpt2_append(this.session, this.ids, ids.length, this.logits));
    return performance.now() - begin;
  }

  /** Writes `count` tokens greedily. Returns the milliseconds a token, and the ids. */
  decode(ids, count) {
    const { engine } = this;
    this.greedy ??= engine.scoped((scope) =>
      engine.check(engine.module._wasm_gpt2_options(...scope.json({ temperature: 0 }))),
    );
    this.prefill(ids);
    const written = [];
    const begin = performance.now();
    for (let i = 0; i < count; i++) {
      const id = engine.module._wasm_gpt2_draw(this.session, this.greedy, i, this.logits);
      if (id < 0) engine.fail();
      written.push(id);
      this.#append([id]);
    }
    return { ms: (performance.now() - begin) / count, ids: written };
  }

  /** Returns what the last step or token did on a device; nothing is counted on wasm. */
  counts() {
    return null;
  }

  /** Returns an even selection of a SEDD's log-scores [length * states], or of a GPT-2's logits after the last token [states]. */
  scores(ids, sigma) {
    const { module } = this.engine;
    const { kind, states } = this.model.info;
    if (kind === 'gpt2') {
      this.prefill(ids);
      return thin(this.engine.floats(this.logits, states));
    }
    return this.engine.scoped((scope) => {
      const out = scope.allocate(4 * ids.length * states);
      this.engine.checkStatus(module._wasm_score(this.session, ids.length, scope.list(ids), sigma, out));
      return thin(this.engine.floats(out, ids.length * states));
    });
  }

  /** Writes a whole text as a visitor's call does. Returns the milliseconds. @param {object} options of Model.startRun or startGeneration */
  write(options) {
    const begin = performance.now();
    const run = this.model.info.kind === 'sedd' ? this.model.startRun(options) : this.model.startGeneration(options);
    while (!run.done) run.advance();
    const ms = performance.now() - begin;
    run.free();
    return ms;
  }
}

/** @param {{folder: string, rows: number, wasm: 'relaxed'|'simd', dtype: 'f32'|'int8', device?: 'webgpu', threads: number, tokenizer: string, merges?: string}} job */
export async function open({ folder, rows, wasm, dtype, device, threads, tokenizer, merges }) {
  const engine = await Engine.create({ wasm, threads });
  const files = {
    config: await read(`${folder}/config.json`),
    tokenizer: await read(tokenizer),
    merges: merges && (await read(merges)),
    weights: stream(`${folder}/model.safetensors`),
  };
  const model = await Model.load(engine, files, { dtype: dtype === 'int8' ? 'q8' : 'f32' });
  return device ? (await import('./own-gpu.js')).openOnDevice(engine, model, rows) : new Own(engine, model, rows);
}
