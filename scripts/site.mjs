// Makes dist/site/, which holds only the files that a static host needs for the page. Scripts and styles are bundled and
// minified. Every file but the pages and the service worker has its hash in its name, so that it can be cached forever.
// usage: node scripts/site.mjs      (needs web/wasm, web/vendor and dist/, see build.mjs)
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SHIPPED } from '../web/page/shipped.js';
import { shippedResultsPage } from './evaluate/report/index.mjs';
import { writeOfflineFiles } from './offline-files.mjs';
import { MINIFIED, ROOT } from './package/esbuild.mjs';

const SITE = path.join(ROOT, 'dist/site');
const APP = path.join(SITE, 'app');
const MODEL_FILES = /\.(json|safetensors)$/;

const COMMON = {
  ...MINIFIED,
  outdir: APP,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.svg': 'file' },
  metafile: true,
};

/** Copies a file into app/ under a name that holds its hash. @returns {string} the name */
function copyHashed(file) {
  const bytes = readFileSync(file);
  const { name, ext } = path.parse(file);
  const kept = `${name}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}${ext}`;
  writeFileSync(path.join(APP, kept), bytes);
  return kept;
}

/**
 * Rewrites `new URL('…', import.meta.url)` and copies the file that it names into app/ by its hash. The worker becomes the
 * built one. The service worker must stay beside index.html under its own name.
 * @param {string} [worker] name of the built worker
 */
const addresses = (worker) => ({
  name: 'addresses',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]web[\\/].*\.js$/ }, ({ path: file }) => {
      const contents = readFileSync(file, 'utf8').replace(
        /new URL\('(\.[^']+)',\s*import\.meta\.url\)/g,
        (_, relative) => {
          const target = path.resolve(path.dirname(file), relative);
          const inside = path.relative(ROOT, target);
          const name =
            inside === 'offline.js'
              ? '../offline.js'
              : `./${inside === path.join('web', 'worker.js') ? worker : copyHashed(target)}`;
          return `new URL('${name}', import.meta.url)`;
        },
      );
      return { contents };
    });
  },
});

const outputName = (file) => path.basename(file);

/**
 * Bundles a script; `soon` is a module that it imports dynamically at its start.
 * @returns {Promise<{entry: string, parts: string[]}>} names of the script and of the parts that it needs at its start
 */
async function bundled(script, { soon = '', ...options }) {
  const { metafile } = await build({ ...COMMON, entryPoints: [script], ...options });
  const made = (source) => Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === source);
  const [file, output] = made(script);
  const parts = output.imports
    .filter(({ kind }) => kind === 'import-statement')
    .map(({ path: part }) => outputName(part));
  if (soon) parts.push(outputName(made(soon)[0]));
  return { entry: outputName(file), parts };
}

/** Joins several style sheets, in their order. */
async function styles(name, files) {
  const contents = files.map((file) => `@import './${file}';`).join('\n');
  const { outputFiles } = await build({
    ...COMMON,
    stdin: { contents, resolveDir: path.join(ROOT, 'web/page'), loader: 'css', sourcefile: `${name}.all.css` },
    metafile: false,
    write: false,
  });
  const { text } = outputFiles.find(({ path: file }) => file.endsWith('.css'));
  const kept = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.css`;
  writeFileSync(path.join(APP, kept), text);
  return kept;
}

/** Returns a page's HTML with the built files in place of the sources. */
function page(html, { style, script, preload = [], icon }) {
  const head = [
    `<link rel="stylesheet" href="app/${style}">`,
    ...preload.map((name) => `<link rel="modulepreload" href="app/${name}">`),
  ].join('\n');
  return html
    .replace(/<link rel="stylesheet"[^>]*>\n(?:<link rel="stylesheet"[^>]*>\n)*/, `${head}\n`)
    .replace(/<link rel="icon" href="[^"]*"/, `<link rel="icon" href="app/${icon}"`)
    .replace('src="web/page/main.js"', `src="app/${script}"`);
}

function copyModels() {
  for (const { url } of SHIPPED) {
    const from = path.join(ROOT, url);
    const names = readdirSync(from).filter((name) => MODEL_FILES.test(name));
    for (const name of names) cpSync(path.join(from, name), path.join(SITE, url, name));
  }
}

/** Returns the paths of all files below a folder. @returns {string[]} */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .sort();
}

/** Builds dist/site/ and prints how many scripts and style sheets a first visit fetches. */
export async function site() {
  rmSync(SITE, { recursive: true, force: true });
  mkdirSync(APP, { recursive: true });
  const worker = await bundled('web/worker.js', { plugins: [addresses()] });
  const main = await bundled('web/page/main.js', {
    soon: 'web/strings/en.js',
    splitting: true,
    plugins: [addresses(worker.entry)],
  });
  const icon = copyHashed(path.join(ROOT, 'web/icon.svg'));
  const index = page(readFileSync(path.join(ROOT, 'index.html'), 'utf8'), {
    style: await styles('page', ['page.css', 'library.css']),
    script: main.entry,
    preload: main.parts,
    icon,
  });
  writeFileSync(path.join(SITE, 'index.html'), index);
  writeFileSync(
    path.join(SITE, 'results.html'),
    page(shippedResultsPage(), { style: await styles('results', ['page.css', 'results.css']), icon }),
  );
  for (const name of readdirSync(path.join(ROOT, 'dist')).filter((file) => /^(element|player)/.test(file)))
    cpSync(path.join(ROOT, 'dist', name), path.join(SITE, name));
  cpSync(path.join(ROOT, 'LICENSE'), path.join(SITE, 'LICENSE.txt'));
  cpSync(path.join(ROOT, 'offline.js'), path.join(SITE, 'offline.js'));
  copyModels();
  writeOfflineFiles(
    SITE,
    filesBelow(SITE).filter((name) => !/^(element|player)/.test(name)),
  );
  const files = filesBelow(SITE);
  const bytes = files.reduce((sum, name) => sum + statSync(path.join(SITE, name)).size, 0);
  console.log(
    `dist/site: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB; a first visit asks for ${main.parts.length + 1} scripts and 1 style sheet`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await site();
  } catch (error) {
    console.error(`site: ${error.message}`);
    process.exit(1);
  }
}
