/**
 * Defines scenarios of the module, the same for every browser. Each is an async function that runs in the page, gets numbers
 * from the test and returns plain data. The page loads this file as a module, so that the browser under test parses it itself.
 */
import { SeddError, compare, loadGPT2, loadSEDD, probe } from '/web/client.js';

const MODEL = '/models/sedd-nano';
const fresh = (options) => loadSEDD(MODEL, { cache: false, ...options });
const named = (error) => ({
  name: error.name,
  code: error.code ?? '',
  message: error.message,
  hint: error.hint ?? '',
  typed: error instanceof SeddError,
});
const failure = (promise) => promise.then(() => null, named);

let sedd;
const model = async () => {
  sedd ??= await fresh();
  return sedd;
};

export const what = async () => ({
  ...probe(),
  agent: navigator.userAgent,
  kernels: (await model()).kernels,
  isolated: crossOriginIsolated,
});

export async function write(options) {
  const run = (await model()).sample(options);
  let events = 0;
  for await (const event of run) events += event.start ? 0 : 1;
  const { text, timings } = await run.result;
  return { text, events, steps: timings.stepsMs.length };
}

export async function stopAndResume(options) {
  const own = await model();
  const whole = own.sample(options);
  const { ids } = await whole.result;
  const stopped = own.sample(options);
  for await (const event of stopped) if (event.step === 3) break;
  const state = stopped.state(3);
  stopped.abort();
  const error = await failure(stopped.result);
  const rest = await own.resume(state).result;
  return { error, same: rest.ids.join() === ids.join() };
}

export async function inspect() {
  const own = await model();
  const { ids } = await own.tokenize('Once upon a time there was a girl.');
  const right = ids[2];
  ids[2] = own.info.maskId;
  const {
    positions: [{ candidates, stay, entropy }],
  } = await own.inspect(ids, { sigma: 0.1, steps: 16, positions: [2], topK: 3 });
  return { found: candidates[0].id === right, stay, entropy, count: candidates.length };
}

export async function bound(text) {
  const { natsPerToken, standardError, parts } = await (await model()).bound(text, { samples: 8, seed: 1 });
  return { natsPerToken, standardError, parts: parts.length };
}

export const selfTest = async () => (await model()).selfTest();

/** Measures how long an abort takes: on a load at several moments, on a run, and until the worker computes for others again. */
export async function abortLatency() {
  const load = [];
  for (const after of [0, 20, 60]) {
    const controller = new AbortController();
    const loading = failure(fresh({ signal: controller.signal }));
    await new Promise((resolve) => {
      setTimeout(resolve, after);
    });
    const begin = performance.now();
    controller.abort();
    const error = await loading;
    if (error) load.push({ ms: performance.now() - begin, name: error.name });
  }
  const own = await model();
  const run = own.sample({ steps: 1000, seed: 1 });
  for await (const event of run) if (event.step === 2) break;
  const begin = performance.now();
  run.abort();
  const { name } = await failure(run.result);
  const ms = performance.now() - begin;
  await own.tokenize('free');
  return { load, run: { ms, name }, free: performance.now() - begin };
}

/** Loads and disposes repeatedly. Reads `performance.memory` if the browser has it. */
export async function cycles(count) {
  const used = () => performance.memory?.usedJSHeapSize ?? 0;
  const sizes = [];
  for (let i = 0; i < count; i++) {
    const own = await fresh();
    await own.sample({ length: 16, steps: 2, seed: i }).result;
    await own.dispose();
    sizes.push(used());
  }
  return sizes;
}

/** Ends a worker during a run. */
export async function killed() {
  const worker = new Worker('/web/worker.js', { type: 'module' });
  const own = await fresh({ worker });
  const run = own.sample({ steps: 1000 });
  for await (const event of run) if (event.step === 1) break;
  worker.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));
  const during = await failure(run.result);
  return { during, after: await failure(own.tokenize('a')) };
}

/** Hides the tab while a comparison runs. */
export async function hidden() {
  const gpt2 = await loadGPT2('/models/gpt2-nano', { cache: false });
  const options = { steps: [2], length: 16, rounds: 6, warmups: 0 };
  const seen = await compare(await model(), gpt2, options).result;
  const comparison = compare(await model(), gpt2, options);
  let turns = 0;
  for await (const turn of comparison) {
    if (turn && ++turns === 3) {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
      delete document.visibilityState;
    }
  }
  const { valid, reasons } = await comparison.result;
  await gpt2.dispose();
  return { before: seen.reasons, valid, reasons };
}
