// Names in index.html every module the page's first picture needs, so that they are fetched together and not one after another.
// usage: node scripts/preload.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const PAGE = path.join(ROOT, 'index.html');
const ENTRY = 'web/page/main.js';
const LATER = ['web/strings/en.js']; // imported once the language is known; most readers' one

/** A module and all it imports statically, as paths from the root. @returns {string[]} */
export function graph(entry = ENTRY, found = new Set()) {
  if (found.has(entry)) return [...found];
  found.add(entry);
  const source = readFileSync(path.join(ROOT, entry), 'utf8');
  for (const [, name] of source.matchAll(/^(?:import|export)\s(?:[^'"();]*?\sfrom\s)?['"](\.[^'"]+)['"]/gm))
    graph(path.posix.join(path.posix.dirname(entry), name), found);
  return [...found];
}

/** @param {string} html @returns {string} the page with its preloads as they should be */
export function withPreloads(html) {
  const links = [...graph().filter((name) => name !== ENTRY), ...LATER]
    .sort()
    .map((name) => `<link rel="modulepreload" href="${name}">\n`)
    .join('');
  return html
    .replace(/<link rel="modulepreload"[^>]*>\n/g, '')
    .replace('<script type="module"', `${links}<script type="module"`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, withPreloads(readFileSync(PAGE, 'utf8')));
