// Times every entry of every kernel table, natively and in wasm (this Node), as shares of the processor's limits.
// usage: npm run bench:kernels [-- --json FILE --only TABLE[,TABLE]]
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, bench, native, wasm } from '../build.mjs';
import { nodeHost } from './hosts.mjs';

const flags = process.argv.slice(2);
const value = (flag) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : undefined);

const lines = (command, args) =>
  execFileSync(command, args, { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Returns the rows of one build, with the shares of its int8 and f32 entries in what the best available instructions reach. */
function withShares(rows, host, peaks) {
  return rows.map((row) => ({ host, ...row, share_of_peak: peaks[row.kind] ? row.rate / peaks[row.kind] : null }));
}

const inNode = (build) =>
  lines(process.execPath, [
    '--input-type=module',
    '-e',
    `import('./build/wasm-${build}/bench_kernels.mjs').then(({ default: run }) => run())`,
  ]);

async function measure() {
  const all = lines('build/native/bench_kernels', []);
  const found = all.filter((row) => row.table === 'peak');
  const wasmPeaks = await (await nodeHost()).peaks(1, 25);
  return [
    ...withShares(
      all.filter((row) => row.table !== 'peak'),
      'native',
      Object.fromEntries(found.map((row) => [row.entry, row.rate])),
    ),
    ...withShares([...inNode('simd'), ...inNode('relaxed').filter((row) => row.table !== 'scalar')], 'wasm', {
      f32: Math.max(wasmPeaks.f32_relaxed, wasmPeaks.f32_simd128),
      int8: Math.max(wasmPeaks.int8_relaxed, wasmPeaks.int8_relaxed16, wasmPeaks.int8_simd128),
      rows: wasmPeaks.l1,
    }),
  ];
}

native();
wasm();
bench();
const only = value('--only')?.split(',');
const rows = (await measure()).filter((row) => !only || only.includes(row.table));
console.log('| host | table | entry | shape | rate | of the limit |\n|---|---|---|---|---|---|');
for (const row of rows) {
  const share = row.share_of_peak === null ? '–' : `${(100 * row.share_of_peak).toFixed(0)} %`;
  console.log(
    `| ${row.host} | ${row.table} | ${row.entry} | ${row.shape} | ${row.rate.toPrecision(3)} ${row.kind === 'rows' ? 'GB/s' : 'GOP/s'} | ${share} |`,
  );
}
if (value('--json')) writeFileSync(path.resolve(value('--json')), `${JSON.stringify(rows, null, 1)}\n`);
process.exit(0);
