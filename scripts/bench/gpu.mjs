// Times the works on the graphics device that Chromium has here: this engine there and on wasm, and onnxruntime-web's WebGPU provider.
// usage: node scripts/bench/gpu.mjs [--works sedd-nano-step-128,gpt2-nano-decode] [--rounds 3] [--markdown FILE]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { quantile } from '../../web/client/statistics.js';
import { browserHost } from './hosts.mjs';
import { Contender } from './run.mjs';
import { MODELS, WORKS, operationsOf } from './works.mjs';

/** The contenders. onnxruntime-web has no int8 products on WebGPU (MatMulInteger falls back to the CPU), so its float graph runs. */
const CONTENDERS = [
  { engine: 'sedd-web', dtype: 'int8', device: 'webgpu' },
  { engine: 'onnxruntime-web', dtype: 'f32', device: 'webgpu' },
  { engine: 'sedd-web', dtype: 'int8', wasm: 'relaxed' },
];
const SECONDS = 150; // for one call: a software renderer takes its time
const log = (line) => console.error(`bench: ${line}`);

/** Multiply-adds and bytes of int8 weights, from the shapes. */
function costs(work) {
  const { hidden, blocks, tokens } = MODELS[work.model];
  return { multiplyAdds: operationsOf(work, true) / 2, bytes: 12 * hidden * hidden * blocks + hidden * tokens };
}

/** Opens a contender in a page of its own, checks its numbers and times a work. */
async function timed(host, work, item, rounds) {
  const contender = new Contender(host, work.model, item, 1, work.length ?? MODELS[work.model].positions);
  try {
    await contender.ready(log);
    await contender.once(work, true); // the first run compiles and allocates
    const times = [];
    for (let i = 0; i < rounds; i++) times.push(await contender.once(work, true));
    const counts = item.engine === 'sedd-web' ? await contender.call('counts') : null;
    return { ms: quantile(times, 0.5), spread: Math.max(...times) - Math.min(...times), counts };
  } catch (error) {
    return { failed: error.message.split('\n')[0].replace(/^page\.evaluate: (Error: )?/, '') };
  } finally {
    await contender.drop();
  }
}

const amount = (n) => (n >= 1e9 ? `${(n / 1e9).toPrecision(3)} billion` : `${(n / 1e6).toPrecision(3)} million`);
const nameOf = ({ engine, dtype, device }) => `${engine} ${dtype}, ${device ?? 'wasm'}`;
const cell = ({ ms, spread, failed }) => failed ?? `${ms.toPrecision(3)} ms (± ${(spread / 2).toPrecision(2)})`;

const { values } = parseArgs({
  options: {
    works: { type: 'string', default: 'sedd-nano-step-128,gpt2-nano-decode' },
    rounds: { type: 'string', default: '3' },
    markdown: { type: 'string' },
  },
});
const names = values.works.split(',');
const rounds = Number(values.rounds);
const unknown = names.find((name) => !WORKS[name]);
if (unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`bench: expected --works of ${Object.keys(WORKS).join(', ')} and --rounds of 1 or more`);
  process.exit(2);
}

const host = await browserHost({ limit: SECONDS, webgpu: true });
try {
  const rows = [];
  let device = '';
  for (const name of names) {
    const work = WORKS[name];
    const results = [];
    for (const item of CONTENDERS) {
      const result = await timed(host, work, item, rounds);
      log(`${name}: ${nameOf(item)}: ${cell(result)}`);
      device = result.counts?.name ?? device;
      results.push(result);
    }
    const { multiplyAdds, bytes } = costs(work);
    const { counts } = results[0];
    const shape = [amount(multiplyAdds), `${(bytes / 1e6).toFixed(1)} MB`, counts?.dispatches ?? '?'];
    const held = counts ? `${(counts.bytes / 1e6).toFixed(0)} + ${(counts.wasm / 1e6).toFixed(0)} MB` : '?';
    rows.push(`| ${[name, ...shape, held, ...results.map(cell)].join(' | ')} |`);
  }
  const head = ['work', 'multiply-adds', 'weights', 'dispatches', 'memory, device + wasm', ...CONTENDERS.map(nameOf)];
  const table = [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
  const text = `Graphics device: ${device}. ${host.name}, medians of ${rounds} runs, wasm with one thread.\n\n${table}\n`;
  console.log(text);
  if (values.markdown) writeFileSync(values.markdown, text);
} finally {
  await host.close();
}
