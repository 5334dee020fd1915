/**
 * A loaded network with its tokenizer: loading from a byte stream, sampling, likelihood. Synchronous
 * but for the stream; runs in the worker and in Node.
 */
import { SeddError } from './errors.js';
import { seedWords } from './engine.js';
import { feedLoader } from './feed.js';

const DTYPES = { auto: 0, f32: 1, q8: 2 };
const WINDOW_MAX = 1 << 16;

const whole = (name, value, low, high) => {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new SeddError('argument', `${name} is ${value}; expected a whole number from ${low} to ${high}.`);
  }
  return value;
};

export class Model {
  #engine;
  #model;
  #tokenizer;
  #session = 0;
  #rows = 0;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {{config: Uint8Array, weights: AsyncIterable<Uint8Array>, tokenizer: Uint8Array, merges?: Uint8Array}} files
   * @param {{dtype?: 'auto'|'f32'|'q8'}} [options]
   */
  static async load(engine, files, { dtype = 'auto' } = {}) {
    const model = new Model();
    model.#engine = engine;
    const { module } = engine;
    model.#tokenizer = engine.scoped((scope) => engine.check(module._wasm_tokenizer_new(
      scope.data(files.tokenizer), files.tokenizer.length, files.merges ? scope.data(files.merges) : 0, files.merges?.length ?? 0)));
    const loader = engine.scoped((scope) => engine.check(
      module._wasm_loader_new(scope.data(files.config), files.config.length, DTYPES[dtype] ?? 0)));
    try {
      await feedLoader(engine, loader, files.weights);
      model.#model = engine.check(module._wasm_loader_finish(loader));
    } catch (error) {
      module._sedd_tokenizer_free(model.#tokenizer);
      throw error;
    } finally {
      module._sedd_loader_free(loader);
    }
    model.info = model.#describe();
    return model;
  }

  get pointer() { return this.#model; }

  #describe() {
    return this.#engine.scoped((scope) => {
      const out = scope.allocate(13 * 8);
      this.#engine.module._wasm_model_describe(this.#model, out);
      const [kind, dtype, graph, noise, tokens, states, maskId, hiddenSize, blocks, heads, length, parameters, weightBytes] =
        this.#engine.doubles(out, 13);
      return {
        kind: kind === 0 ? 'sedd' : 'gpt2', dtype: dtype === 2 ? 'q8' : 'f32', graph: graph === 0 ? 'absorb' : 'uniform',
        noise: noise === 0 ? 'loglinear' : 'geometric', tokens, states, maskId, hiddenSize, blocks, heads, length, parameters, weightBytes,
        endOfText: this.#engine.scoped((inner) => this.#engine.module._sedd_tokenizer_find(this.#tokenizer, inner.text('<|endoftext|>'))),
      };
    });
  }

  /** @param {string} text @returns {number[]} */
  tokenize(text) {
    return this.#engine.scoped((scope) => {
      const bytes = new TextEncoder().encode(text);
      const count = scope.allocate(4);
      const ids = this.#engine.check(this.#engine.module._wasm_encode(this.#tokenizer, scope.data(bytes), bytes.length, count));
      const result = [...this.#engine.ints(ids, this.#engine.ints(count, 1)[0])];
      this.#engine.module._sedd_memory_free(ids);
      return result;
    });
  }

  /** The bytes of ids; a single token may be part of a character. @returns {Uint8Array} */
  decode(ids) {
    return this.#engine.scoped((scope) => {
      const size = scope.allocate(4);
      const text = this.#engine.check(this.#engine.module._wasm_decode(this.#tokenizer, scope.list(ids), ids.length, size));
      const bytes = this.#engine.bytes(text, this.#engine.ints(size, 1)[0]).slice();
      this.#engine.module._sedd_memory_free(text);
      return bytes;
    });
  }

  detokenize(ids) { return new TextDecoder().decode(this.decode(ids)); }

  /** Scratch for at least `rows` tokens; kept between calls. */
  #sessionFor(rows) {
    if (rows > this.#rows) {
      this.#engine.module._sedd_session_free(this.#session);
      this.#session = 0;
      this.#rows = 0;
      this.#session = this.#engine.check(this.#engine.module._wasm_session_new(this.#engine.pointer, this.#model, rows));
      this.#rows = rows;
    }
    return this.#session;
  }

  /** Prompt tokens at the start, suffix tokens at the end, and single tokens by position. */
  #held({ length, prompt = '', suffix = '', clamp = [] }) {
    const before = this.tokenize(prompt);
    const after = this.tokenize(suffix);
    if (before.length + after.length > length) {
      throw new SeddError('argument', `The given text has ${before.length + after.length} tokens; the window has ${length}.`,
        { hint: 'Shorten the text or make the window longer.' });
    }
    const held = new Map(before.map((id, i) => [i, id]));
    after.forEach((id, i) => held.set(length - after.length + i, id));
    for (const [position, id] of clamp) held.set(position, id);
    return held;
  }

  /**
   * A run of the denoising loop. `advance()` makes one evaluation and returns what changed.
   * @param {object} options as for `SEDD.sample` in client.js
   */
  startRun({ length = this.info.length, steps = 64, seed = 0, sampler = 'analytic', draw = 'exact', positions = 'score',
    denoise = true, temperature = 1, topK = 0, topP = 1, state, ...given }) {
    whole('length', length, 1, WINDOW_MAX);
    whole('steps', steps, 1, 1e6);
    const { module } = this.#engine;
    const held = this.#held({ length, ...given });
    const pointer = this.#engine.scoped((scope) => this.#engine.check(module._wasm_sampler_new(
      this.#sessionFor(length),
      scope.numbers([length, steps, sampler === 'euler' ? 1 : 0, draw === 'official' ? 1 : 0, positions === 'normalised' ? 1 : 0,
        denoise ? 0 : 1, temperature, topK, topP, held.size]),
      ...seedWords(seed), scope.list([...held.keys()]), scope.list([...held.values()]))));
    if (state) {
      this.#engine.scoped((scope) => this.#engine.checkStatus(
        module._wasm_sampler_restore(pointer, state.position, scope.list(state.ids))));
    }
    return new Run(this.#engine, pointer, length, [...held.keys()].sort((a, b) => a - b));
  }

  /** GPT-2: reads the prompt; `advance()` draws one token. */
  startGeneration({ prompt = '', tokens = this.info.length, seed = 0, greedy = false, temperature = 1, topK = 0, topP = 1 }) {
    const ids = this.tokenize(prompt);
    const read = ids.length ? ids : [this.info.endOfText];
    whole('tokens', tokens, 1, this.info.length);
    if (read.length + tokens > this.info.length + 1) {
      throw new SeddError('argument', `${read.length} tokens read and ${tokens} to write exceed this GPT-2's ${this.info.length} positions.`);
    }
    this.#sessionFor(this.info.length);
    return new Generation(this.#engine, this.#session, this.info, read, { tokens, seed, greedy, temperature, topK, topP });
  }

  /** SEDD: upper bound; GPT-2: exact. Nats a token, with each token's part. */
  likelihood(ids, { estimator = 'kmask', samples = 64, seed = 0 } = {}) {
    if (ids.length === 0) throw new SeddError('argument', 'There is no text to measure; expected one token or more.');
    const session = this.#sessionFor(this.info.length);
    return this.#engine.scoped((scope) => {
      const out = scope.allocate(24);
      const parts = scope.allocate(8 * ids.length);
      const list = scope.list(ids);
      const { module } = this.#engine;
      this.#engine.checkStatus(this.info.kind === 'sedd'
        ? module._wasm_bound(session, list, ids.length, estimator === 'reference' ? 1 : 0, samples, ...seedWords(seed), out, parts)
        : module._wasm_nll(session, list, ids.length, this.info.endOfText, out, parts));
      const [natsPerToken, standardError, tokens] = this.#engine.doubles(out, 3);
      return { natsPerToken, standardError, tokens, parts: [...this.#engine.doubles(parts, ids.length)] };
    });
  }

  /** Per position the likeliest tokens, the probability that a mask opens, and the entropy (nats). */
  inspect(ids, { sigma, positions, topK = 8 }) {
    const session = this.#sessionFor(ids.length);
    const { states, tokens } = this.info;
    return this.#engine.scoped((scope) => {
      const scores = scope.allocate(4 * ids.length * states);
      this.#engine.checkStatus(this.#engine.module._wasm_score(session, ids.length, scope.list(ids), sigma, scores));
      return positions.map((position) => {
        whole('position', position, 0, ids.length - 1);
        const row = this.#engine.floats(scores + 4 * position * states, tokens);
        let total = 0;
        let weighted = 0;
        for (const l of row) { total += Math.exp(l); weighted += Math.exp(l) * l; }
        const best = [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, topK);
        return {
          position, scoreSum: total, entropy: Math.log(total) - weighted / total,
          candidates: best.map((id) => ({ id, ratio: Math.exp(row[id]), probability: Math.exp(row[id]) / total, text: this.detokenize([id]) })),
        };
      });
    });
  }

  /** Compares with golden files; `{failed, report}`. */
  golden(json, tensors) {
    return this.#engine.scoped((scope) => {
      const { module } = this.#engine;
      const failed = module._wasm_golden(this.#engine.pointer, this.#model, scope.data(json), json.length, scope.data(tensors), tensors.length);
      if (failed < 0) this.#engine.fail();
      return { failed, report: this.#engine.string(module._wasm_golden_report()) };
    });
  }

  dispose() {
    const { module } = this.#engine;
    module._sedd_session_free(this.#session);
    module._sedd_model_free(this.#model);
    module._sedd_tokenizer_free(this.#tokenizer);
    this.#session = this.#model = this.#tokenizer = 0;
  }
}

class Run {
  #engine;
  #pointer;

  constructor(engine, pointer, length, held) {
    this.#engine = engine;
    this.#pointer = pointer;
    this.length = length;
    this.held = held;
  }

  get done() { return this.#engine.module._sedd_sampler_done(this.#pointer) !== 0; }
  get ids() { return [...this.#engine.ints(this.#engine.module._sedd_sampler_ids(this.#pointer), this.length)]; }
  get position() { return this.#engine.module._sedd_sampler_position(this.#pointer); }

  advance() {
    return this.#engine.scoped((scope) => {
      const out = scope.allocate(64);
      this.#engine.checkStatus(this.#engine.module._wasm_sampler_advance(this.#pointer, out));
      const [step, total, t, sigma, masked, count, places, ids] = this.#engine.doubles(out, 8);
      return { step, total, t, sigma, masked, positions: [...this.#engine.ints(places, count)], ids: [...this.#engine.ints(ids, count)] };
    });
  }

  free() {
    this.#engine.module._sedd_sampler_free(this.#pointer);
    this.#pointer = 0;
  }
}

class Generation {
  #engine;
  #session;
  #options;
  #logits;
  #info;

  constructor(engine, session, info, read, options) {
    this.#engine = engine;
    this.#session = session;
    this.#info = info;
    this.#options = options;
    this.#logits = engine.module._malloc(4 * info.tokens);
    this.step = 0;
    engine.module._sedd_gpt2_reset(session);
    this.#append(read);
  }

  get done() { return this.step >= this.#options.tokens; }

  #append(ids) {
    this.#engine.scoped((scope) => this.#engine.checkStatus(
      this.#engine.module._wasm_gpt2_append(this.#session, scope.list(ids), ids.length, this.#logits)));
  }

  /** The next token's id. */
  advance() {
    const { seed, greedy, temperature, topK, topP } = this.#options;
    const id = this.#engine.module._wasm_gpt2_draw(
      this.#session, ...seedWords(seed), greedy ? 1 : 0, temperature, topK, topP, this.step, this.#logits);
    if (id < 0) this.#engine.fail();
    this.step++;
    if (!this.done) this.#append([id]);
    return id;
  }

  free() {
    this.#engine.module._free(this.#logits);
    this.#logits = 0;
  }
}
