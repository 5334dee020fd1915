// Times whole texts by length and threads: SEDD by steps against GPT-2 with its cache, and T*. It runs in the tool (two `sedd eval`
// processes) and in Chromium (the module's own `compare`), in turns, with the same rules and the same statistics.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { breakEven, medianInterval } from '../../web/client/statistics.js';
import { ROOT } from '../build.mjs';
import { Process } from './engine.mjs';
import { seedOf } from './random.mjs';
import { wayOf } from './ways.mjs';

const WARMUPS = 1; // dropped rounds of the tool; the module drops its own

/**
 * Returns the medians and T* with their 95 % intervals. T* is computed in every round.
 * @param {number[]} steps ascending @param {number[][]} sedd milliseconds for each number of steps, by round @param {number[]} twin milliseconds by round
 */
export function summary(steps, sedd, twin) {
  const row = (count, times) => {
    const { median, low, high } = medianInterval(times);
    return { steps: count, ms: median, interval: [low, high] };
  };
  const stars = twin.map((ms, round) =>
    breakEven(
      steps,
      sedd.map((times) => times[round]),
      ms,
    ),
  );
  const star = medianInterval(stars);
  return {
    breakEven: { steps: star.median, interval: [star.low, star.high] },
    rows: [...steps.map((count, i) => row(count, sedd[i])), row(null, twin)],
  };
}

/** Writes texts in turns, the twin first, so that a slow minute affects all contenders. */
async function inTool({ tool, twin, settings }, { model, way, steps, threads, length }) {
  const flags = ['--threads', String(threads)];
  const [denoiser, decoder] = [model, twin].map(({ folder }) => new Process(tool, folder, flags));
  const [sedd, own] = [steps.map(() => []), []];
  try {
    const bos = await twin.endOfText();
    const { kernels } = await denoiser.ask({ op: 'engine' });
    for (let round = -WARMUPS; round < settings.rounds; round++) {
      const seed = seedOf(settings.seed, round + WARMUPS);
      const text = await decoder.ask({ op: 'generate', ids: [bos], count: length, seed });
      if (round >= 0) own.push(text.ms);
      for (const [i, count] of steps.entries()) {
        const { ms } = await denoiser.ask({ op: 'sample', length, steps: count, seed, ...wayOf(way, count) });
        if (round >= 0) sedd[i].push(ms);
      }
    }
    return { kernels, ...summary(steps, sedd, own) };
  } finally {
    denoiser.close();
    decoder.close();
  }
}

/** Runs in the page. A model samples as its generation_config.json says. */
async function compareThere({ sedd, twin, threads, steps, length, rounds }) {
  const { loadSEDD, loadGPT2, compare } = await import('/web/client.js');
  const options = { threads, cache: false };
  const models = [await loadSEDD(sedd, options), await loadGPT2(twin, options)];
  const result = await compare(...models, { steps, length, rounds }).result;
  for (const model of models) await model.dispose();
  return result;
}

async function inBrowser({ page, url }, { twin, settings: { rounds } }, { model, steps, threads, length }) {
  const address = ({ folder }) => url + path.relative(ROOT, path.resolve(folder)).split(path.sep).join('/');
  const result = await page.evaluate(compareThere, {
    sedd: address(model),
    twin: address(twin),
    threads,
    steps,
    length,
    rounds,
  });
  const times = result.sedd.map(({ rawMs }) => rawMs);
  return { kernels: result.environment.sedd.kernels, ...summary(steps, times, result.gpt2.rawMs) };
}

/** Opens Chromium with the engine's page. Returns null if Chromium or the wasm modules are missing, or if the models lie outside the repository. */
async function openBrowser({ sedd, twin, student, progress }) {
  const inside = [sedd, twin, student]
    .filter(Boolean)
    .every(({ folder }) => !path.relative(ROOT, path.resolve(folder)).startsWith('..'));
  if (!inside || !existsSync(path.join(ROOT, 'web/wasm/sedd-simd.wasm'))) return null;
  try {
    const browser = await (await import('../chromium.mjs')).open('results.html');
    const version = await browser.page.evaluate(() => /Chrome\/(\d+)/.exec(navigator.userAgent)?.[1]);
    return { ...browser, name: `Chromium ${version}` };
  } catch (error) {
    progress.say(`latency: no browser (${error.message.split('\n')[0]})`);
    return null;
  }
}

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { sedd, twin, student, settings, record, progress } = context;
  if (!sedd || !twin) return;
  const lengths = settings.lengths.filter((length) => length <= context.length);
  const browser = settings.hosts.includes('browser') ? await openBrowser(context) : null;
  const contenders = [
    { model: sedd, steps: settings.steps },
    ...(student ? [{ model: student, steps: settings.studentSteps, way: 'known' }] : []),
  ];
  const works = contenders.flatMap((contender) =>
    settings.threads.flatMap((threads) => [
      ...(settings.hosts.includes('tool') ? lengths : []).map((length) => ({
        ...contender,
        threads,
        length,
        host: 'tool',
      })),
      ...(browser ? [{ ...contender, threads, length: lengths.at(-1), host: browser.name }] : []),
    ]),
  );
  const bar = progress.start('latency', works.length);
  try {
    for (const work of works) {
      const { model, way, threads, length, host } = work;
      const measured = host === 'tool' ? await inTool(context, work) : await inBrowser(browser, context, work);
      record({
        table: 'latency',
        ...model.identity(),
        ...(way ? { way } : {}),
        twin: twin.name,
        twinSha256: twin.sha256,
        length,
        threads,
        host,
        rounds: settings.rounds,
        ...measured,
      });
      bar.step();
    }
  } finally {
    await browser?.close();
  }
  bar.end();
}
