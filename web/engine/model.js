/**
 * A loaded network with its tokenizer: loading from a byte stream, sampling, likelihood. Synchronous
 * but for the stream; runs in the worker and in Node.
 */
import { readDefaults } from '../client/defaults.js';
import { SeddError } from '../errors.js';
import { feedLoader } from './feed.js';
import { Bound, Exact } from './likelihood.js';
import { layPrompt } from '../prompt.js';
import { WORDS, settingsOf } from '../client/sampling.js';
import { Sessions } from './sessions.js';
import { SamplerRun, Generation } from './writing.js';
import { DTYPES, readInfo } from './sizes.js';

const WINDOW_MAX = 1 << 16;

const whole = (name, value, low, high) => {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new SeddError('argument', `${name} is ${value}; expected a whole number from ${low} to ${high}.`);
  }
  return value;
};

/** The place of a word in its list, as the core counts. */
const choice = (name, value, words = WORDS[name]) => {
  const place = words.indexOf(value);
  if (place < 0)
    throw new SeddError('argument', `${name} is ${JSON.stringify(value)}; expected ${words.join(' or ')}.`);
  return place;
};

const list = (name, values) => {
  if (!Array.isArray(values) || values.length === 0 || !values.every(Number.isInteger)) {
    throw new SeddError('argument', `${name} must be a list of at least one whole number.`);
  }
};

export class Model {
  #engine;
  #model;
  #tokenizer;
  /** @type {Sessions} */ #sessions;
  #borrows = false;
  /** @type {ReturnType<Model['describe']>} what it is */ info;
  /** @type {import('../client/defaults.js').Defaults} how it was trained to write */ defaults = {};

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {{config: Uint8Array, weights: AsyncIterable<Uint8Array>, tokenizer: Uint8Array, merges?: Uint8Array,
   *   generation?: Uint8Array|null}} files
   * @param {{dtype?: 'auto'|'f32'|'q8'}} [options]
   */
  static async load(engine, files, { dtype = 'auto' } = {}) {
    const model = new Model();
    model.#engine = engine;
    const { module } = engine;
    model.#tokenizer = engine.scoped((scope) =>
      engine.check(
        module._wasm_tokenizer_new(
          scope.data(files.tokenizer),
          files.tokenizer.length,
          files.merges ? scope.data(files.merges) : 0,
          files.merges?.length ?? 0,
        ),
      ),
    );
    const loader = engine.scoped((scope) =>
      engine.check(module._wasm_loader_new(scope.data(files.config), files.config.length, DTYPES[dtype] ?? 0)),
    );
    try {
      const { kind, weightBytes } = readInfo(engine, (out) => module._wasm_loader_describe(loader, out));
      if (kind === 'sedd' && files.generation) model.defaults = readDefaults(engine, files.generation);
      // One growth while the memory is small: a browser may copy it all to grow it.
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

  get pointer() {
    return this.#model;
  }
  /** Name of the kernel table that computes. */
  get kernels() {
    return this.#engine.kernels;
  }

  /** The same weights, computed with another table of kernels; dispose() it before this one. @param {string} kernels */
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

  /** Kind, sizes, dtype, as the core says. */
  describe() {
    const { module } = this.#engine;
    const info = readInfo(this.#engine, (out) => module._wasm_model_describe(this.#model, out));
    return {
      ...info,
      endOfText: this.#engine.scoped((scope) =>
        module._sedd_tokenizer_find(this.#tokenizer, scope.text('<|endoftext|>')),
      ),
    };
  }

  /** @param {string} text @returns {number[]} */
  tokenize(text) {
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

  /** The bytes of ids; a single token may be part of a character. @returns {Uint8Array} */
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

  detokenize(ids) {
    return new TextDecoder().decode(this.decode(ids));
  }

  /** The window and its held tokens: the prompt's, single ones by position, and edits (null: open again). */
  #window({ length, prompt = '', clamp = [], edit = [] }) {
    if (length !== undefined) whole('length', length, 1, WINDOW_MAX);
    const window = layPrompt(prompt, (text) => this.tokenize(text), { length, fallback: this.info.length });
    for (const [position, id] of [...clamp, ...edit]) {
      whole('A given position', position, 0, window.length - 1);
      if (id === null) window.held.delete(position);
      else window.held.set(position, whole(`The token at position ${position}`, id, 0, this.info.tokens - 1));
    }
    return window;
  }

  /**
   * A run of the denoising loop. `advance()` makes one evaluation and returns what changed.
   * @param {any} options as for `SEDD.sample` in client.js
   */
  startRun({ steps = 64, seed = 0, state, ...given }) {
    whole('steps', steps, 1, 1e6);
    const { length, held } = this.#window(given);
    const settings = settingsOf(given);
    const { positions, gamma = 0, denoise, temperature, topK, topP } = settings;
    const values = [
      length,
      steps,
      ...Object.keys(WORDS).map((name) => choice(name, settings[name])),
      gamma,
      denoise ? 0 : 1,
      temperature,
      topK,
      topP,
    ];
    const coin = positions === 'score' || positions === 'normalised';
    const opensAll = positions === 'hitting' || (coin && !denoise) ? -1 : coin ? steps : steps - 1;
    const run = new SamplerRun(this.#engine, this.#sessions, { length, values, seed, held, opensAll });
    try {
      if (state) run.restore(state);
    } catch (error) {
      run.free();
      throw error;
    }
    return run;
  }

  /** GPT-2: reads the prompt; `advance()` draws one token. */
  startGeneration({ prompt = '', tokens, seed = 0, greedy = false, temperature = 1, topK = 0, topP = 1 }) {
    const ids = this.tokenize(prompt);
    const read = ids.length ? ids : [this.info.endOfText];
    const room = this.info.length + 1 - read.length;
    if (room < 1)
      throw new SeddError(
        'argument',
        `The prompt has ${read.length} tokens; this GPT-2 reads at most ${this.info.length}.`,
        { hint: 'Shorten the prompt.' },
      );
    return new Generation(this.#engine, this.#sessions, {
      rows: this.info.length,
      vocabulary: this.info.tokens,
      read,
      tokens: whole('tokens', tokens ?? room, 1, room),
      seed,
      greedy,
      temperature,
      topK,
      topP,
    });
  }

  /** SEDD: an upper bound on -ln p; `advance()` makes one evaluation. */
  startBound(ids, { estimator = 'kmask', samples = 64, seed = 0 } = {}) {
    list('ids', ids);
    whole('samples', samples, 1, 1e6);
    return new Bound(this.#engine, this.#sessions, ids, {
      rows: Math.min(ids.length, this.info.length),
      estimator: choice('estimator', estimator, ['kmask', 'reference']),
      samples,
      seed,
    });
  }

  /** GPT-2: exact; `advance()` reads one window. */
  startExact(ids) {
    list('ids', ids);
    return new Exact(this.#engine, this.#sessions, ids, { rows: this.info.length, bos: this.info.endOfText });
  }

  /**
   * Asked positions: the likeliest tokens with their score ratios, entropy, and what a step would do.
   * @param {number[]} ids
   * @param {{sigma?: number, step?: number, steps?: number, positions?: number[], topK?: number, sampler?: 'analytic'|'euler'}} options
   */
  inspect(ids, { sigma = 0, step = 0, steps = 0, positions, topK = 8, sampler = 'analytic' }) {
    list('ids', ids);
    positions ??= ids.map((_, i) => i);
    list('positions', positions);
    const top = Math.min(whole('topK', topK, 1, 1e6), this.info.tokens);
    const size = 3 + 3 * top;
    return this.#sessions.use(ids.length, (session) =>
      this.#engine.scoped((scope) => {
        const out = scope.allocate(8 * (1 + positions.length * size));
        this.#engine.checkStatus(
          this.#engine.module._wasm_inspect(
            session,
            scope.list(ids),
            ids.length,
            scope.numbers([sigma, step, steps, choice('sampler', sampler), top]),
            scope.list(positions),
            positions.length,
            out,
          ),
        );
        const [used, ...rows] = this.#engine.doubles(out, 1 + positions.length * size);
        return {
          sigma: used,
          positions: positions.map((position, i) =>
            this.#inspected(position, ids[position], rows.slice(i * size, (i + 1) * size), steps > 0),
          ),
        };
      }),
    );
  }

  #inspected(position, id, [scoreSum, entropy, stay, ...rest], moves) {
    const candidates = [];
    for (let i = 0; i < rest.length && rest[i] >= 0; i += 3) {
      const ratio = Math.exp(rest[i + 1]);
      candidates.push({
        id: rest[i],
        text: this.detokenize([rest[i]]),
        ratio,
        probability: ratio / scoreSum,
        ...(moves && { move: rest[i + 2] }),
      });
    }
    return { position, masked: id === this.info.maskId, scoreSum, entropy, ...(moves && { stay }), candidates };
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
