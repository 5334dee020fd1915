// Latency: the tool's own comparison (`sedd bench --twin`) by length and threads: SEDD by steps against GPT-2 with its cache, and T*.
import { spawnSync } from 'node:child_process';

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { sedd, twin, settings, record, progress, tool, length } = context;
  if (!sedd || !twin) return;
  const works = settings.threads.flatMap((threads) => settings.lengths.filter((size) => size <= length).map((size) => ({ threads, size })));
  const bar = progress.start('latency', works.length);
  for (const { threads, size } of works) {
    const args = [
      'bench',
      sedd.folder,
      '--twin',
      twin.folder,
      '--length',
      size,
      '--threads',
      threads,
      '--runs',
      settings.rounds,
      '--seed',
      settings.seed,
      '--json',
    ];
    const result = spawnSync(tool, args.map(String), { encoding: 'utf8' });
    if (result.status !== 0)
      throw new Error(result.stderr.trim().replace(/^sedd: /, '') || `sedd bench ended (${result.signal ?? result.status})`);
    const { rows, kernels, break_even_steps: steps, break_even_interval: interval } = JSON.parse(result.stdout);
    record({
      table: 'latency',
      ...sedd.identity(),
      twin: twin.name,
      twinSha256: twin.sha256,
      length: size,
      threads,
      rounds: settings.rounds,
      kernels,
      breakEven: { steps, interval },
      rows: rows.map((row) => ({ steps: row.steps, ms: row.ms, interval: row.interval })),
    });
    bar.step();
  }
  bar.end();
}
