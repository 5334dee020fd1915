// Writes RESULTS.md with its figures, and the models' card.json and cards, from the rows of results.jsonl; makes results.html,
// which the site's build writes for the shipped rows.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../build.mjs';
import { checksum } from '../engine.mjs';
import { writeWhole } from '../files.mjs';
import { Results } from '../store.mjs';
import { card } from './cards.mjs';
import { html } from './html.mjs';
import { markdown } from './markdown.mjs';
import { writeReadme } from './readme.mjs';
import { sections } from './sections.mjs';

/** The shipped models by their roles in the report. */
const SHIPPED = { sedd: 'sedd-nano', twin: 'gpt2-nano', student: 'sedd-nano-fast', judge: 'judge-nano' };
const ROLES = Object.keys(SHIPPED);

/** Removes rows of weights that the models' folders no longer hold. @returns {number} how many */
function dropOld(results, folders) {
  const present = new Map();
  for (const folder of folders) {
    const weights = ['model.safetensors', 'pytorch_model.bin'].map((file) => path.join(folder, file)).find(existsSync);
    present.set(path.basename(folder), weights ? checksum(weights) : null);
  }
  const gone = (name, sha256) => sha256 && present.has(name) && present.get(name) !== sha256;
  const old = [...results.rows].filter(
    ([, { model, sha256, twin, twinSha256 }]) => gone(model, sha256) || gone(twin, twinSha256),
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

/**
 * Reads the rows and makes the report of the named models. Writes nothing.
 * @param {{results: string, sedd?: string, twin?: string, student?: string, judge?: string}} options `results` is the file of rows; the others are folders
 */
export function read({ results: file, ...models }) {
  if (!existsSync(file)) throw new Error(`${file} does not exist; measure first with node scripts/evaluate all`);
  const results = new Results(file);
  const folders = ROLES.map((role) => models[role]).filter(Boolean);
  const old = dropOld(
    results,
    folders.map((folder) => path.resolve(folder)),
  );
  if (old)
    console.error(
      `evaluate: ${old} rows belong to weights that have been replaced and are left out; run node scripts/evaluate all`,
    );
  const pair = Object.fromEntries(
    ROLES.map((role) => [role, models[role] ? path.basename(path.resolve(models[role])) : null]),
  );
  return { results, pair, list: sections(results, pair), lines: about(results) };
}

/** Returns results.html. @param {Parameters<typeof read>[0]} options @param {string} [site] the address of the site's root, seen from the page */
export function resultsPage(options, site = '') {
  const { list, lines } = read(options);
  return html(list, lines, site);
}

/** Returns results.html of the shipped models and their rows. */
export function shippedResultsPage() {
  const models = path.join(ROOT, 'models');
  const folders = Object.entries(SHIPPED).map(([role, name]) => [role, path.join(models, name)]);
  return resultsPage({ results: path.join(models, 'results.jsonl'), ...Object.fromEntries(folders) });
}

/** Writes the report. @param {Parameters<typeof read>[0] & {tool: string, out: string}} options `out` is the root to write into, laid out as the repository */
export function report({ tool, out, ...options }) {
  const { results, pair, list, lines } = read(options);
  const models = path.join(out, 'models');
  const site = path.relative(out, ROOT).split(path.sep).join('/');
  rmSync(path.join(models, 'figures'), { recursive: true, force: true });
  mkdirSync(path.join(models, 'figures'), { recursive: true });
  for (const { name, svg } of list.flatMap(({ figures }) => figures))
    writeWhole(path.join(models, 'figures', `${name}.svg`), svg);
  writeWhole(path.join(models, 'RESULTS.md'), markdown(list, lines));
  if (site) writeWhole(path.join(out, 'results.html'), html(list, lines, `${site}/`));
  for (const folder of Object.values(pair).filter(Boolean)) {
    const figures = card(results, folder, pair);
    if (!figures) continue;
    writeWhole(path.join(models, folder, 'card.json'), `${JSON.stringify(figures, null, 1)}\n`);
    writeReadme(tool, path.join(models, folder));
  }
}
