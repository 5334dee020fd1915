// Helps to choose the seeds of the page's examples (web/page/examples.js): the texts of seeds 1 to N, the likeliest to judge-nano first.
// usage: node scripts/examples.mjs [--seeds 16] [--only ID]     (needs npm run build:native; run it again after other weights or settings)
import { execFileSync } from 'node:child_process';
import { ROOT } from './build.mjs';
import { EXAMPLES } from '../web/page/examples.js';
import { USUAL } from '../web/page/settings.js';

const args = process.argv.slice(2);
const value = (flag, otherwise) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : otherwise);
const seeds = Number(value('--seeds', 16));
const only = value('--only', '');
const sedd = (...flags) =>
  JSON.parse(execFileSync('build/native/sedd', [...flags, '--json'], { cwd: ROOT, encoding: 'utf8' }));

/** The page's settings where the model's folder says nothing (the tool reads the folder itself). */
const settings = (defaults) => [
  ...(defaults.temperature ? [] : ['--temperature', String(USUAL.temperature)]),
  ...(defaults.top_p ? [] : ['--top-p', String(USUAL.topP)]),
];

const { default: defaults } = await import(`${ROOT}/models/sedd-nano/generation_config.json`, {
  with: { type: 'json' },
});
for (const { id, prompt, seed: chosen } of EXAMPLES.filter((one) => !only || one.id === only)) {
  const found = Array.from({ length: seeds }, (_, i) => {
    const { ids, text } = sedd(
      'sample',
      'models/sedd-nano',
      '--prompt',
      prompt,
      '--seed',
      String(i + 1),
      ...settings(defaults),
    );
    const { nats_per_token: nats } = sedd('nll', 'models/judge-nano', '--ids', ids.join(','));
    return { seed: String(i + 1), text, nats };
  }).sort((a, b) => a.nats - b.nats);
  console.log(`\n${id} (chosen: ${chosen})`);
  for (const { seed, text, nats } of found)
    console.log(`${seed.padStart(4)}  ${nats.toFixed(3)}  ${text.replaceAll('\n', ' / ')}`);
}
