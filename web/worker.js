/** The worker's side of protocol.js: one engine, one model, calls one after another. */
import { Engine } from './engine.js';
import { abortError, packError } from './errors.js';
import { Model } from './model.js';
import { openSource } from './source.js';

let engine;
let model;
const calls = new Map(); // id -> {abort: AbortController, held: null | Promise, release}
let queue = Promise.resolve();

/** Lets waiting messages in: a step is a few milliseconds, so aborts land within one. */
const { port1, port2 } = new MessageChannel();
const turn = () => new Promise((resolve) => {
  port1.onmessage = resolve;
  port2.postMessage(0);
});

/** Waits while a run is paused; throws when it is aborted. */
async function breathe(call) {
  await turn();
  while (call.held && !call.abort.signal.aborted) await call.held;
  if (call.abort.signal.aborted) throw abortError();
}

/** Text of single tokens; bytes that are part of a character show as U+FFFD. */
const textsOf = (ids) => ids.map((id) => (id < model.info.tokens ? model.detokenize([id]) : null));

const methods = {
  async load(call, source, { dtype, base, ...options }) {
    const begin = performance.now();
    engine = await Engine.create(options);
    const { signal } = call.abort;
    const files = await openSource(source, { base, signal, onProgress: (event) => call.emit(event) });
    model = await Model.load(engine, files, { dtype });
    return { info: model.info, kernels: engine.kernels, threads: engine.threads, wasm: engine.wasm, ms: performance.now() - begin };
  },

  async sample(call, options) {
    const run = model.startRun(options);
    const times = [];
    try {
      const initial = run.ids;
      call.emit({ start: true, ids: initial, texts: textsOf(initial), held: run.held, position: run.position });
      while (!run.done) {
        await breathe(call);
        const begin = performance.now();
        const step = run.advance();
        times.push(performance.now() - begin);
        call.emit({ ...step, texts: textsOf(step.ids), ms: times.at(-1) });
      }
      const { ids } = run;
      return { ids, text: model.detokenize(ids.filter((id) => id !== model.info.maskId)), times, kernels: engine.kernels, threads: engine.threads };
    } finally {
      run.free();
    }
  },

  async generate(call, options) {
    const begin = performance.now();
    const run = model.startGeneration(options);
    const prefill = performance.now() - begin;
    const ids = [];
    const times = [];
    try {
      while (!run.done) {
        await breathe(call);
        const start = performance.now();
        ids.push(run.advance());
        times.push(performance.now() - start);
        call.emit({ index: ids.length - 1, id: ids.at(-1), text: textsOf([ids.at(-1)])[0], ms: times.at(-1) });
      }
      return { ids, text: model.detokenize(ids), times, prefill, kernels: engine.kernels, threads: engine.threads };
    } finally {
      run.free();
    }
  },

  tokenize(_, text) {
    const ids = model.tokenize(text);
    return { ids, texts: textsOf(ids) };
  },

  detokenize: (_, ids) => model.detokenize(ids),
  likelihood(_, input, options) {
    const ids = typeof input === 'string' ? model.tokenize(input) : input;
    return { ...model.likelihood(ids, options), ids, texts: textsOf(ids) };
  },
  inspect: (_, ids, options) => model.inspect(ids, options),
};

async function run(id, method, args) {
  const call = calls.get(id);
  try {
    if (call.abort.signal.aborted) throw abortError();
    postMessage({ id, value: await methods[method](call, ...args) });
  } catch (error) {
    postMessage({ id, error: packError(error) });
  } finally {
    calls.delete(id);
  }
}

addEventListener('message', ({ data: { id, method, args, abort, hold } }) => {
  const call = calls.get(id);
  if (method) {
    calls.set(id, { abort: new AbortController(), held: null, release: null, emit: (event) => postMessage({ id, event }) });
    queue = queue.then(() => run(id, method, args));
  } else if (abort && call) {
    call.abort.abort();
    call.release?.();
  } else if (hold === true && call && !call.held) {
    call.held = new Promise((resolve) => { call.release = resolve; });
  } else if (hold === false && call?.held) {
    call.held = null;
    call.release();
  }
});
