// Builds the wasm modules and the package around them (or the native tool), installing what is missing first.
// usage: node scripts/build.mjs [native | wasm | package]     (default: wasm and package, which is types, dist/ with sizes and SRI hashes, and the site in dist/site/)
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFiles } from './offline-files.mjs';
import { bundleWebGPU, copyLoader, minifyLoaders } from './package/loaders.mjs';
import { vendor } from './vendor.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The wasm modules; each has a preset in CMakePresets.json. */
export const VARIANTS = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads'];

export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (result.error?.code === 'ENOENT') throw new Error(`${command} is missing; install it and try again`);
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${result.status ?? result.signal})`);
}

const found = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** Installs Debian packages if a command is missing and this user may install them. Otherwise fails with what to install. */
export function need(command, packages) {
  if (found(command)) return;
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (!found('apt-get') || (root.length && !found('sudo'))) {
    throw new Error(
      `${command} is missing: install it (Debian and Ubuntu: ${packages.join(' ')}; macOS: brew install ${command})`,
    );
  }
  const [first, ...rest] = [...root, 'apt-get'];
  console.log(`installing ${packages.join(' ')}`);
  run(first, [...rest, 'update', '-qq'], { stdio: 'ignore' });
  run(first, [...rest, 'install', '-y', '-qq', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function cmakeTools() {
  need('cmake', ['cmake']);
  need('ninja', ['ninja-build']);
  need('cc', ['gcc', 'libc6-dev']);
}

/** Fetches cJSON and utf8proc into .deps, unless SEDD_CJSON_DIR and SEDD_UTF8PROC_DIR name folders that hold them. */
export function sources() {
  const folder = (variable, name) => process.env[variable] ?? path.join(ROOT, '.deps', name);
  const cjson = folder('SEDD_CJSON_DIR', 'cjson');
  const utf8proc = folder('SEDD_UTF8PROC_DIR', 'utf8proc');
  if (!existsSync(path.join(cjson, 'cJSON.c')) || !existsSync(path.join(utf8proc, 'utf8proc.c'))) {
    need('dpkg-source', ['dpkg-dev', 'patch', 'xz-utils']);
    run('bash', ['scripts/sources.sh', '.deps', 'bookworm', 'cjson', 'utf8proc']);
  }
  return [`-DSEDD_CJSON_DIR=${cjson}`, `-DSEDD_UTF8PROC_DIR=${utf8proc}`];
}

/** Configures a preset of CMakePresets.json and builds `targets`, or all targets if there are none. */
function cmake(preset, env = process.env, targets = []) {
  run('cmake', ['--preset', preset, ...sources()], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  run('ninja', ['-C', path.join('build', preset), ...targets], { env });
}

/** Builds the tool and the C tests; `preset` is native, asan or fuzz. */
export function native(preset = 'native') {
  cmakeTools();
  cmake(preset);
}

/** Returns an environment with a suitable emcc (from PATH, or installed in .toolchain) and EMSCRIPTEN_TOOLCHAIN for the presets. */
function emscripten() {
  const version = spawnSync('emcc', ['--version'], { encoding: 'utf8' }).stdout?.match(/ (\d+)\.(\d+)\.(\d+)/);
  const number = version ? Number(version[1]) * 1e6 + Number(version[2]) * 1e3 + Number(version[3]) : 0;
  if (number >= 3001069) {
    const root = execFileSync('em-config', ['EMSCRIPTEN_ROOT'], { encoding: 'utf8' }).trim();
    return { ...process.env, EMSCRIPTEN_TOOLCHAIN: path.join(root, 'cmake/Modules/Platform/Emscripten.cmake') };
  }
  need('xz', ['xz-utils']);
  run('bash', ['scripts/toolchain.sh', '.toolchain']);
  const lines = execFileSync('bash', ['-c', '. .toolchain/env.sh && env -0'], { cwd: ROOT, encoding: 'utf8' }).split(
    '\0',
  );
  return Object.fromEntries(
    lines.filter(Boolean).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

export function wasm() {
  cmakeTools();
  const env = emscripten();
  mkdirSync(path.join(ROOT, 'web/wasm'), { recursive: true });
  for (const name of VARIANTS) {
    cmake(`wasm-${name}`, env);
    const built = path.join(ROOT, 'build', `wasm-${name}`, `sedd-${name}`);
    copyFileSync(`${built}.wasm`, path.join(ROOT, 'web/wasm', `sedd-${name}.wasm`));
    copyLoader(`${built}.mjs`, path.join(ROOT, 'web/wasm', `sedd-${name}.js`));
  }
  if (!existsSync(path.join(ROOT, 'node_modules/esbuild'))) run('npm', ['ci', '--no-audit', '--no-fund']);
  minifyLoaders(path.join(ROOT, 'web/wasm'));
  bundleWebGPU(path.join(ROOT, 'web/wasm'));
  vendor();
  sourceFiles();
}

/** Builds the modules with the golden checks, for tests. */
export function goldenModules() {
  const env = emscripten();
  for (const name of VARIANTS) cmake(`wasm-${name}`, env, ['golden']);
}

/** Makes the rest of the package: types, dist/ with its size limits, and the site. */
export async function pack() {
  if (!existsSync(path.join(ROOT, 'node_modules/esbuild'))) run('npm', ['ci', '--no-audit', '--no-fund']);
  const [{ bundle }, { types }, { site }] = await Promise.all([
    import('./package/bundle.mjs'),
    import('./package/types.mjs'),
    import('./site.mjs'),
  ]);
  types();
  await bundle();
  await site();
}

/** Builds the bench's programs: micro-kernels for wasm, and the kernel bench natively and for wasm. */
export function bench() {
  const env = emscripten();
  run('ninja', ['-C', 'build/wasm-relaxed', 'peak', 'bench_kernels'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  run('ninja', ['-C', 'build/wasm-simd', 'bench_kernels'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  run('ninja', ['-C', 'build/native', 'bench_kernels'], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Builds what the command line asks for. */
async function main(part) {
  if (part === 'native') return native();
  if (part !== 'package') wasm();
  if (part !== 'wasm') await pack();
}

// Not awaited here: the modules that pack() imports import this one, and would wait for it to end.
if (process.argv[1] === fileURLToPath(import.meta.url))
  main(process.argv[2]).catch((error) => {
    console.error(`build: ${error.message}`);
    process.exit(1);
  });
