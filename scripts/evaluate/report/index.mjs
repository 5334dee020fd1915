// Writes models/RESULTS.md with its figures, and the models' card.json and cards from the rows of models/results.jsonl; makes
// results.html of the site.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../build.mjs';
import { Results } from '../store.mjs';
import { card } from './cards.mjs';
import { html } from './html.mjs';
import { markdown } from './markdown.mjs';
import { writeReadme } from './readme.mjs';
import { sections } from './sections.mjs';

const PAIR = { sedd: 'sedd-nano', twin: 'gpt2-nano', student: 'sedd-nano-fast', judge: 'judge-nano' };

/** Leaves out rows of weights that the folders no longer hold. @returns {number} how many */
function dropOld(results, models) {
  const present = new Map();
  const hash = (name) => {
    const file = path.join(models, name, 'model.safetensors');
    if (!present.has(name))
      present.set(name, existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : null);
    return present.get(name);
  };
  const old = [...results.rows].filter(
    ([, { model, sha256, twin, twinSha256 }]) =>
      (model && Object.values(PAIR).includes(model) && hash(model) !== sha256) ||
      (twinSha256 && hash(twin) !== twinSha256),
  );
  for (const [key] of old) results.rows.delete(key);
  return old.length;
}

function about(results) {
  const machines = [
    ...new Set(
      [...results.rows.values()].map(
        ({ machine, workers }) => `${machine}, ${workers} process${workers === 1 ? '' : 'es'} of one thread`,
      ),
    ),
  ];
  const models = [
    ...new Map([...results.rows.values()].filter(({ model }) => model).map((row) => [row.model, row])).values(),
  ];
  const commits = [...new Set([...results.rows.values()].map(({ date, commit }) => `${commit} (${date})`))];
  return [
    `Machine: ${machines.join('; ')}. Commit: ${commits.join(', ')}.`,
    ...models.map(
      ({ model, parameters, sha256 }) =>
        `${model}: ${parameters?.toLocaleString('en')} parameters, sha256 of the weights ${sha256.slice(0, 16)}…`,
    ),
  ];
}

/** Rows of a file of results, without those of weights that models/ no longer holds. @param {string} file */
function read(file) {
  if (!existsSync(file)) throw new Error(`${file} is not there; measure first (node scripts/evaluate all)`);
  const results = new Results(file);
  return { results, old: dropOld(results, path.join(ROOT, 'models')) };
}

/** Returns results.html of the site. */
export function resultsPage() {
  const { results } = read(path.join(ROOT, 'models/results.jsonl'));
  return html(sections(results, PAIR), about(results));
}

/** @param {{results: string, tool: string, out?: string}} options out: another root to write into */
export function report({ results: file, tool, out = ROOT }) {
  const { results, old } = read(file);
  if (old)
    console.error(
      `evaluate: ${old} rows of weights that are no longer in models/ are left out; run node scripts/evaluate all`,
    );
  const list = sections(results, PAIR);
  const lines = about(results);
  const models = path.join(out, 'models');
  rmSync(path.join(models, 'figures'), { recursive: true, force: true });
  mkdirSync(path.join(models, 'figures'), { recursive: true });
  for (const { name, svg } of list.flatMap(({ figures }) => figures))
    writeFileSync(path.join(models, 'figures', `${name}.svg`), svg);
  writeFileSync(path.join(models, 'RESULTS.md'), markdown(list, lines));
  for (const folder of Object.values(PAIR)) {
    const figures = existsSync(path.join(models, folder)) ? card(results, folder, PAIR) : null;
    if (!figures) continue;
    writeFileSync(path.join(models, folder, 'card.json'), `${JSON.stringify(figures, null, 1)}\n`);
    writeReadme(tool, path.join(models, folder));
  }
}
