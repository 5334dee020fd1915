/**
 * Runs in the page of a visit: loads the shipped SEDD with the engine that the address names and makes a first denoising step. It stores in
 * `visit` when each part was ready, in milliseconds since the page was requested. visit.mjs drives it.
 */
const FOLDER = 'models/sedd-nano';
const { engine, threads, file, mask } = Object.fromEntries(new URL(location.href).searchParams);

/** Loads and runs through the public module, as a page does. */
async function own() {
  const { loadSEDD } = await import('../../../web/client.js');
  const asked = performance.now();
  const sedd = await loadSEDD(new URL(`../../../${FOLDER}`, import.meta.url), { threads: Number(threads) });
  const loaded = performance.now();
  const run = sedd.sample({ steps: 64, seed: 1, positions: 'score', order: 'random', grid: 'linear', context: 'all' }); // computes every row, as the peer does
  let first;
  for await (const { step } of run) if (step === 1) first = performance.now();
  await run.result; // the visit continues, because browsers keep compiled code only of what has run for a while
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
