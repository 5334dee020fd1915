/** Where contenders run: a page of headless Chromium, or this Node process. Both open, call and close them by number. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { open as openBrowser } from '../../tests/browser/browser.mjs';
import { KERNELS } from './engines/peak.js';

export const PEAK_FILE = 'build/wasm/relaxed/peak.wasm';

const sum = (values) => values.reduce((a, b) => a + b, 0);

export async function browserHost() {
  const { page, close } = await openBrowser('scripts/bench/page.html');
  await page.waitForFunction('globalThis.bench');
  const ask = (method) => (...args) => page.evaluate(([name, rest]) => globalThis.bench[name](...rest), [method, args]);
  const version = await page.evaluate(() => /Chrome\/([\d.]+)/.exec(navigator.userAgent)?.[1] ?? navigator.userAgent);
  const host = { name: `Chromium ${version}`, open: ask('open'), call: ask('call'), closeOne: ask('close'), close };
  host.peaks = async (threads, ms) => {
    const numbers = [];
    for (let i = 0; i < threads; i++) numbers.push((await host.open('peak', { file: PEAK_FILE })).number);
    const peaks = {};
    for (const name of KERNELS) peaks[name] = sum(await ask('together')(numbers, 'rate', name, ms));
    for (const number of numbers) await host.closeOne(number);
    return peaks;
  };
  return host;
}

const MODULES = { 'sedd-web': './engines/own.js', 'onnxruntime-web': './engines/onnxruntime.js' };

/** Prints all rates of one process as JSON. */
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
      return { kernels: contender.kernels, threads: contender.threads, number: contenders.push(contender) - 1, ms: performance.now() - begin };
    },
    call: (number, method, ...args) => contenders[number][method](...args),
    async closeOne(number) {
      await contenders[number].close();
      contenders[number] = null;
    },
    /** Processes side by side instead of threads; they run the same kernels at about the same time. */
    async peaks(threads, ms) {
      const each = await Promise.all(Array.from({ length: threads }, () => promisify(execFile)(process.execPath,
        ['--input-type=module', '-e', PEAKS, new URL('./engines/peak.js', import.meta.url).href, PEAK_FILE, String(ms)])));
      const rates = each.map(({ stdout }) => JSON.parse(stdout));
      return Object.fromEntries(KERNELS.map((name) => [name, sum(rates.map((rate) => rate[name]))]));
    },
    async close() {},
  };
}
