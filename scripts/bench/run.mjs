/** Runs works: opens all contenders for a model at once, checks each, and lets them take turns: A-B-A-B. */
import { check, idsFor } from './check.mjs';
import { watch, quiet } from './machine.mjs';
import { folderOf, peerFile } from './models.mjs';
import { MODELS, PROMPT, contendersFor, takesPart, tokensOf } from './works.mjs';

const WARM_RUNS = 2; // dropped, and more until
const WARM_MS = 400; // of one contender: the optimising compiler works in the background
const PAUSE = 20; // ms between turns, so that spinning threads of one go to sleep before the next
const TEXT = 'tests/golden/gpt2-tokenizer/';
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** What a contender is opened with. */
export function jobOf(model, { engine, dtype, wasm }, threads, rows) {
  if (engine !== 'sedd-web') {
    const { blocks, heads, hidden } = model;
    return { file: peerFile(model, dtype), threads, context: rows + 1, cache: model.kind === 'gpt2' ? { blocks, heads, size: hidden / heads } : undefined };
  }
  const folder = folderOf(model);
  const text = model.folder ? { tokenizer: `${folder}/tokenizer.json` } : { tokenizer: `${TEXT}vocab.json`, merges: `${TEXT}merges.txt` };
  return { folder, rows, wasm, dtype, threads, ...text };
}

/** One run of a work; milliseconds, of one token where it decodes. */
export async function once(host, contender, work, quickRun) {
  const model = MODELS[work.model];
  if (work.method === 'step') return host.call(contender.number, 'step', work.length, model.tokens);
  const ids = idsFor(model, work.length ?? PROMPT);
  if (work.method === 'prefill') return host.call(contender.number, 'prefill', ids);
  return (await host.call(contender.number, 'decode', ids, tokensOf(work, quickRun))).ms;
}

async function warm(host, contender, work, quickRun) {
  const short = work.slow ? { ...work, length: 128 } : work; // the same code at an eighth of the time
  const end = performance.now() + WARM_MS;
  for (let i = 0; i < WARM_RUNS || performance.now() < end; i++) await once(host, contender, short, quickRun);
  if (work.slow) await once(host, contender, work, quickRun); // memory grows in the first
}

/** @returns {Promise<object[]>} contenders with `times` */
async function race(host, contenders, work, options) {
  const taking = contenders.filter((item) => takesPart(work, item, options.quick)).map((item) => ({ ...item, times: [] }));
  for (const contender of taking) await warm(host, contender, work, options.quick);
  const before = options.patience ? await quiet(0.2, options.patience) : null;
  const stop = watch();
  const rounds = options.rounds ?? work.rounds[options.quick ? work.rounds.length - 1 : 0];
  for (let round = 0; round < rounds; round++) {
    for (const contender of taking) {
      await sleep(PAUSE);
      for (let i = 0; i < work.repeat; i++) contender.times.push(await once(host, contender, work, options.quick));
    }
  }
  const others = stop();
  return taking.map((item) => ({ ...item, others, before }));
}

/**
 * All works of one model at one number of threads.
 * @param {[string, object][]} works names and works
 * @returns {Promise<object[]>} one result a work and contender
 */
export async function runModel(host, name, works, threads, options) {
  const model = MODELS[name];
  const rows = Math.max(...works.map(([, work]) => (work.length ?? PROMPT) + (work.count ? tokensOf(work, options.quick) : 0)));
  const contenders = [];
  const results = [];
  try {
    for (const item of contendersFor(model, options)) {
      const opened = await host.open(item.engine, jobOf(model, item, threads, Math.min(rows, model.positions)));
      const contender = { ...item, number: opened.number, kernels: opened.kernels, threads: opened.threads, load: opened.ms };
      contenders.push(contender);
      contender.checked = await check(host, contender, model, name);
      options.log(`${name}, ${threads} threads: ${item.engine} ${item.dtype} ${opened.kernels} opened in ${opened.ms.toFixed(0)} ms, ${contender.checked}`);
    }
    for (const [workName, work] of works) {
      const raced = await race(host, contenders, work, options);
      results.push(...raced.map((item) => ({ name: workName, work, ...item })));
      options.log(`${workName}, ${threads} threads: ${raced.map((item) => `${item.engine} ${item.dtype} ${item.kernels} ${Math.min(...item.times).toPrecision(4)}`).join(', ')} ms at best`);
    }
  } finally {
    for (const contender of contenders) await host.closeOne(contender.number);
  }
  return results;
}
