/**
 * A loaded network with its tokenizer: loads from a byte stream, samples and computes likelihoods. Only the stream is
 * asynchronous. Runs in the worker and in Node.
 */
import { readDefaults } from './defaults.js';
import { SeddError } from '../errors.js';
import { shown } from './engine.js';
import { feedLoader } from './feed.js';
import { Bound, Exact } from './likelihood.js';
import { layPrompt } from '../prompt.js';
import { Sessions } from './sessions.js';
import { SamplerRun, Generation } from './writing.js';
import { DTYPES } from './sizes.js';

const whole = (name, value, low, high) => {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new SeddError('argument', `${name} is ${shown(value)}; expected a whole number from ${low} to ${high}.`);
  }
  return value;
};

/** Checks that a value is a list of at least `least` values, and returns it. */
const list = (name, values, least = 1) => {
  if (!Array.isArray(values) || values.length < least) {
    throw new SeddError(
      'argument',
      `${name} is ${shown(values)}; expected a list${least ? ' of at least one whole number' : ''}.`,
    );
  }
  return values;
};

export class Model {
  #engine;
  #model;
  #tokenizer;
  /** @type {Sessions} */ #sessions;
  #borrows = false;
  /** @type {ReturnType<Model['describe']>} */ info;
  /** @type {import('./defaults.js').Defaults} the options that suit the model */ defaults = {};

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {{config: Uint8Array, weights: AsyncIterable<Uint8Array>, tokenizer: Uint8Array, merges?: Uint8Array,
   *   added?: Uint8Array|null, generation?: Uint8Array|null}} files
   * @param {{dtype?: 'auto'|'f32'|'q8'}} [options]
   */
  static async load(engine, files, { dtype = 'auto' } = {}) {
    const model = new Model();
    model.#engine = engine;
    const { module } = engine;
    model.#tokenizer = engine.scoped((scope) => {
      const given = [files.tokenizer, files.merges, files.added];
      return engine.check(
        module._wasm_tokenizer_new(...given.flatMap((file) => [file ? scope.data(file) : 0, file?.length ?? 0])),
      );
    });
    const loader = engine.scoped((scope) =>
      engine.check(module._wasm_loader_new(scope.data(files.config), files.config.length, DTYPES[dtype] ?? 0)),
    );
    try {
      const { kind, weightBytes } = engine.json(module._wasm_loader_describe(loader));
      if (kind === 'sedd') model.defaults = readDefaults(engine, loader, files.generation);
      // Grow once, while the memory is small, because a browser may copy all of it to grow it.
      module._free(engine.check(module._malloc(weightBytes)));
      await feedLoader(engine, loader, files.weights);
      model.#model = engine.check(module._wasm_loader_finish(loader));
    } catch (error) {
      module._sedd_tokenizer_free(model.#tokenizer);
      throw error;
    } finally {
      module._sedd_loader_free(loader);
    }
    model.#sessions = new Sessions(engine, model.#model, model.#tokenizer);
    model.info = model.describe();
    return model;
  }

  get engine() {
    return this.#engine;
  }
  get pointer() {
    return this.#model;
  }
  /** Returns the name of the kernel table. */
  get kernels() {
    return this.#engine.kernels;
  }

  /**
   * Returns a model with the same weights and another table of kernels. Call its dispose() before that of this one.
   * @param {string} kernels
   */
  withKernels(kernels) {
    const other = new Model();
    other.#engine = this.#engine.sibling(kernels);
    other.#borrows = true;
    other.#model = this.#model;
    other.#tokenizer = this.#tokenizer;
    other.#sessions = new Sessions(other.#engine, this.#model, this.#tokenizer);
    other.info = this.info;
    other.defaults = this.defaults;
    return other;
  }

  /** Returns kind, sizes and dtype. */
  describe() {
    const { module } = this.#engine;
    return {
      ...this.#engine.json(module._wasm_model_describe(this.#model)),
      endOfText: this.#engine.scoped((scope) =>
        module._sedd_tokenizer_find(this.#tokenizer, scope.text('<|endoftext|>')),
      ),
    };
  }

  /** @param {string} text @returns {number[]} */
  tokenize(text) {
    if (typeof text !== 'string') throw new SeddError('argument', `${shown(text)} is not text.`);
    return this.#engine.scoped((scope) => {
      const bytes = new TextEncoder().encode(text);
      const count = scope.allocate(4);
      const ids = this.#engine.check(
        this.#engine.module._wasm_encode(this.#tokenizer, scope.data(bytes), bytes.length, count),
      );
      const result = [...this.#engine.ints(ids, this.#engine.ints(count, 1)[0])];
      this.#engine.module._sedd_memory_free(ids);
      return result;
    });
  }

  /** Returns the bytes of ids. A single token may be a part of a character. @returns {Uint8Array} */
  decode(ids) {
    return this.#engine.scoped((scope) => {
      const size = scope.allocate(4);
      const text = this.#engine.check(
        this.#engine.module._wasm_decode(this.#tokenizer, scope.list(ids), ids.length, size),
      );
      const bytes = this.#engine.bytes(text, this.#engine.ints(size, 1)[0]).slice();
      this.#engine.module._sedd_memory_free(text);
      return bytes;
    });
  }

  /** Returns the text of ids. A U+FEFF at its beginning stays. */
  detokenize(ids) {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.decode(ids));
  }

  /** Merges a call's options over the model's and returns all of them, without those for the window and the time. */
  settings({ prompt, clamp, edit, state, budgetMs, ...options }) {
    return this.#engine.scoped((scope) =>
      this.#engine.json(
        this.#engine.module._wasm_sample_settings(...scope.json(this.defaults), ...scope.json(options)),
      ),
    );
  }

  /**
   * Returns the window and its held tokens: those of the prompt, single ones by position, and edits (null: mask again).
   */
  #window({ length, prompt = '', clamp = [], edit = [] }) {
    const window = layPrompt(prompt, (text) => this.tokenize(text), { length, fallback: this.info.length });
    for (const pair of [...list('clamp', clamp, 0), ...list('edit', edit, 0)]) {
      const [position, id] = list('A given token', pair);
      whole('A given position', position, 0, window.length - 1);
      if (id === null) window.held.delete(position);
      else window.held.set(position, whole(`The token at position ${position}`, id, 0, this.info.tokens - 1));
    }
    return window;
  }

  /**
   * Starts a run of the denoising loop. `advance()` makes one evaluation and returns the changes.
   * @param {any} options as for `SEDD.sample` in client.js
   */
  startRun(options) {
    const settings = this.settings(options);
    const { length, held } = this.#window({ ...options, length: settings.length });
    const run = new SamplerRun(this.#engine, this.#sessions, { ...settings, length }, held);
    try {
      if (options.state) run.restore(options.state);
    } catch (error) {
      run.free();
      throw error;
    }
    return run;
  }

  /** GPT-2: returns the ids to read first and the number of tokens to write. */
  generationSizes({ prompt = '', tokens }) {
    const ids = this.tokenize(prompt);
    const read = ids.length ? ids : [this.info.endOfText];
    const room = this.info.length + 1 - read.length;
    if (room < 1)
      throw new SeddError(
        'argument',
        `The prompt has ${read.length} tokens; this GPT-2 reads at most ${this.info.length}.`,
        { hint: 'Shorten the prompt.' },
      );
    return {
      rows: this.info.length,
      vocabulary: this.info.tokens,
      read,
      tokens: whole('tokens', tokens === undefined ? room : tokens, 1, room),
    };
  }

  /** GPT-2: reads the prompt and the ids `written` before. `advance()` draws one token. */
  startGeneration({ prompt, tokens, ...options }, written = []) {
    const sizes = this.generationSizes({ prompt, tokens });
    sizes.read = [...sizes.read, ...written];
    return new Generation(this.#engine, this.#sessions, sizes, written.length, options);
  }

  /**
   * Calls `read` of engine/webgpu with the parts of the network: engine, model, a session and info.
   * @template T
   * @param {(...parts: any[]) => T} read
   * @returns {T}
   */
  network(read) {
    return this.#sessions.use(1, (session) => read(this.#engine, this.#model, session, this.info));
  }

  /** SEDD: starts an upper bound on -ln p. `advance()` makes one evaluation. */
  startBound(ids, options = {}) {
    return new Bound(this.#engine, this.#sessions, list('ids', ids), Math.min(ids.length, this.info.length), options);
  }

  /** GPT-2: starts the exact -ln p. `advance()` reads one window. */
  startExact(ids) {
    list('ids', ids);
    return new Exact(this.#engine, this.#sessions, ids, { rows: this.info.length, bos: this.info.endOfText });
  }

  /**
   * Evaluates the network at positions: the likeliest tokens with their score ratios, the entropy, and the
   * probabilities of a step.
   * @param {number[]} ids
   * @param {{sigma?: number, step?: number, steps?: number, positions?: number[], topK?: number, sampler?: 'analytic'|'euler'}} options
   */
  inspect(ids, options) {
    const run = this.startInspection(ids, options);
    try {
      return run.advance();
    } finally {
      run.free();
    }
  }

  /** The same as a run: `advance()` makes its one evaluation and returns what it found. */
  startInspection(ids, { positions = list('ids', ids).map((_, i) => i), ...options }) {
    const engine = this.#engine;
    list('positions', positions);
    const session = this.#sessions.lend(list('ids', ids).length);
    const inspect = (scope) =>
      engine.json(
        engine.module._wasm_inspect(
          session.pointer,
          scope.list(ids),
          ids.length,
          ...scope.json(options),
          scope.list(positions),
          positions.length,
          this.info.tokens,
        ),
      );
    return {
      engine,
      session: session.pointer,
      advance: () => {
        const { sigma, positions: rows } = engine.scoped(inspect);
        const moves = options.steps > 0;
        return { sigma, positions: rows.map((row, i) => this.#inspected(positions[i], ids[positions[i]], row, moves)) };
      },
      free: () => this.#sessions.giveBack(session),
    };
  }

  #inspected(position, id, { stay, candidates, ...row }, moves) {
    return {
      position,
      masked: id === this.info.maskId,
      ...row,
      ...(moves && { stay }),
      candidates: candidates.map(({ logscore, move, ...candidate }) => {
        const ratio = Math.exp(logscore);
        return {
          ...candidate,
          text: this.detokenize([candidate.id]),
          ratio,
          probability: ratio / row.scoreSum,
          ...(moves && { move }),
        };
      }),
    };
  }

  dispose() {
    const { module } = this.#engine;
    this.#sessions.dispose();
    if (this.#borrows) {
      this.#engine.free();
    } else {
      module._sedd_model_free(this.#model);
      module._sedd_tokenizer_free(this.#tokenizer);
    }
    this.#model = this.#tokenizer = 0;
  }
}
