// Makes dist/ (the engine in one file, and the elements for a script tag) and prints what a visitor downloads: bytes, gzipped bytes and SRI hashes.
// usage: node scripts/package/bundle.mjs      (needs web/wasm, see build.mjs)
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { MINIFIED, ROOT } from './esbuild.mjs';
import { bundleWebGPU, minifyLoaders } from './loaders.mjs';

const INLINE = path.join(ROOT, 'scripts/package/inline');
/** The limits in bytes. Scripts are measured minified and gzipped, wasm as it is. */
const LIMITS = { wasm: 300e3, engine: 40e3, player: 10240, webgpu: 25e3 };

const COMMON = { ...MINIFIED, external: ['module'] };

/** Builds everything into one file, which holds wasm and worker as text. */
const inline = {
  name: 'inline',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.{1,2}\/(builds|spawn)\.js$/ }, ({ path: name }) => ({
      path: path.join(INLINE, path.basename(name)),
    }));
    onResolve({ filter: /^(bytes|script):/ }, ({ path: name }) => ({ path: name, namespace: 'inline' }));
    onLoad({ filter: /^bytes:/, namespace: 'inline' }, ({ path: name }) => {
      const bytes = readFileSync(path.join(ROOT, 'web/wasm', name.slice('bytes:'.length)));
      return { contents: gzipSync(bytes, { level: 9 }).toString('base64'), loader: 'text' };
    });
    onLoad({ filter: /^script:worker$/, namespace: 'inline' }, async () => {
      const { outputFiles } = await build({
        ...COMMON,
        format: 'iife',
        define: { 'import.meta.url': '""' },
        entryPoints: ['web/worker.js'],
        write: false,
        plugins: [inline],
      });
      return { contents: outputFiles[0].text, loader: 'text' };
    });
  },
};

/** Minifies the style sheets inside the elements' modules. */
const sheets = {
  name: 'sheets',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]web[\\/].*\.js$/ }, async ({ path: name }) => {
      let contents = readFileSync(name, 'utf8');
      for (const [whole, css] of contents.matchAll(/(?<=(?:lazySheet|addStyle)\(|const CSS = )`([^`$]+)`/g)) {
        const { code } = await transform(css, { loader: 'css', minify: true });
        const short = code.trim().replace(/(--[\w-]+): /g, '$1:');
        contents = contents.replace(whole, () => `\`${short}\``);
      }
      return { contents };
    });
  },
};

/** Modules that the player fetches when they are first needed; each becomes a file beside it. */
const LATER = { 'view/sheet.js': 'player-sheet', 'view/words/zh.js': 'player-zh' };

/** Builds the player into one file that works alone. A part that is fetched later imports shared code from that file. */
async function buildPlayer() {
  const later = {
    name: 'later',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\// }, ({ kind, path: name, resolveDir }) => {
        const module = path.relative(path.join(ROOT, 'web'), path.resolve(resolveDir, name));
        return kind === 'dynamic-import' ? { path: `./${LATER[module]}.js`, external: true } : undefined;
      });
    },
  };
  const shared = {
    name: 'shared',
    setup: ({ onResolve }) => onResolve({ filter: /\/theme\.js$/ }, () => ({ path: './player.js', external: true })),
  };
  const contents = `export * from './web/player-element.js'; export { addStyle, make } from './web/view/theme.js';`;
  const stdin = { contents, resolveDir: ROOT };
  await build({ ...COMMON, stdin, outfile: 'dist/player.js', plugins: [later, sheets] });
  const entryPoints = Object.fromEntries(Object.entries(LATER).map(([module, name]) => [name, `web/${module}`]));
  await build({ ...COMMON, entryPoints, outdir: 'dist', plugins: [shared, sheets] });
}

/** Bundles and minifies a script with its imports in memory, as a bundler would. */
async function minified(entry) {
  const { outputFiles } = await build({ ...COMMON, entryPoints: [entry], write: false });
  return outputFiles[0].contents;
}

function say(name, bytes) {
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  console.log(
    `${name}  ${bytes.length} bytes, ${gzipped} gzipped, sha384-${createHash('sha384').update(bytes).digest('base64')}`,
  );
  return { raw: bytes.length, gzipped };
}

function gate(name, bytes, limit) {
  if (bytes > limit) throw new Error(`${name} has ${bytes} bytes; the limit is ${limit}`);
}

/** Builds dist/ and prints sizes. Throws when one exceeds its limit. */
export async function bundle() {
  const dist = path.join(ROOT, 'dist');
  minifyLoaders(path.join(ROOT, 'web/wasm'));
  bundleWebGPU(path.join(ROOT, 'web/wasm'));
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  await build({ ...COMMON, entryPoints: { inline: 'web/client.js' }, outdir: 'dist', plugins: [inline] });
  await buildPlayer();
  await build({
    ...COMMON,
    entryPoints: { element: 'web/define.js' },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'element-[name]-[hash]',
    plugins: [inline, sheets],
  });
  for (const name of readdirSync(path.join(ROOT, 'web/wasm')).sort()) {
    const { raw } = say(`web/wasm/${name}`, readFileSync(path.join(ROOT, 'web/wasm', name)));
    if (name.endsWith('.wasm')) gate(name, raw, LIMITS.wasm);
  }
  const sizes = {};
  for (const name of readdirSync(dist).sort()) sizes[name] = say(`dist/${name}`, readFileSync(path.join(dist, name)));
  const loader = gzipSync(readFileSync(path.join(ROOT, 'web/wasm/sedd-relaxed-threads.js')), { level: 9 }).length;
  const gzippedOf = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const [client, worker] = (await Promise.all(['web/client.js', 'web/worker.js'].map(minified))).map(gzippedOf);
  const webgpu = gzippedOf(readFileSync(path.join(ROOT, 'web/wasm/webgpu.js')));
  console.log(
    `engine: module ${client}, worker ${worker}, loader of the wasm ${loader}: ${client + worker + loader} bytes, minified and gzipped`,
  );
  console.log(`WebGPU: ${webgpu} bytes, minified and gzipped, fetched only when it is asked for`);
  gate('the WebGPU code', webgpu, LIMITS.webgpu);
  gate("the engine's JavaScript", client + worker + loader, LIMITS.engine);
  gate('the player', sizes['player.js'].gzipped, LIMITS.player);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await bundle();
  } catch (error) {
    console.error(`bundle: ${error.message}`);
    process.exit(1);
  }
}
