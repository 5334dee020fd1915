// Writes offline-files.js beside a page: the list of the files that its service worker (offline.js) may keep.
// usage: node scripts/offline-files.mjs      (for the unbuilt sources; needs web/wasm and web/vendor)
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/**
 * The types of a page's files. Weights, configurations and tokenizers are left to the store, which checks each chunk; the
 * code for WebGPU is fetched only where a model runs on it.
 */
const PAGE = /\.(html|js|css|svg|png|wasm)$|\/(card|trace)\.json$/;
const OTHERS =
  /^(offline(-files)?\.js$|web\/(examples|pictures|gpu|engine\/webgpu)\/|(web\/wasm|app)\/(webgpu(-\w+)?\.js|.*\.map)$)/;

/** @param {string} folder of index.html @param {string[]} names of files below it, with / between folders */
export function writeOfflineFiles(folder, names) {
  const files = names.filter((name) => PAGE.test(name) && !OTHERS.test(name)).sort();
  writeFileSync(
    path.join(folder, 'offline-files.js'),
    `self.PAGE_FILES = ${JSON.stringify(['', ...files], null, 1)};\n`,
  );
}

/** Writes the list for the page that is served from its sources. */
export function sourceFiles() {
  const below = (folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true }).map((name) =>
      path.posix.join(folder, String(name).replaceAll(path.sep, '/')),
    );
  const pages = ['index.html', 'results.html']; // the server makes the second on request
  writeOfflineFiles(ROOT, [...pages, ...below('web'), ...below('models')]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) sourceFiles();
