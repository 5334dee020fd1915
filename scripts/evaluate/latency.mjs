// Latency: SEDD by steps against GPT-2 with its cache, and T*, by length and threads: in the tool (`sedd bench --twin`) and in
// Chromium (the module's own `compare`), by the same rules.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../build.mjs';
import { wayOf } from './generation.mjs';

async function inTool({ tool, twin, settings }, { model, way, steps, threads, length }) {
  const chosen = Object.fromEntries(Object.entries(wayOf(way)).map(([name, value]) => [`--${name}`, value]));
  const flags = {
    '--twin': twin.folder,
    '--length': length,
    '--threads': threads,
    '--runs': settings.rounds,
    '--steps': steps,
    ...chosen,
  };
  try {
    const { stdout } = await promisify(execFile)(tool, [
      'bench',
      model.folder,
      '--json',
      ...Object.entries(flags).flat().map(String),
    ]);
    const { rows, kernels, break_even_steps: steps, break_even_interval: interval } = JSON.parse(stdout);
    return {
      kernels,
      breakEven: { steps, interval },
      rows: rows.map((row) => ({ steps: row.steps, ms: row.ms, interval: row.interval })),
    };
  } catch (error) {
    throw new Error(error.stderr?.trim().replace(/^sedd: /, '') || error.message);
  }
}

/** Runs in the page; a model's generation_config.json says how it samples. */
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
  const row = ({ medianMs, q1Ms, q3Ms }, count) => ({ steps: count, ms: medianMs, interval: [q1Ms, q3Ms] });
  const { steps: star, low, high } = result.breakEven;
  const { kernels } = result.environment.sedd;
  return {
    kernels,
    breakEven: { steps: star, interval: [low, high] },
    rows: [...result.sedd.map((one) => row(one, one.steps)), row(result.gpt2, null)],
  };
}

/** A Chromium with the engine's page, or null where there is none, no module is built, or the models lie elsewhere. */
async function openBrowser({ sedd, twin, student, progress }) {
  const inside = [sedd, twin, student]
    .filter(Boolean)
    .every(({ folder }) => !path.relative(ROOT, path.resolve(folder)).startsWith('..'));
  if (!inside || !existsSync(path.join(ROOT, 'web/wasm/sedd-simd.wasm'))) return null;
  try {
    const browser = await (await import('../../tests/browser/browser.mjs')).open('results.html');
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
  const browser = await openBrowser(context);
  const contenders = [
    { model: sedd, steps: settings.steps },
    ...(student ? [{ model: student, steps: settings.studentSteps, way: 'known' }] : []),
  ];
  const works = contenders.flatMap((contender) =>
    settings.threads.flatMap((threads) => [
      ...lengths.map((length) => ({ ...contender, threads, length, host: 'tool' })),
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
