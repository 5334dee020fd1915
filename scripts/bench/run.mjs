/** Runs works: opens all contenders for a model at once, checks each, and lets them take turns (A-B-A-B). */
import { setTimeout as sleep } from 'node:timers/promises';
import { WrongResult, check, idsFor } from './check.mjs';
import { watch, quiet } from './machine.mjs';
import { folderOf, peerFile } from './models.mjs';
import { MODELS, PROMPT, contendersFor, contendersOf, openingsOf, roundsOf, takesPart, tokensOf } from './works.mjs';

export const WARM_RUNS = 2; // least number of dropped runs of a contender
export const WARM_MS = 400; // least time of its dropped runs, because the optimising compiler works in the background
const PAUSE = 20; // ms between turns, so that one contender's spinning threads sleep before the next one runs
export const BUDGET = 40; // seconds of turns for a contender and work; only the first turn may begin without time to end within it
const TEXT = 'tests/golden/gpt2-tokenizer/';

/** Returns the job that a contender is opened with. */
function jobOf(model, { engine, dtype, wasm, device }, threads, rows) {
  if (engine !== 'sedd-web') {
    const { blocks, heads, hidden } = model;
    return {
      file: peerFile(model, { engine, dtype }),
      config: `${folderOf(model)}/config.json`,
      dtype,
      device,
      threads,
      context: rows + 1,
      cache: model.kind === 'gpt2' ? { blocks, heads, size: hidden / heads } : undefined,
    };
  }
  const folder = folderOf(model);
  const text = model.folder
    ? { tokenizer: `${folder}/tokenizer.json` }
    : { tokenizer: `${TEXT}vocab.json`, merges: `${TEXT}merges.txt` };
  return { folder, rows, wasm, dtype, device, threads, ...text };
}

/** One engine with one dtype on one model. After a crash or a time-out it is opened again for the next work. */
export class Contender {
  #host;
  #name;
  #job;
  #number = null;

  /** @param {{engine: string, dtype: string, wasm?: string, device?: 'webgpu'}} item @param {number} rows tokens at once, at most */
  constructor(host, name, item, threads, rows) {
    const { engine, dtype } = item;
    Object.assign(this, {
      item,
      engine,
      dtype,
      wasm: item.wasm,
      threads,
      model: MODELS[name],
      checked: '',
      kernels: item.wasm ?? '',
    });
    this.#host = host;
    this.#name = name;
    this.#job = jobOf(this.model, item, threads, Math.min(rows, this.model.positions));
  }

  get open() {
    return this.#number !== null;
  }
  get page() {
    return this.#host.pageOf(this.#number);
  }

  /** @returns {Promise<number>} milliseconds */
  async load() {
    const { number, kernels, threads, ms } = await this.#host.open(this.engine, this.#job);
    this.#number = number;
    Object.assign(this, { kernels, threads, loadMs: ms });
    return ms;
  }

  /** Opens the contender and checks its results, unless it is open already. @param {(line: string) => void} log */
  async ready(log) {
    if (this.open) return;
    await this.load();
    this.checked = await check(this, this.#name);
    log(
      `${this.#name}, ${this.threads} threads: ${this.engine} ${this.dtype} ${this.kernels} opened in ${this.loadMs.toFixed(0)} ms, ${this.checked}`,
    );
  }

  call(method, ...args) {
    return this.#host.call(this.#number, method, ...args);
  }

  /** Runs a work once. Returns the milliseconds, for a decode those of one token. */
  async once({ method, length, count }, quickRun) {
    if (method === 'step') return this.call('step', length, this.model.tokens);
    const ids = idsFor(this.model, length ?? PROMPT);
    if (method === 'prefill') return this.call('prefill', ids);
    return (await this.call('decode', ids, tokensOf({ count }, quickRun))).ms;
  }

  async drop() {
    if (!this.open) return;
    await this.#host.drop(this.#number);
    this.#number = null;
  }
}

/** A contender's turns at one work. A failure costs only this contender its row; a wrong result ends the bench. */
export class Turns {
  #spent = 0;
  #longest = 0;

  /** @param {Contender} contender @param {{budget?: number, log: (line: string) => void}} options */
  constructor(contender, { budget = BUDGET, log }) {
    Object.assign(this, { contender, times: [], failed: '', budget: 1000 * budget, log });
  }

  /** @param {() => Promise<void>} action */
  async guard(action) {
    if (this.failed) return;
    try {
      await this.contender.ready(this.log);
      await action();
    } catch (error) {
      if (error instanceof WrongResult) throw error;
      this.failed = error.message.split('\n')[0].replace(/^page\.evaluate: (Error: )?/, '');
      this.log(`${this.contender.engine} ${this.contender.dtype}: ${this.failed}`);
      await this.contender.drop();
    }
  }

  /** Times `run`, if it can end within the budget. @param {() => Promise<number>} run returns milliseconds by its own clock */
  take(run) {
    return this.guard(async () => {
      if (this.#spent > 0 && this.#spent + this.#longest > this.budget) return;
      const begin = performance.now();
      this.times.push(await run());
      const took = performance.now() - begin;
      this.#spent += took;
      this.#longest = Math.max(this.#longest, took);
    });
  }

  /** Runs once at full length and drops that time, because memory grows in it. Keeps it when no time is left for another run. */
  async takeFirst(run) {
    await this.take(run);
    if (this.failed || this.#spent + this.#longest > this.budget) return;
    this.times.length = 0;
    this.#spent = 0;
  }
}

async function warm(turns, work, quickRun) {
  const { contender } = turns;
  // A warm-up runs the same code in less time; a decode writes as many tokens as in a quick run.
  await turns.guard(async () => {
    const end = performance.now() + WARM_MS;
    for (let i = 0; i < WARM_RUNS || performance.now() < end; i++)
      await contender.once({ ...work, length: work.warm ?? work.length }, true);
  });
  if (work.warm) await turns.takeFirst(() => contender.once(work, quickRun));
}

/** Returns a list that begins with the item at `start`, in the same cyclic order. */
export const rotated = (list, start) => list.map((_, i) => list[(start + i) % list.length]);

/**
 * Lets contenders take turns. In every round another one begins. A work with several openings closes all contenders and opens them again in
 * another order.
 * @returns {Promise<Turns[]>}
 */
export async function race(contenders, work, options) {
  const taking = contenders
    .filter((item) => takesPart(work, item, options.quick))
    .map((contender) => new Turns(contender, options));
  const rounds = options.rounds ?? roundsOf(work, options.quick);
  const openings = Math.min(rounds, openingsOf(work, options.quick));
  const open = async (number) => {
    for (const { contender } of number > 0 ? taking : []) await contender.drop();
    for (const turns of rotated(taking, Math.round((number * taking.length) / openings)))
      await warm(turns, work, options.quick);
  };
  await open(0);
  const before = options.quietSeconds ? await quiet(0.2, options.quietSeconds) : null;
  const stop = watch();
  for (let round = 0, opening = 0; round < rounds; round++) {
    const now = Math.floor((round * openings) / rounds);
    if (now > opening) await open((opening = now));
    for (const turns of rotated(taking, round)) {
      await sleep(PAUSE);
      for (let i = 0; i < work.repeat; i++) await turns.take(() => turns.contender.once(work, options.quick));
    }
  }
  const others = stop();
  return taking.map((turns) => Object.assign(turns, { others, before }));
}

const bestTime = ({ contender: { engine, dtype, kernels }, times, failed }) =>
  `${engine} ${dtype} ${kernels} ${failed || Math.min(...times).toPrecision(4)}`;

/**
 * Runs all works of one model at one number of threads.
 * @param {[string, object][]} works names and works
 * @param {{quick: boolean, peers: boolean, node: boolean, rounds?: number, quietSeconds: number, budget?: number, log: (line: string) => void,
 *   admit?: (work: string, threads: number) => boolean, measured?: Function}} options `admit`: says whether a work may begin
 * @returns {AsyncGenerator<object[]>} for each work, one result for each contender that contendersOf lists
 */
export async function* runModel(host, name, works, threads, options) {
  const rows = Math.max(
    ...works.map(([, work]) => (work.length ?? PROMPT) + (work.count ? tokensOf(work, options.quick) : 0)),
  );
  const contenders = contendersFor(MODELS[name], options).map((item) => new Contender(host, name, item, threads, rows));
  try {
    for (const [workName, work] of works) {
      const items = contendersOf(workName, threads, options);
      if (items.length === 0 || options.admit?.(workName, threads) === false) continue;
      const raced = await race(
        contenders.filter(({ item }) => items.includes(item)),
        work,
        options,
      );
      yield raced.map(({ contender, times, failed, others, before }) => {
        const { engine, dtype, kernels, threads: count, loadMs, checked } = contender;
        return {
          name: workName,
          engine,
          dtype,
          kernels,
          threads: count,
          loadMs,
          checked,
          times,
          failed,
          others,
          before,
        };
      });
      options.log(`${workName}, ${threads} threads, ms at best: ${raced.map(bestTime).join(', ')}`);
    }
  } finally {
    for (const contender of contenders) await contender.drop();
  }
}
