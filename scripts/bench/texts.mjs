// Times whole texts in wasm under Node, in turns: a SEDD with several numbers of steps and any way to sample, beside a GPT-2 with its cache.
// usage: node scripts/bench/texts.mjs SEDD GPT2 [--steps 4,8,16] [--length N] [--rounds N] [--threads N] [--wasm relaxed|simd] [--positions WORD ...] [--json FILE]
// A folder without a tokenizer (build/full/sedd-small or gpt2 from scripts/generate.mjs) borrows GPT-2's; only its times are meaningful.
import { existsSync, readFileSync, createReadStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../build.mjs';
import { breakEven, medianInterval } from '../../web/client/statistics.js';
import { Engine } from '../../web/engine/engine.js';
import { Model } from '../../web/engine/model.js';

const SAMPLING = ['positions', 'order', 'grid', 'context', 'gamma', 'temperature'];
const [seddFolder, gpt2Folder, ...rest] = process.argv.slice(2);
const flags = Object.fromEntries(
  Array.from({ length: rest.length / 2 }, (_, i) => [rest[2 * i].replace(/^--/, ''), rest[2 * i + 1]]),
);
const known = ['steps', 'length', 'rounds', 'threads', 'wasm', 'json', ...SAMPLING];
if (!gpt2Folder || rest.length % 2 || Object.keys(flags).some((name) => !known.includes(name))) {
  console.error(`usage: node scripts/bench/texts.mjs SEDD GPT2 ${known.map((name) => `[--${name} …]`).join(' ')}`);
  process.exit(2);
}
const steps = (flags.steps ?? '4,8,16').split(',').map(Number);
const length = Number(flags.length ?? 128);
const rounds = Number(flags.rounds ?? 10);
const options = { wasm: flags.wasm ?? 'relaxed', threads: Number(flags.threads ?? 1) };
const sampling = Object.fromEntries(
  SAMPLING.filter((name) => name in flags).map((name) => [
    name,
    Number.isNaN(Number(flags[name])) ? flags[name] : Number(flags[name]),
  ]),
);

async function* stream(file) {
  yield* createReadStream(file, { highWaterMark: 1 << 20 });
}

async function load(folder) {
  const full = path.resolve(ROOT, folder);
  const has = existsSync(path.join(full, 'tokenizer.json'));
  const borrowed = (name) => readFileSync(path.join(ROOT, 'tests/golden/gpt2-tokenizer', name));
  const tokenizer = has
    ? { tokenizer: readFileSync(path.join(full, 'tokenizer.json')) }
    : { tokenizer: borrowed('vocab.json'), merges: borrowed('merges.txt') };
  const engine = await Engine.create(options);
  const weights = stream(path.join(full, 'model.safetensors'));
  return [
    engine,
    await Model.load(engine, { config: readFileSync(path.join(full, 'config.json')), weights, ...tokenizer }, {}),
  ];
}

const [engine, sedd] = await load(seddFolder);
const [, gpt2] = await load(gpt2Folder);

/** Returns the milliseconds that a whole text takes. @param {{done: boolean, advance: () => unknown, free: () => void}} run */
function finish(begin, run) {
  while (!run.done) run.advance();
  const ms = performance.now() - begin;
  run.free();
  return ms;
}

const writeSedd = (count, seed) =>
  finish(performance.now(), sedd.startRun({ length, steps: count, seed, ...sampling }));
const writeTwin = (seed) => finish(performance.now(), gpt2.startGeneration({ prompt: '', tokens: length, seed }));

const taken = [];
for (let round = -2; round < rounds; round++) {
  // two warm-up rounds
  const twin = writeTwin(round + 3);
  const ms = steps.map((count) => writeSedd(count, round + 3));
  if (round >= 0) taken.push({ twin, ms });
}
const rows = [
  ...steps.map((count, i) => ({ steps: count, ...medianInterval(taken.map(({ ms }) => ms[i])) })),
  { steps: null, ...medianInterval(taken.map(({ twin }) => twin)) },
];
const star = medianInterval(taken.map(({ ms, twin }) => breakEven(steps, ms, twin)));
console.log(
  `${length} tokens, ${rounds} rounds, Node ${process.versions.node}, kernels ${engine.kernels}, ${engine.threads} threads, ${JSON.stringify(sampling)}`,
);
for (const { steps: count, median, low, high } of rows) {
  console.log(
    `${(count === null ? 'twin' : `${count} steps`).padEnd(10)} ${median.toFixed(1).padStart(9)} ms, 95 % interval ${low.toFixed(1)} to ${high.toFixed(1)}`,
  );
}
console.log(
  `break-even: ${star.median.toFixed(2)} steps, 95 % interval ${star.low.toFixed(2)} to ${star.high.toFixed(2)}`,
);
if (flags.json)
  writeFileSync(
    flags.json,
    JSON.stringify({
      length,
      rounds,
      kernels: engine.kernels,
      threads: engine.threads,
      sampling,
      rows,
      breakEven: star,
    }),
  );
process.exit(0);
