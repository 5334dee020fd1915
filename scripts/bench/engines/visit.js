/**
 * In the page of a visit: loads the shipped SEDD with the engine that the address names, makes a first denoise step, and leaves in
 * `visit` when each thing was there, in milliseconds since the page was asked for. Driven by visit.mjs.
 */
const FOLDER = 'models/sedd-nano';
const { engine, threads, file, mask } = Object.fromEntries(new URL(location.href).searchParams);

/** By the public module, as a page does. */
async function own() {
  const { loadSEDD } = await import('../../../web/client.js');
  const asked = performance.now();
  const sedd = await loadSEDD(new URL(`../../../${FOLDER}`, import.meta.url), { threads: Number(threads) });
  const loaded = performance.now();
  const run = sedd.sample({ steps: 64, seed: 1, positions: 'score', order: 'random', grid: 'linear', context: 'all' }); // every row, as the peer
  let first;
  for await (const { step } of run) if (step === 1) first = performance.now();
  await run.result; // a visit goes on: browsers keep compiled code of what has run for a while
  return { asked, loaded, first, kernels: sedd.kernels, threads: sedd.threads, fromStore: sedd.source.fromStore };
}

async function peer() {
  const { open } = await import('./onnxruntime.js');
  const asked = performance.now();
  const contender = await open({ file, threads: Number(threads) });
  const loaded = performance.now();
  await contender.step(128, Number(mask));
  const first = performance.now();
  return { asked, loaded, first, kernels: contender.kernels, threads: contender.threads };
}

try {
  globalThis.visit = await (engine === 'sedd-web' ? own() : peer());
} catch (error) {
  globalThis.visit = { failed: error.message };
}
