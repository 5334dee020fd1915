/**
 * Times a second visit: a fresh page in a browser that has visited before (HTTP cache, compiled code, the engine's store), from its address
 * to the first denoising step of the shipped SEDD, and each part of that time. The server answers that nothing has changed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../chromium.mjs';
import { serve } from '../serve.mjs';
import { watch, quiet } from './machine.mjs';
import { peerFile } from './models.mjs';
import { MODELS, VISITS } from './works.mjs';

const PAGE = 'scripts/bench/visit.html';
const BEFORE = 3; // visits that fill the caches
const LIMIT = 60_000; // ms

/** Runs in a worker or page. Returns its marks and files, in milliseconds of the clock that all of them share. */
const entries = () =>
  performance.getEntries().map(({ name, entryType, startTime, responseEnd }) => ({
    name,
    type: entryType,
    begin: performance.timeOrigin + startTime,
    end: performance.timeOrigin + (responseEnd ?? startTime),
  }));

const at = (list, name) => list.find((entry) => entry.name === name)?.begin;
/** Returns when the last of these files had arrived, counting arrivals before `until`. */
const fetched = (list, pattern, until) =>
  Math.max(
    ...list
      .filter(({ type, name, end }) => type === 'resource' && pattern.test(name) && end <= until)
      .map(({ end }) => end),
  );

/** Makes one visit. Returns {parts, ms, kernels, threads}. */
async function visitOnce(context, url, engine) {
  const page = await context.newPage();
  try {
    await page.goto(url);
    await page.waitForFunction('globalThis.visit', null, { timeout: LIMIT });
    const { failed, asked, loaded, first, ...about } = await page.evaluate('globalThis.visit');
    if (failed) throw new Error(failed);
    const origin = await page.evaluate(() => performance.timeOrigin);
    const own = engine === 'sedd-web';
    const list = await (own ? page.workers()[0] : page).evaluate(entries);
    const begun = own ? at(list, 'sedd-web:load') - origin : asked;
    const engineAt = own ? at(list, 'sedd-web:engine') - origin : loaded;
    const wasm = fetched(list, own ? /\.wasm$/ : /\.(wasm|onnx)$/, origin + engineAt) - origin;
    const parts = {
      scripts: begun,
      fetch: wasm - begun,
      compile: engineAt - wasm,
      load: loaded - engineAt,
      first: first - loaded,
    };
    return { ...about, ms: first, sinceLoad: first - asked, parts };
  } finally {
    await page.close();
  }
}

/**
 * Returns results like those of run.mjs, with the parts of every visit. `compile` is the compile time that remains after the last byte has
 * arrived. `load` is the model's load, and includes the start of the threads where there are two. The peer's `compile` includes its model's load.
 * @param {keyof typeof VISITS} name
 * @param {{peers: boolean, rounds?: number, quietSeconds: number, log: (line: string) => void}} options
 */
export async function runVisits(name, threads, options) {
  const { model, rounds } = VISITS[name];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-visit-'));
  const server = await serve();
  const context = await chromium.launchPersistentContext(folder, { executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const visitors = (options.peers ? ['sedd-web', 'onnxruntime-web'] : ['sedd-web']).map((engine) => {
    const query = new URLSearchParams({
      engine,
      threads,
      ...(engine === 'sedd-web'
        ? {}
        : { file: peerFile(MODELS[model], { engine, dtype: 'int8' }), mask: MODELS[model].tokens }),
    });
    return { engine, url: `${server.url}${PAGE}?${query}`, visits: [], failed: '' };
  });
  try {
    const take = async (visitor, keep) => {
      if (visitor.failed) return;
      try {
        const visit = await visitOnce(context, visitor.url, visitor.engine);
        if (keep) visitor.visits.push(visit);
      } catch (error) {
        visitor.failed = error.message.split('\n')[0];
      }
    };
    for (let i = 0; i < BEFORE; i++) for (const visitor of visitors) await take(visitor, false);
    const before = options.quietSeconds ? await quiet(0.2, options.quietSeconds) : null;
    const stop = watch();
    for (let round = 0; round < (options.rounds ?? rounds); round++)
      for (const visitor of visitors) await take(visitor, true);
    const others = stop();
    options.log(
      `${name}, ${threads} threads: ${visitors.map(({ engine, visits, failed }) => `${engine} ${failed || Math.min(...visits.map(({ ms }) => ms)).toFixed(0)} ms at best`).join(', ')}`,
    );
    return visitors.map(({ engine, visits, failed }) => ({
      name,
      engine,
      dtype: 'int8',
      kernels: visits[0]?.kernels ?? '',
      threads: visits[0]?.threads ?? threads,
      times: visits.map(({ ms }) => ms),
      failed,
      others,
      before,
      more: { visits: visits.map(({ parts, sinceLoad }) => ({ ...parts, sinceLoad })) },
    }));
  } finally {
    await context.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
