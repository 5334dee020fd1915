// Times this engine, LiteRT.js, onnxruntime-web and wllama on the same weights, in turns, against the machine's measured limits.
// usage: npm run bench [-- --quick --only WORK[,WORK] --threads 1,2 --dtypes int8,q8_0 --json FILE --markdown FILE --report FILE --resume --plan --minutes N --node --no-peers --rounds N]
//        npm run bench -- --merge REPORT... [--json FILE --markdown FILE --report FILE]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, bench, native, need, wasm } from './build.mjs';
import { browserHost, nodeHost } from './bench/hosts.mjs';
import { measureLoads } from './bench/load.mjs';
import { environment } from './bench/machine.mjs';
import { relaxedByEngine } from './bench/relaxed.mjs';
import { Clock, planText, secondsOf } from './bench/plan.mjs';
import { peerFile } from './bench/models.mjs';
import { markdown } from './bench/report.mjs';
import { merge, rowOf } from './bench/rows.mjs';
import { runModel } from './bench/run.mjs';
import { runVisits } from './bench/visit.mjs';
import { DTYPES, MODELS, TEXTS, VISITS, WORKS, contendersFor, contendersOf, loadersFor } from './bench/works.mjs';
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
  '--plan': 0,
  '--minutes': 1,
  '--merge': Infinity,
  '--node': 0,
  '--no-peers': 0,
  '--rounds': 1,
};
const PEAK_MS = 25; // each slice
const QUICK_MINUTES = 6; // longest quick run, unless --minutes says otherwise
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
 * Lists the pieces of a run in their order, each {words, name, model?, threads, seconds}: works on one model follow each other, because they
 * share a browser. A piece is whatever the report is written after.
 * @param {object} options of runModel, and `done(name, threads)` for works without contenders of their own
 */
function piecesOf(names, threads, options) {
  const pieces = [];
  const add = (words, name, count, more = {}) => pieces.push({ words, name, threads: count, ...more });
  for (const model of Object.keys(MODELS)) {
    for (const count of threads) {
      const works = names.filter((name) => WORKS[name]?.model === model && contendersOf(name, count, options).length);
      for (const [i, name] of works.entries()) add(`${name}, ${count} threads`, name, count, { model, open: i > 0 });
    }
  }
  for (const name of names.filter((item) => TEXTS[item] || (VISITS[item] && !options.node))) {
    for (const count of threads) if (!options.done(name, count)) add(`${name}, ${count} threads`, name, count);
  }
  for (const model of names.includes(LOAD) && !options.node ? Object.keys(MODELS) : []) {
    if (!options.done(LOAD, model) && loadersFor(MODELS[model], options).length) add(`${LOAD}, ${model}`, model, 1);
  }
  return pieces.map((piece) => ({
    ...piece,
    seconds: Math.ceil(secondsOf(piece.name, piece.threads, options, piece.open)),
  }));
}

/**
 * Runs the pieces that the clock admits. Yields {results} or {loads} of one piece after another.
 * @returns {AsyncGenerator<{results?: object[], loads?: object[]}>}
 */
async function* run(pieces, options, newHost, clock) {
  async function* hosted(start) {
    const host = await newHost();
    try {
      for await (const results of start(host)) yield { results };
    } finally {
      await host.close();
    }
  }
  const admit = ({ words, seconds }) => clock.admit(words, seconds);
  for (const piece of pieces.filter(({ open }) => !open)) {
    const { name, model, threads } = piece;
    const together = model ? pieces.filter((item) => item.model === model && item.threads === threads) : [piece];
    if (!together.some(({ seconds }) => clock.fits(seconds))) {
      clock.left.push(...together.map(({ words }) => words));
    } else if (model) {
      const works = together.map((item) => [item.name, WORKS[item.name]]);
      const admitted = (work) => admit(together.find((item) => item.name === work));
      yield* hosted((host) => runModel(host, model, works, threads, { ...options, admit: admitted }));
    } else if (admit(piece)) {
      if (TEXTS[name]) yield* hosted((host) => runTexts(host, name, threads, options));
      if (VISITS[name]) yield { results: await runVisits(name, threads, options) };
      if (MODELS[name]) yield { loads: await measureLoads(name, firstWorkOf(name), options) };
    }
  }
}

/** Makes the files of every contender, so that no piece spends its time on that. */
function makeFiles(pieces, options) {
  const models = new Set(
    pieces.flatMap(({ name, model }) => {
      const { sedd, gpt2 } = TEXTS[name] ?? {};
      return [model ?? VISITS[name]?.model ?? sedd ?? name, gpt2 ?? []].flat();
    }),
  );
  for (const model of models) for (const item of contendersFor(MODELS[model], options)) peerFile(MODELS[model], item);
}

const firstWorkOf = (model) => Object.values(WORKS).find((work) => work.model === model);

/** Says which contenders, texts and loads a report has already. */
function doneIn({ rows, loads }) {
  const same = (row, { engine, dtype, wasm }) =>
    row.engine === engine && row.dtype === dtype && (!wasm || row.kernels.startsWith(wasm));
  return {
    measured: (work, threads, item) =>
      rows.some((row) => row.work === work && row.threads === threads && same(row, item)),
    done: (name, key) =>
      name === LOAD
        ? loads.some((load) => load.model === key)
        : rows.some((row) => row.work === name && row.threads === key),
  };
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
    log: (line) => console.error(`bench, ${(performance.now() / 1000).toFixed(0)} s: ${line}`),
  };
  const names = worksOf(flags.get('--only')?.[0], options.quick);
  const threads = (flags.get('--threads')?.[0] ?? '1,2').split(',').map((text) => whole('--threads', text, 16));
  const minutes = flags.has('--minutes') ? whole('--minutes', flags.get('--minutes')[0], 1000) : undefined;
  const file = flags.get('--report')?.[0] ?? path.join(OUT, 'report.json');
  const before = flags.has('--resume') && existsSync(file) ? [readReport(file)] : [];
  const rest = { ...options, ...doneIn(before[0] ?? { rows: [], loads: [] }) };
  const plan = piecesOf(names, threads, rest);
  if (flags.has('--plan')) return { plan };
  native();
  wasm();
  bench();
  if (!options.node && !process.env.CHROMIUM) need('chromium', ['chromium']);

  makeFiles(plan, options);
  const clock = new Clock(minutes ?? (options.quick ? QUICK_MINUTES : Infinity));

  const relaxed = relaxedByEngine();
  for (const [engine, found] of Object.entries(relaxed)) options.log(`${engine}: relaxed SIMD instructions: ${found}`);
  const newHost = options.node ? nodeHost : browserHost;
  const pieces = [...before];
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
  add(about, { peaks });
  for await (const { results = [], loads = [] } of run(plan, rest, newHost, clock))
    add(about, { rows: results.map((result) => rowOf(result, peaks, options.quick)), loads });
  add(about, { peaks: (await limits())[1] });
  if (clock.left.length) options.log(`no time was left for ${clock.left.join('; ')}; --resume continues`);
  return merge(pieces);
}

async function main() {
  const flags = flagsOf(process.argv.slice(2));
  const report = flags.has('--merge') ? merge(flags.get('--merge').map(readReport)) : await measure(flags);
  if (report.plan) return console.log(planText(report.plan));
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
