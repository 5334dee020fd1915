// The loaders of the wasm modules, as the package has them: Emscripten's, changed in three places, and minified.
import { createRequire } from 'node:module';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The loader's own address starts its threads, whatever a bundler called the file. It contains no word that a bundler
 * would look up or that a minifier takes for a mistake.
 */
const CHANGES = [
  [/new Worker\(new URL\("[^"]+",import\.meta\.url\)/, 'new Worker(new URL(import.meta.url)'],
  ["(await import('worker_threads'))", "globalThis.process.getBuiltinModule('worker_threads')"],
];
/** Bundlers leave an import with these words alone; minifiers take them away. */
const LEFT_ALONE = ['import("module")', 'import(/* webpackIgnore: true */ /* @vite-ignore */ "module")'];

/** Copies a loader that Emscripten wrote. @param {string} from @param {string} to */
export function copyLoader(from, to) {
  const script = CHANGES.reduce((text, [old, now]) => text.replace(old, now), readFileSync(from, 'utf8'));
  writeFileSync(to, script);
}

/** Minifies the loaders of a folder, a quarter of their compressed size. A minified one stays as it is. @param {string} folder */
export function minifyLoaders(folder) {
  const { transformSync } = createRequire(import.meta.url)('esbuild');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.js'))) {
    const file = path.join(folder, name);
    const script = readFileSync(file, 'utf8');
    const { code } = transformSync(script, { minify: true, format: 'esm', target: 'es2022' });
    writeFileSync(file, code.replace(...LEFT_ALONE));
  }
}
