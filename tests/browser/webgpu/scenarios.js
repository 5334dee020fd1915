// The scenarios that tests/browser/webgpu.test.mjs runs in the page.
import { compare, loadGPT2, loadSEDD } from '/web/client.js';

export { loadGPT2, loadSEDD };

const PROMPT = 'Once upon a time, there was a {*} They were happy.';

/** Starts a worker whose WebGPU has a fault. */
const faulty = (fault, after = 0) =>
  new Worker(`/tests/browser/webgpu/worker.js?fault=${fault}&after=${after}`, { type: 'module' });

/** Makes a complete run through the public module. */
export async function wholeRun(folder, device, options = {}) {
  const sedd = await loadSEDD(`/models/${folder}`, { device });
  try {
    const events = [];
    const run = sedd.sample({ prompt: PROMPT, steps: 16, seed: 1, ...options, trace: true });
    for await (const event of run) events.push(event);
    const result = await run.result;
    return { result, device: sedd.device, events: events.length, start: events[0], last: events.at(-1) };
  } finally {
    await sedd.dispose();
  }
}

/** Makes a run in a worker whose WebGPU fails during the load or at a later submission. */
export async function faultyRun(fault, { after = 0, device = 'webgpu' } = {}) {
  const told = [];
  const sedd = await loadSEDD('/models/sedd-nano', {
    device,
    worker: faulty(fault, after),
    cache: false,
    onDevice: (now) => told.push(now),
  });
  try {
    const opened = sedd.device;
    const run = sedd.sample({ prompt: PROMPT, length: 32, steps: 6, seed: 1 });
    const steps = [];
    for await (const event of run) if (!event.start) steps.push(event.step);
    const { text, ids, device } = await run.result;
    return { opened, now: sedd.device, told, steps, text, ids, device };
  } finally {
    await sedd.dispose();
  }
}

/** Writes a text with GPT-2 on a device. */
export async function writing(device, { fault, after, tokens = 24, seed = 3 } = {}) {
  const told = [];
  const gpt2 = await loadGPT2('/models/gpt2-nano', {
    device,
    cache: false,
    onDevice: (now) => told.push(now),
    ...(fault && { worker: faulty(fault, after) }),
  });
  try {
    const opened = gpt2.device;
    const { ids, text } = await gpt2.generate({ prompt: 'Once upon a time', tokens, seed }).result;
    return { ids, text, opened, told, now: gpt2.device };
  } finally {
    await gpt2.dispose();
  }
}

/** Makes a complete comparison of the two models on the graphics device. */
export async function shortComparison() {
  const device = 'webgpu';
  const sedd = await loadSEDD('/models/sedd-nano', { device, cache: false });
  const gpt2 = await loadGPT2('/models/gpt2-nano', { device, cache: false });
  try {
    const result = await compare(sedd, gpt2, { steps: [1], length: 12, rounds: 6, warmups: 1 }).result;
    const { environment, breakEven } = result;
    return {
      devices: [environment.sedd.device, environment.gpt2.device],
      steps: result.sedd.map(({ steps }) => steps),
      breakEven: breakEven.steps,
      gpt2Ms: result.gpt2.medianMs,
    };
  } finally {
    await sedd.dispose();
    await gpt2.dispose();
  }
}

/**
 * Writes two texts with one GPT-2, first separately and then in alternation: the first run is paused while the second
 * writes.
 */
export async function twoGenerations() {
  const gpt2 = await loadGPT2('/models/gpt2-nano', { device: 'webgpu', cache: false });
  const start = (seed) => gpt2.generate({ prompt: 'Once upon a time', tokens: 20, seed });
  try {
    const alone = [(await start(1).result).ids, (await start(2).result).ids];
    const first = start(1);
    for await (const { index } of first)
      if (index === 0) {
        first.pause();
        break;
      }
    const second = await start(2).result;
    first.continue();
    return { alone, turns: [(await first.result).ids, second.ids] };
  } finally {
    await gpt2.dispose();
  }
}

/**
 * Makes a run whose device is lost after some steps. It is destroyed by a later submission, or by the test, which waits
 * for `stepsDone`.
 */
export async function lostRun(kind) {
  const told = [];
  globalThis.stepsDone = 0;
  const sedd = await loadSEDD('/models/sedd-nano', {
    device: 'webgpu',
    cache: false,
    onDevice: (now) => told.push(now),
    ...(kind === 'destroyed' && { worker: faulty('lost', 4) }),
  });
  try {
    const opened = sedd.device;
    const run = sedd.sample({ prompt: PROMPT, length: 32, steps: 8, seed: 1, positions: 'score' });
    const steps = [];
    let masked;
    for await (const event of run) {
      masked = event.masked;
      if (event.start) continue;
      steps.push(event.step);
      globalThis.stepsDone = event.step;
      if (kind === 'crashed' && event.step === 2) {
        run.pause(); // until the device has been lost
        while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        run.continue();
      }
    }
    const lost = { opened, now: sedd.device, told: [...told], steps, masked, device: (await run.result).device };
    const { device: next } = await sedd.sample({ prompt: PROMPT, length: 24, steps: 1, seed: 1 }).result;
    return { ...lost, next, reopened: sedd.device };
  } finally {
    await sedd.dispose();
  }
}

/** Writes a text with a GPT-2 whose device is lost meanwhile, and the same text on wasm. */
export async function lostGeneration() {
  const { ids: whole } = await writing('wasm');
  return { whole, found: await writing('webgpu', { fault: 'lost', after: 2 }) };
}

/** Aborts a run during its second step, and makes another run afterwards. */
export async function abortedRun() {
  const sedd = await loadSEDD('/models/sedd-nano', { device: 'webgpu', cache: false });
  try {
    const run = sedd.sample({ length: 128, steps: 8, seed: 1 });
    let stepMs = 0;
    let begin = 0;
    let name;
    try {
      for await (const event of run) {
        if (event.start) continue;
        stepMs = event.ms;
        await new Promise((resolve) => setTimeout(resolve, stepMs / 4));
        begin = performance.now();
        run.abort();
      }
    } catch (error) {
      ({ name } = error);
    }
    await sedd.tokenize('a'); // the worker answers only after it has left the run
    const ms = performance.now() - begin;
    let masked;
    for await (const event of sedd.sample({ length: 16, steps: 2, seed: 1, positions: 'planned' }))
      masked = event.masked;
    return { name, ms, stepMs, masked };
  } finally {
    await sedd.dispose();
  }
}

/** Returns the error code of a run whose model is disposed of during the run. */
export async function disposedRun() {
  const sedd = await loadSEDD('/models/sedd-nano', { device: 'webgpu', cache: false });
  const run = sedd.sample({ length: 64, steps: 8, seed: 1 });
  try {
    for await (const event of run) if (event.step === 1) await sedd.dispose();
  } catch (error) {
    return error.code;
  }
}

/** Makes every call that evaluates a text, on either device, and runs the self-test on the graphics device. */
export async function everyCall() {
  const text = 'Once upon a time there was a girl.';
  const found = {};
  for (const device of ['wasm', 'webgpu']) {
    const sedd = await loadSEDD('/models/sedd-nano', { device, cache: false });
    const gpt2 = await loadGPT2('/models/gpt2-nano', { device, cache: false });
    try {
      const { ids } = await sedd.tokenize(text);
      ids[2] = sedd.info.maskId;
      const inspected = await sedd.inspect(ids, { sigma: 0.5, positions: [4, 2], topK: 3 });
      const bound = await sedd.bound(text, { samples: 4, seed: 1 });
      const official = await sedd.sample({ length: 16, steps: 3, seed: 4, draw: 'official', positions: 'score' })
        .result;
      const nll = await gpt2.nll(text);
      found[device] = {
        devices: [inspected, bound, official, nll].map(({ device: used }) => used),
        sedd: { positions: inspected.positions, bound: bound.natsPerToken, ids: official.ids },
        nll: nll.parts,
      };
      if (device === 'webgpu') Object.assign(found, await sedd.selfTest(), { device: sedd.device });
    } finally {
      await sedd.dispose();
      await gpt2.dispose();
    }
  }
  return found;
}

/** Makes a run of <sedd-demo device="webgpu">, and returns its status after the model has loaded. */
export async function elementRun() {
  await import('/web/define.js');
  const demo = document.createElement('sedd-demo');
  for (const [name, value] of Object.entries({
    model: '/models/sedd-nano',
    device: 'webgpu',
    length: 16,
    steps: 2,
    seed: 1,
  }))
    demo.setAttribute(name, value);
  document.body.append(demo);
  await demo.load();
  const said = demo.shadowRoot.querySelector('[part~="status"]').textContent;
  let masked;
  demo.addEventListener('sedd-step', ({ detail }) => {
    masked = detail.masked;
  });
  const { device } = await demo.run();
  demo.remove();
  return { device, masked, said };
}
