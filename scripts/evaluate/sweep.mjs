// Finds a model's generation defaults: the temperature, top-p, steps and positions with the lowest perplexity among those whose texts are
// as varied as real text. Dull or repetitive texts easily have a low perplexity, so a setting counts only if its entropy is at least
// that of the held-out texts and its share of repeated pairs is at most theirs.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { mean, standardError } from '../../web/client/statistics.js';
import { heldOut } from './corpora.mjs';
import { writeWhole } from './files.mjs';
import { write } from './generation.mjs';
import { judged, judgement } from './quality.mjs';
import { sweepOf } from './report/cards.mjs';
import { fillSweep } from './report/readme.mjs';
import { best, configOf } from './ways.mjs';

/** Returns mean and standard error of the entropy within a text and of its share of repeated pairs. */
async function variety(judge, label, texts) {
  const requests = texts.map((text) => ({ op: 'diversity', texts: [text] }));
  const answers = await judge.ask(`${label}, variety`, requests);
  const entropies = answers.map(({ entropy }) => entropy);
  const repeated = answers.map(({ repetition }) => repetition[1]);
  return {
    entropy: mean(entropies),
    entropyError: standardError(entropies),
    repeated: mean(repeated),
    repeatedError: standardError(repeated),
  };
}

/** Returns every setting to try. A GPT-2's settings have neither steps nor ways. */
export function grid(model, { steps: counts, temperatures, topPs, ways }) {
  const filters = temperatures.flatMap((temperature) => topPs.map((topP) => ({ temperature, topP })));
  if (model.kind === 'gpt2') return filters;
  const writers = ways.flatMap((way) => counts.map((steps) => ({ steps, ...(way === 'published' ? {} : { way }) })));
  return writers.flatMap((writer) => filters.map((filter) => ({ ...writer, ...filter })));
}

function readJson(file, fallback) {
  if (!existsSync(file)) return fallback;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`${file} is not valid JSON; restore the file or remove it`);
  }
}

/** Writes the table into the model's card.json and README.md and, where asked, the defaults into generation_config.json. */
function saveDefaults({ model, results, apply }) {
  const { folder, name, kind, sha256, info } = model;
  const sweep = sweepOf(results, name, sha256);
  const [cardFile, configFile] = ['card.json', 'generation_config.json'].map((file) => path.join(folder, file));
  const fresh = { format: 'sedd-card', version: 1, model: { folder: name, kind, parameters: info.parameters, sha256 } };
  writeWhole(cardFile, `${JSON.stringify({ ...readJson(cardFile, fresh), sweep }, null, 1)}\n`);
  fillSweep(folder, sweep);
  if (apply && sweep.defaults)
    writeWhole(configFile, `${JSON.stringify({ ...readJson(configFile, {}), ...sweep.defaults }, null, 2)}\n`);
}

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { model, judge, settings, windows, length, record, progress } = context;
  const plan = { ...settings.sweep, ...context.asked };
  if (!judge) throw new Error('a sweep needs a judge; name one with --judge FOLDER');
  for (const one of [model, judge])
    if (!context.fits(one))
      throw new Error(
        `${one.folder}: its tokenizer differs from that of ${windows}; name other windows with --windows`,
      );
  const row = { table: 'sweep', ...model.identity(), judge: judge.name, length, seed: settings.seed };
  const measure = async (label, texts) => ({
    texts: texts.length,
    ...judgement(await judged(judge, label, texts)),
    ...(await variety(judge, label, texts)),
  });
  const windowsOfText = heldOut(windows, length, judge.info.tokens);
  const real = await measure(`${model.name}, held-out text`, windowsOfText);
  record({ ...row, kind: 'held-out', ...real });
  const rows = [];
  for (const setting of grid(model, plan)) {
    const { label, texts } = await write(context, model, setting, plan.texts);
    rows.push({ ...setting, ...(await measure(`${model.name}, ${label}`, texts)) });
    record({ ...row, kind: model.kind, ...rows.at(-1) });
  }
  saveDefaults(context);
  const chosen = best(rows, real);
  progress.say(
    chosen
      ? `${model.name}: ${JSON.stringify(configOf(chosen))} gives perplexity ${chosen.ppl.toFixed(1)} at entropy ${chosen.entropy.toFixed(2)}`
      : `${model.name}: no setting is as varied as real text (entropy ${real.entropy.toFixed(2)}, ${(100 * real.repeated).toFixed(1)} % repeated pairs)`,
  );
}
