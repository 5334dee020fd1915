/**
 * Runs contenders in headless Chromium, each in its own page and so its own process, or in this Node process. Both hosts open, call and drop
 * contenders by number. In Chromium, opening and calling reject after `limit` seconds, and dropping ends a contender at any moment. Node
 * cannot interrupt a computation.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { open as openBrowser } from '../chromium.mjs';
import { KERNELS } from './engines/peak.js';

export const PEAK_FILE = 'build/wasm-relaxed/peak.wasm';
const PAGE = 'scripts/bench/page.html';
const LIMIT = 60; // seconds for one call

const sum = (values) => values.reduce((a, b) => a + b, 0);
const ask = (page, method, ...args) => page.evaluate(([name, rest]) => globalThis.bench[name](...rest), [method, args]);

/** Returns the value of a promise. Rejects when it takes more than `limit` seconds. */
async function within(limit, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`over ${limit} s`)), 1000 * limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param {{limit?: number, webgpu?: boolean}} [options] seconds for a call; webgpu: offers WebGPU, on a software renderer if need be */
export async function browserHost({ limit = LIMIT, webgpu = false } = {}) {
  const { page: first, url, close } = await openBrowser(PAGE, { webgpu });
  const version = await first.evaluate(() => /Chrome\/([\d.]+)/.exec(navigator.userAgent)?.[1] ?? navigator.userAgent);
  const files = new Set(); // that pages and their workers asked for
  first.context().on('request', (request) => {
    if (request.url().startsWith(url)) files.add(new URL(request.url()).pathname.slice(1));
  });
  const contenders = new Map(); // number -> the contender's page and its number there
  let next = 1;

  async function openPage() {
    const page = await first.context().newPage();
    await page.goto(url + PAGE);
    await page.waitForFunction('globalThis.bench');
    return page;
  }

  return {
    name: `Chromium ${version}`,
    async open(engine, job) {
      const page = await openPage();
      try {
        const opened = await within(limit, ask(page, 'open', engine, job));
        contenders.set(next, { page, inner: opened.number });
        return { ...opened, number: next++ };
      } catch (error) {
        await page.close();
        throw error;
      }
    },
    call(number, method, ...args) {
      const { page, inner } = contenders.get(number);
      return within(limit, ask(page, 'call', inner, method, ...args));
    },
    async drop(number) {
      await contenders.get(number)?.page.close();
      contenders.delete(number);
    },
    /** Returns the paths in the repository that were asked for. */
    files: () => [...files],
    pageOf: (number) => contenders.get(number).page,
    /** Measures the rates of `threads` workers that run at once. */
    async peaks(threads, ms) {
      const page = await openPage();
      const numbers = [];
      for (let i = 0; i < threads; i++) numbers.push((await ask(page, 'open', 'peak', { file: PEAK_FILE })).number);
      const peaks = {};
      for (const name of KERNELS) peaks[name] = sum(await ask(page, 'together', numbers, 'rate', name, ms));
      await page.close();
      return peaks;
    },
    close,
  };
}

const MODULES = { 'sedd-web': './engines/own.js', 'onnxruntime-web': './engines/onnxruntime.js' };

/** A program that prints all rates of one process as JSON. */
const PEAKS = `const { open, KERNELS } = await import(process.argv[1]);
const peak = await open({ file: process.argv[2] });
console.log(JSON.stringify(Object.fromEntries(KERNELS.map((name) => [name, peak.rate(name, Number(process.argv[3]))]))));`;

export async function nodeHost() {
  const contenders = [];
  return {
    name: `Node ${process.versions.node}`,
    async open(engine, job) {
      const begin = performance.now();
      const contender = await (await import(MODULES[engine])).open(job);
      return {
        kernels: contender.kernels,
        threads: contender.threads,
        number: contenders.push(contender) - 1,
        ms: performance.now() - begin,
      };
    },
    call: (number, method, ...args) => contenders[number][method](...args),
    async drop(number) {
      await contenders[number]?.close?.();
      contenders[number] = null;
    },
    /** Measures with processes in place of threads; they run the same kernels at about the same time. */
    async peaks(threads, ms) {
      const each = await Promise.all(
        Array.from({ length: threads }, () =>
          promisify(execFile)(process.execPath, [
            '--input-type=module',
            '-e',
            PEAKS,
            new URL('./engines/peak.js', import.meta.url).href,
            PEAK_FILE,
            String(ms),
          ]),
        ),
      );
      const rates = each.map(({ stdout }) => JSON.parse(stdout));
      return Object.fromEntries(KERNELS.map((name) => [name, sum(rates.map((rate) => rate[name]))]));
    },
    async close() {},
  };
}
