// Times this engine, LiteRT.js, onnxruntime-web and wllama on the same weights, in turns, against the machine's measured limits.
// usage: npm run bench [-- --quick --only WORK[,WORK] --threads 1,2 --dtypes int8,q8_0 --json FILE --markdown FILE --report FILE --resume --node --no-peers --rounds N]
//        npm run bench -- --merge REPORT... [--json FILE --markdown FILE --report FILE]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, bench, native, need, wasm } from './build.mjs';
import { browserHost, nodeHost } from './bench/hosts.mjs';
import { measureLoads } from './bench/load.mjs';
import { environment } from './bench/machine.mjs';
import { relaxedByEngine } from './bench/relaxed.mjs';
import { markdown } from './bench/report.mjs';
import { merge, rowOf } from './bench/rows.mjs';
import { runModel } from './bench/run.mjs';
import { runVisits } from './bench/visit.mjs';
import { DTYPES, MODELS, TEXTS, VISITS, WORKS } from './bench/works.mjs';
import { runTexts } from './bench/writing.mjs';

const FLAGS = {
  '--quick': 0,
  '--only': 1,
  '--threads': 1,
  '--dtypes': 1,
  '--json': 1,
  '--markdown': 1,
  '--report': 1,
  '--resume': 0,
  '--merge': Infinity,
  '--node': 0,
  '--no-peers': 0,
  '--rounds': 1,
};
const PEAK_MS = 25; // each slice
const QUIET_SECONDS = 8; // longest wait for a quiet machine before each work
const OUT = path.join(ROOT, 'build/bench');

/** @returns {Map<string, string[]>} */
function flagsOf(args) {
  const flags = new Map();
  for (let i = 0; i < args.length; ) {
    const name = args[i++];
    if (!(name in FLAGS)) throw new Error(`unknown option ${name}; the options are ${Object.keys(FLAGS).join(', ')}`);
    const values = [];
    while (values.length < FLAGS[name] && i < args.length && !args[i].startsWith('--')) values.push(args[i++]);
    if (FLAGS[name] && values.length === 0) throw new Error(`${name} needs a value`);
    flags.set(name, values);
  }
  return flags;
}

const LOAD = 'load'; // loads every model with every engine in a fresh browser
const ALL = { ...WORKS, ...TEXTS, ...VISITS, [LOAD]: {} };

function worksOf(only, quick) {
  const names = only?.split(',') ?? Object.keys(ALL).filter((name) => !quick || WORKS[name]?.rounds.length > 1);
  const unknown = names.find((name) => !ALL[name]);
  if (unknown !== undefined) throw new Error(`unknown work "${unknown}"; the works are ${Object.keys(ALL).join(', ')}`);
  return names;
}

/** Returns the dtypes to time, or undefined for all. */
function dtypesOf(text) {
  const dtypes = text?.split(',');
  const unknown = dtypes?.find((dtype) => !DTYPES.includes(dtype));
  if (unknown !== undefined) throw new Error(`unknown dtype "${unknown}"; the dtypes are ${DTYPES.join(', ')}`);
  return dtypes;
}

function whole(flag, text, high) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > high)
    throw new Error(`${flag} expects a whole number from 1 to ${high}, not "${text}"`);
  return value;
}

/**
 * Runs all works, grouped by model, since works on one model share a browser. Yields the results of one work after another.
 * @param {(name: string, threads: number) => boolean} done says which works to skip
 * @returns {AsyncGenerator<object[]>}
 */
async function* resultsOf(names, threads, options, newHost, done) {
  async function* hosted(run) {
    const host = await newHost();
    try {
      yield* run(host);
    } finally {
      await host.close();
    }
  }
  for (const [model, count] of Object.keys(MODELS).flatMap((name) => threads.map((number) => [name, number]))) {
    const works = names
      .filter((name) => WORKS[name]?.model === model && !done(name, count))
      .map((name) => [name, WORKS[name]]);
    if (works.length) yield* hosted((host) => runModel(host, model, works, count, options));
  }
  for (const [name, count] of names
    .flatMap((item) => threads.map((number) => [item, number]))
    .filter((pair) => !done(...pair))) {
    if (TEXTS[name]) yield* hosted((host) => runTexts(host, name, count, options));
    if (VISITS[name] && !options.node) yield await runVisits(name, count, options);
  }
}

const readReport = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Writes the files that the flags ask for. It is called after every work, so that a run can be resumed. */
function write(report, flags) {
  const text = markdown(report);
  mkdirSync(OUT, { recursive: true });
  writeFileSync(flags.get('--report')?.[0] ?? path.join(OUT, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(flags.get('--markdown')?.[0] ?? path.join(OUT, 'report.md'), text);
  if (flags.has('--json')) writeFileSync(flags.get('--json')[0], `${JSON.stringify(report.rows, null, 1)}\n`);
  return text;
}

async function measure(flags) {
  const options = {
    quick: flags.has('--quick'),
    peers: !flags.has('--no-peers'),
    node: flags.has('--node'),
    dtypes: dtypesOf(flags.get('--dtypes')?.[0]),
    quietSeconds: QUIET_SECONDS,
    rounds: flags.has('--rounds') ? whole('--rounds', flags.get('--rounds')[0], 1000) : undefined,
    log: (line) => console.error(`bench: ${line}`),
  };
  const names = worksOf(flags.get('--only')?.[0], options.quick);
  const threads = (flags.get('--threads')?.[0] ?? '1,2').split(',').map((text) => whole('--threads', text, 16));
  native();
  wasm();
  bench();
  if (!options.node && !process.env.CHROMIUM) need('chromium', ['chromium']);

  const relaxed = relaxedByEngine();
  for (const [engine, found] of Object.entries(relaxed)) options.log(`${engine}: relaxed SIMD instructions: ${found}`);
  const newHost = options.node ? nodeHost : browserHost;
  const file = flags.get('--report')?.[0] ?? path.join(OUT, 'report.json');
  const pieces = flags.has('--resume') && existsSync(file) ? [readReport(file)] : [];
  const add = (about, piece) => {
    pieces.push({ environment: about, peaks: {}, rows: [], loads: [], ...piece });
    write(merge(pieces), flags);
  };
  const limits = async () => {
    const host = await newHost();
    try {
      const peaks = {};
      for (const count of threads) peaks[count] = await host.peaks(count, PEAK_MS);
      return [{ ...environment(host.name), relaxed }, peaks];
    } finally {
      await host.close();
    }
  };

  const [about, peaks] = await limits();
  const before = pieces[0] ?? { rows: [], loads: [] };
  const done = (work, count) => before.rows.some((row) => row.work === work && row.threads === count);
  add(about, { peaks });
  for await (const results of resultsOf(names, threads, options, newHost, done))
    add(about, { rows: results.map((result) => rowOf(result, peaks, options.quick)) });
  add(about, { peaks: (await limits())[1] });
  for (const model of names.includes(LOAD) && !options.node ? Object.keys(MODELS) : []) {
    if (!before.loads.some((load) => load.model === model))
      add(about, {
        loads: await measureLoads(
          model,
          Object.values(WORKS).find((work) => work.model === model),
          options,
        ),
      });
  }
  return merge(pieces);
}

async function main() {
  const flags = flagsOf(process.argv.slice(2));
  const report = flags.has('--merge') ? merge(flags.get('--merge').map(readReport)) : await measure(flags);
  console.log(write(report, flags));
  const broken = report.rows.filter((row) => row.failed && row.engine === 'sedd-web');
  if (broken.length)
    throw new Error(
      broken.map((row) => `${row.work}, ${row.threads} threads, ${row.dtype} ${row.kernels}: ${row.failed}`).join('; '),
    );
}

// Ends at once: otherwise only the browser ends, and every contender that is left would get a failed row.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

try {
  await main();
  process.exit(0); // the peers' workers would keep the process alive
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exit(1);
}
