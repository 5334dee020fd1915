/** The worker: one engine and one model, which compute one call after another. protocol.js describes the messages. */
import { Budget, thinned } from './worker/budget.js';
import { Device } from './worker/device.js';
import { SeddError, abortError, packError } from './errors.js';
import { loadModel, planModel } from './load/load.js';
import { readVectors, selfTest } from './worker/selftest.js';
import { Mutex } from './worker/mutex.js';
import { shown } from './engine/engine.js';

/** @typedef {{abort: AbortController, held: Promise<void> | null, due: number, release: () => void, emit: (event: object) => void, asked: number, waitMs: number}} Call */

/** @type {import('./engine/engine.js').Engine} */ let engine;
/** @type {import('./engine/model.js').Model} */ let model;
/** @type {Device} */ let device;
/** @type {(name: string) => Promise<Uint8Array|null>} reads another file of the model's folder */ let optional;
/** @type {Map<number, Call>} */ const calls = new Map();
const mutex = new Mutex();

/** Yields to the event loop, so that messages are handled between two evaluations. */
const { port1, port2 } = new MessageChannel();
const messages = () =>
  new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(0);
  });

/**
 * Lets other calls compute while the run is paused. Every `continue` allows one evaluation, even if the next pause has
 * already arrived. Throws if the run is aborted.
 * @param {Call} call
 */
async function yieldToMessages(call) {
  await messages();
  while (call.held && call.due === 0 && !call.abort.signal.aborted) {
    mutex.end();
    await call.held;
    await mutex.take();
  }
  if (call.due > 0) call.due--;
  if (call.abort.signal.aborted) throw abortError();
}

/** Returns the text of each token, or null for a mask. A part of a character becomes U+FFFD. @param {number[]} ids */
const textsOf = (ids) => ids.map((id) => (id < model.info.tokens ? model.detokenize([id]) : null));

/** Returns the fields that every result of a computation has. @param {Call} call @param {object} [more] */
const told = (call, more = {}) => ({
  timings: { waitMs: call.waitMs, ...more },
  device: device.info.kind,
  kernels: engine.kernels,
  threads: engine.threads,
});

/**
 * Returns the value of `work` and its time in ms. If threads share memory, an abort cancels the running computation.
 * `work` must then be unchanged, and runs again if the abort was meant for another call.
 * @template T @param {Call} call @param {() => T | Promise<T>} work @returns {Promise<[T, number]>}
 */
async function timed(call, work) {
  for (;;) {
    try {
      const begin = performance.now();
      const value = await work();
      return [value, performance.now() - begin];
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
      await messages();
      if (call.abort.signal.aborted) throw error;
      engine.cancelFlag?.fill(0);
    }
  }
}

/** Returns a function that tells whether the call has been aborted. @param {Call} call */
const aborted = (call) => () => call.abort.signal.aborted;

/**
 * Returns a budget for this run with the number of steps that fit. Times the first evaluation on the actual window.
 * @param {Call} call
 */
async function planBudget(call, options) {
  if (options.budgetMs === undefined) return null;
  if (!Number.isFinite(options.budgetMs) || options.budgetMs <= 0)
    throw new SeddError('argument', `budgetMs is ${shown(options.budgetMs)}; expected a number above 0.`);
  const budget = new Budget(options.budgetMs);
  const trial = model.startRun({ ...options, steps: 1, state: undefined });
  try {
    budget.note((await timed(call, () => device.advance(trial, aborted(call))))[1]);
  } finally {
    trial.free();
  }
  const position = options.state?.position ?? 0;
  if (position === 0) options.steps = budget.steps(options.steps, trial.opensAll === 1);
  return budget;
}

const methods = {
  /** @param {Call} call */
  async load(call, source, options) {
    const begin = performance.now();
    const { device: wanted, ...given } = options;
    device = new Device(wanted, (info) => postMessage({ device: info }));
    const loaded = await loadModel(source, { ...given, emit: call.emit, signal: call.abort.signal });
    ({ engine, model, optional } = loaded);
    await device.open(model);
    return {
      info: model.info,
      device: device.info,
      defaults: model.defaults,
      kernels: engine.kernels,
      threads: engine.threads,
      wasm: engine.wasm,
      cancelFlag: engine.cancelFlag,
      source: loaded.source,
      ms: performance.now() - begin,
    };
  },

  /** @param {Call} call */
  plan: (call, source, options) => planModel(source, { ...options, emit: call.emit, signal: call.abort.signal }),

  /** @param {Call} call */
  async sample(call, options) {
    options = { ...options, steps: model.settings(options).steps };
    const budget = await planBudget(call, options);
    const { steps } = options;
    let run = model.startRun(options);
    const { settings } = run;
    let now = steps; // steps of the run from here on; a budget may reduce them
    /** Maps a step of the shortened run to the step of the requested schedule with the same noise. */
    const asked = (step) => (step > now ? steps + step - now : Math.round((step * steps) / now));
    const stepsMs = [];
    try {
      const { ids: initial, held, position } = run;
      const texts = textsOf(initial);
      const masked = texts.filter((text) => text === null).length;
      call.emit({
        start: true,
        step: position,
        total: options.positions === 'hitting' ? position + masked : Math.max(steps, run.opensAll + 1),
        masked,
        positions: [...texts.keys()],
        ids: initial,
        texts,
        held,
        position,
        steps,
        settings,
      });
      while (!run.done) {
        await yieldToMessages(call);
        const { position, opensAll, ids } = run;
        if (position < opensAll && budget?.behind(opensAll + 1 - position)) {
          const rest = thinned({ steps, position: asked(position) }, budget.fitting, opensAll === now);
          budget.change(asked(position), rest.steps);
          now = rest.steps;
          run.free();
          run = model.startRun({ ...options, steps: now, state: { position: rest.position, ids } });
        }
        const [step, ms] = await timed(call, () => device.advance(run, aborted(call)));
        stepsMs.push(ms);
        if (step.rows > 0) budget?.lap();
        call.emit({ ...step, step: asked(step.step), total: asked(step.total), texts: textsOf(step.ids), ms });
      }
      const { ids } = run;
      return {
        ids,
        text: model.detokenize(ids.filter((id) => id !== model.info.maskId)),
        steps,
        settings,
        ...told(call, { firstMs: stepsMs[0], stepsMs }),
        ...(budget && { budget: budget.finish() }),
      };
    } finally {
      run.free();
    }
  },

  /** @param {Call} call */
  async generate(call, options) {
    await yieldToMessages(call);
    const [run, prefillMs] = await timed(call, () => device.generation(options, aborted(call)));
    const ids = [];
    const stepsMs = [];
    try {
      while (!run.done) {
        await yieldToMessages(call);
        const [id, ms] = await timed(call, () => run.advance());
        ids.push(id);
        stepsMs.push(ms);
        call.emit({ index: ids.length - 1, id, text: textsOf([id])[0], ms });
      }
      return { ids, text: model.detokenize(ids), ...told(call, { prefillMs, firstMs: stepsMs[0], stepsMs }) };
    } finally {
      run.free();
    }
  },

  tokenize(_, text) {
    const ids = model.tokenize(text);
    return { ids, texts: textsOf(ids), bytes: ids.map((id) => model.decode([id])) };
  },

  detokenize: (_, ids) => model.detokenize(ids),

  /** @param {Call} call */
  async likelihood(call, input, options) {
    const ids = typeof input === 'string' ? model.tokenize(input) : input;
    if (ids?.length === 0) throw new SeddError('argument', 'There is no text to measure; expected one token or more.');
    const run = model.info.kind === 'sedd' ? model.startBound(ids, options) : model.startExact(ids);
    try {
      for (let done = 0; !run.done; done++) {
        await yieldToMessages(call);
        await timed(call, () => device.advance(run, aborted(call)));
        call.emit({ done: done + 1, total: run.total });
      }
      return { ...run.value, ids, texts: textsOf(ids), ...told(call) };
    } finally {
      run.free();
    }
  },

  /** @param {Call} call */
  async inspect(call, ids, options) {
    const run = model.startInspection(ids, options);
    try {
      const [found] = await timed(call, () => device.advance(run, aborted(call)));
      return { ...found, ...told(call) };
    } finally {
      run.free();
    }
  },

  /** @param {Call} call */
  async selfTest(call, given) {
    const file = given === undefined ? await optional('selftest.json') : null;
    const [{ checks }] = await timed(call, () => selfTest(model, file ? readVectors(file) : given));
    checks.push(...(await device.checks()));
    return { ok: checks.every(({ ok }) => ok), checks, ...told(call) };
  },
};

/** The methods that evaluate the network. */
const EVALUATES = ['sample', 'generate', 'likelihood', 'inspect', 'selfTest'];

async function run(id, method, args) {
  const call = calls.get(id);
  await mutex.take();
  call.waitMs = performance.now() - call.asked;
  try {
    if (call.abort.signal.aborted) throw abortError();
    engine?.cancelFlag?.fill(0);
    if (EVALUATES.includes(method)) await device?.ready();
    postMessage({ id, value: await methods[method](call, ...args) });
  } catch (error) {
    postMessage({ id, error: packError(error) });
  } finally {
    calls.delete(id);
    mutex.end();
  }
}

addEventListener('message', ({ data: { id, method, args, abort, hold } }) => {
  const call = calls.get(id);
  if (method) {
    calls.set(id, {
      abort: new AbortController(),
      held: null,
      due: 0,
      release: () => {},
      asked: performance.now(),
      waitMs: 0,
      emit: (event) => postMessage({ id, event }),
    });
    run(id, method, args);
  } else if (abort && call) {
    call.abort.abort();
    call.release();
  } else if (hold === true && call && !call.held) {
    call.held = new Promise((resolve) => {
      call.release = () => resolve(undefined);
    });
  } else if (hold === false && call?.held) {
    call.held = null;
    call.due++;
    call.release();
  }
});
