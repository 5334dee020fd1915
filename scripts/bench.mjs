// Times this engine, onnxruntime-web and wllama on the same weights, in turns, against the machine's measured limits.
// usage: npm run bench [-- --quick --only WORK[,WORK] --threads 1,2 --json FILE --markdown FILE --node --no-peers --rounds N]
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, bench, native, need, wasm } from './build.mjs';
import { browserHost, nodeHost } from './bench/hosts.mjs';
import { measureLoads } from './bench/load.mjs';
import { environment } from './bench/machine.mjs';
import { markdown, rowOf } from './bench/report.mjs';
import { runModel } from './bench/run.mjs';
import { MODELS, WORKS } from './bench/works.mjs';

const FLAGS = { '--quick': false, '--only': true, '--threads': true, '--json': true, '--markdown': true, '--node': false, '--no-peers': false, '--rounds': true };
const PEAK_MS = 25; // a slice
const PATIENCE = 8; // seconds of waiting for a quiet machine, each work
const OUT = 'build/bench';

/** @returns {Map<string, string|true>} */
function flagsOf(args) {
  const flags = new Map();
  for (let i = 0; i < args.length; i++) {
    if (!(args[i] in FLAGS)) throw new Error(`there is no flag "${args[i]}"; ${Object.keys(FLAGS).join(', ')} exist`);
    if (FLAGS[args[i]] && args[i + 1] === undefined) throw new Error(`${args[i]} needs a value`);
    flags.set(args[i], FLAGS[args[i]] ? args[++i] : true);
  }
  return flags;
}

function worksOf(only, quick) {
  const names = only?.split(',') ?? Object.keys(WORKS).filter((name) => !quick || WORKS[name].rounds.length > 1);
  const unknown = names.find((name) => !WORKS[name]);
  if (unknown !== undefined) throw new Error(`there is no work "${unknown}"; ${Object.keys(WORKS).join(', ')} exist`);
  return names;
}

function whole(flag, text, high) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > high) throw new Error(`${flag} expects a whole number from 1 to ${high}, not "${text}"`);
  return value;
}

/** The better of two measurements: a limit is what was reached undisturbed. */
const better = (a, b) => Object.fromEntries(Object.entries(a).map(([name, rate]) => [name, Math.max(rate, b[name])]));

async function main() {
  const flags = flagsOf(process.argv.slice(2));
  const options = { quick: flags.has('--quick'), peers: !flags.has('--no-peers'), node: flags.has('--node'), patience: PATIENCE,
    rounds: flags.has('--rounds') ? whole('--rounds', flags.get('--rounds'), 1000) : undefined, log: (line) => console.error(`bench: ${line}`) };
  const names = worksOf(flags.get('--only'), options.quick);
  const threads = (flags.get('--threads') ?? '1,2').split(',').map((text) => whole('--threads', text, 16));
  native('native', ['-DCMAKE_BUILD_TYPE=Release']);
  wasm();
  bench();
  if (!options.node && !process.env.CHROMIUM) need('chromium', ['chromium']);
  const host = await (options.node ? nodeHost() : browserHost());
  const peaks = {};
  const results = [];
  try {
    for (const count of threads) peaks[count] = await host.peaks(count, PEAK_MS);
    for (const model of Object.keys(MODELS)) {
      const works = names.filter((name) => WORKS[name].model === model).map((name) => [name, WORKS[name]]);
      for (const count of works.length ? threads : []) results.push(...await runModel(host, model, works, count, options));
    }
    for (const count of threads) peaks[count] = better(peaks[count], await host.peaks(count, PEAK_MS));
  } finally {
    await host.close();
  }
  const loads = options.quick || options.node ? [] : await measureLoads(names.map((name) => WORKS[name]), options);
  const rows = results.map((result) => rowOf(result, peaks, options.quick));
  const report = { environment: environment(host.name), peaks, rows, loads };
  const text = markdown(report);
  mkdirSync(path.join(ROOT, OUT), { recursive: true });
  writeFileSync(path.join(ROOT, OUT, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(path.resolve(flags.get('--markdown') ?? path.join(ROOT, OUT, 'report.md')), text);
  if (flags.has('--json')) writeFileSync(flags.get('--json'), `${JSON.stringify(rows, null, 1)}\n`);
  console.log(text);
}

try {
  await main();
  process.exit(0); // peers leave workers behind
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exit(1);
}
