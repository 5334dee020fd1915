// Makes the scripts beside the wasm modules: Emscripten's loaders, changed in three places and minified, and the code for graphics devices.
import { createRequire } from 'node:module';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MINIFIED } from './esbuild.mjs';

/**
 * Starts threads from the loader's own address, whatever name a bundler has given the file. The code avoids expressions
 * that a bundler would resolve or that a minifier reports as a mistake.
 */
const CHANGES = [
  [/new Worker\(new URL\("[^"]+",import\.meta\.url\)/, 'new Worker(new URL(import.meta.url)'],
  ["(await import('worker_threads'))", "globalThis.process.getBuiltinModule('worker_threads')"],
];
/** Comments that make bundlers leave an import alone; minifiers remove them. */
const LEFT_ALONE = ['import("module")', 'import(/* webpackIgnore: true */ /* @vite-ignore */ "module")'];

/** Copies a loader that Emscripten wrote. @param {string} from @param {string} to */
export function copyLoader(from, to) {
  const script = CHANGES.reduce((text, [old, now]) => text.replace(old, now), readFileSync(from, 'utf8'));
  writeFileSync(to, script);
}

/**
 * Bundles the code for graphics devices into one file. A worker may fetch it later without splitting: bundlers make a single script
 * of a worker, and some of them refuse to build one that imports parts of itself later.
 * @param {string} folder of the loaders
 */
export function bundleWebGPU(folder) {
  createRequire(import.meta.url)('esbuild').buildSync({
    ...MINIFIED,
    entryPoints: ['web/engine/webgpu/open.js'],
    outfile: path.join(folder, 'webgpu.js'),
  });
}

/** Minifies the loaders of a folder, which saves a quarter of their compressed size. Leaves minified ones alone. @param {string} folder */
export function minifyLoaders(folder) {
  const { transformSync } = createRequire(import.meta.url)('esbuild');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.js'))) {
    const file = path.join(folder, name);
    const script = readFileSync(file, 'utf8');
    const { code } = transformSync(script, { minify: true, format: 'esm', target: 'es2022' });
    writeFileSync(file, code.replace(...LEFT_ALONE));
  }
}
