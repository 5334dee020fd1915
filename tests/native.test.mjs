// Runs every C test natively and under AddressSanitizer and UndefinedBehaviorSanitizer, and the tool on
// the golden folders with every kernel table.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const parts = (process.env.SEDD_TEST_PARTS ?? 'native').split(',');
const builds = ['native', 'asan'].filter(
  (name) => parts.includes(name) && existsSync(path.join(ROOT, 'build', name, 'sedd')),
);
const goldens = readdirSync(path.join(ROOT, 'tests/golden')).filter((name) =>
  existsSync(path.join(ROOT, 'tests/golden', name, 'golden.json')),
);

const call = (file, args = []) => spawnSync(file, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });

test('a native build exists', () => assert.ok(builds.length > 0));

for (const build of builds) {
  const folder = path.join(ROOT, 'build', build);
  for (const name of readdirSync(folder).filter((file) => /^test_\w+$/.test(file))) {
    test(`${build}: ${name}`, () => {
      const result = call(path.join(folder, name));
      assert.equal(result.status, 0, result.stdout + result.stderr);
    });
  }
  const tool = path.join(folder, 'sedd');
  const kernels = /kernels on this machine: (.*)/.exec(call(tool, ['--help']).stdout)[1].split(' ');
  for (const table of kernels) {
    for (const golden of goldens) {
      test(`${build}: golden ${golden}, kernels ${table}`, () => {
        const result = call(tool, ['golden', `tests/golden/${golden}`, '--kernels', table]);
        assert.equal(result.status, 0, result.stdout + result.stderr);
        assert.match(result.stdout, /all passed/);
      });
    }
  }
}

const tool = path.join(ROOT, 'build', builds[0] ?? 'native', 'sedd');

test('the same seed gives the same text with one and two threads', () => {
  const sample = (threads) =>
    call(tool, ['sample', 'models/sedd-nano', '--steps', '8', '--seed', '5', '--threads', threads, '--json']).stdout;
  assert.ok(sample('1').length > 100);
  assert.equal(sample('1'), sample('2'));
});

test('held tokens stay, and the text around them is written', () => {
  const { ids } = JSON.parse(
    call(tool, ['sample', 'models/sedd-nano', '--steps', '4', '--hold', '0:10,64:11,127:12', '--json']).stdout,
  );
  assert.deepEqual([ids[0], ids[64], ids[127]], [10, 11, 12]);
  assert.equal(ids.length, 128);
  assert.ok(
    ids.every((id) => id >= 0 && id < 2048),
    'no mask is left',
  );
});

test('a prompt has holes, which make the window, and doubled braces', () => {
  const sample = (...flags) =>
    JSON.parse(call(tool, ['sample', 'models/sedd-nano', '--steps', '4', '--seed', '3', ...flags, '--json']).stdout);
  const { ids, text } = sample('--prompt', 'Once upon a time, {20} the end.');
  assert.match(text, /^Once upon a time,.+ the end\.$/s);
  assert.equal(sample('--prompt', 'Once upon a time').ids.length, 128, 'without holes the window is the model’s');
  assert.equal(ids.length, 28, '5 and 3 given tokens, 20 open ones');
  assert.match(sample('--prompt', 'One day, {*} The end.', '--length', '40').text, /^One day,.+ The end\.$/s);
  assert.match(sample('--prompt', 'a {{b}} c').text, /^a \{b\} c/);
});

test('a header whose length begins with the byte of a pickle is read', () => {
  const model = 'models/judge-nano';
  assert.equal(readFileSync(path.join(ROOT, model, 'model.safetensors'))[0], 0x80);
  assert.equal(JSON.parse(call(tool, ['info', model]).stdout).kind, 'gpt2');
});

for (const [name, args, status, words] of [
  [
    'steps 0',
    ['sample', 'models/sedd-nano', '--steps', '0'],
    2,
    /--steps is 0; expected a whole number from 1 to 1000000/,
  ],
  ['an unknown flag', ['sample', 'models/sedd-nano', '--stepps', '3'], 2, /unknown option --stepps/],
  ['a folder that is not there', ['info', 'models/none'], 1, /cannot be opened/],
  ['a sigma that is not a number', ['score', 'models/sedd-nano', '--ids', '1', '--sigma', 'nan'], 1, /sigma is/],
  [
    'an id out of range',
    ['score', 'models/sedd-nano', '--ids', '1,5000', '--sigma', '0.5'],
    1,
    /token id 5000 at position 1/,
  ],
  [
    'a prompt longer than the window',
    ['sample', 'models/sedd-nano', '--length', '4', '--prompt', 'one two three four five six seven'],
    1,
    /the prompt takes 11 tokens with its holes; the window has 4/,
  ],
  [
    'a suffix longer than what the prompt leaves',
    ['sample', 'models/sedd-nano', '--length', '4', '--prompt', 'one', '--suffix', 'two three four five'],
    1,
    /--suffix has \d+ tokens; the window of 4 has room for/,
  ],
  ['a hole that is not a number', ['sample', 'models/sedd-nano', '--prompt', 'a {b}'], 1, /\{b\} is not a hole/],
  [
    'a prompt with holes beside a suffix',
    ['sample', 'models/sedd-nano', '--prompt', 'a {3} b', '--suffix', 'c'],
    2,
    /leave out --suffix/,
  ],
  [
    'a GPT-2 asked for a score',
    ['score', 'models/gpt2-nano', '--ids', '1', '--sigma', '0.5'],
    1,
    /a score needs a diffusion model/,
  ],
  [
    'a kernel table that is not there',
    ['score', 'models/sedd-nano', '--ids', '1', '--sigma', '0.5', '--kernels', 'fast'],
    1,
    /unknown or unsupported kernel table "fast".*can run: scalar/,
  ],
  ['a flag without its value', ['info', 'models/sedd-nano', '--kernels'], 2, /a value is missing/],
]) {
  test(`the tool refuses ${name} and says why`, () => {
    const result = call(tool, args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, words);
  });
}

for (const args of [
  ['--help'],
  ['info', 'models/sedd-nano'],
  ['sample', 'models/sedd-nano', '--steps', '2', '--length', '16'],
  ['sample', 'models/sedd-nano', '--steps', '2', '--length', '16', '--json'],
  ['generate', 'models/gpt2-nano', '--prompt', 'Once', '--tokens', '3'],
  ['tokenize', 'models/sedd-nano', '--file', 'README.md'],
  ['detokenize', 'models/sedd-nano', '--ids', '1,2'],
  ['golden', 'tests/golden/absorb'],
  ['nll', 'models/gpt2-nano', '--ids', '1,2'],
]) {
  test(`the tool fails where its output cannot be written: ${args.join(' ')}`, () => {
    const result = call('sh', ['-c', '"$@" > /dev/full', 'sh', tool, ...args]);
    assert.equal(result.status, 1, result.stderr);
    assert.match(result.stderr, /the output cannot be written/);
  });
}

test('the tool fails where its trace cannot be written', () => {
  const result = call(tool, ['sample', 'models/sedd-nano', '--steps', '2', '--length', '16', '--trace', '/dev/full']);
  assert.equal(result.status, 1, result.stderr);
  assert.match(result.stderr, /the trace \/dev\/full cannot be written/);
});

for (const seed of [' -1', '-1', '+1', ' 1', '1 ', '', '1e3', '18446744073709551616']) {
  test(`the seed "${seed}" is refused`, () => {
    const result = call(tool, ['sample', 'models/sedd-nano', '--steps', '2', '--length', '16', '--seed', seed]);
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, /--seed/);
  });
}

test('a model with a padded vocabulary writes only tokens of its tokenizer', () => {
  for (const more of [[], ['--draw', 'official'], ['--temperature', '5'], ['--positions', 'planned']]) {
    const result = call(tool, ['sample', 'tests/cases/padded-vocabulary', '--batch', '8', '--json', ...more]);
    assert.equal(result.status, 0, result.stderr);
    for (const line of result.stdout.trim().split('\n')) assert.ok(Math.max(...JSON.parse(line).ids) < 257);
  }
});

test('a byte order mark survives tokenize and detokenize', () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'sedd-')), 'in.txt');
  writeFileSync(file, '\uFEFFhello\uFEFF');
  const { ids } = JSON.parse(call(tool, ['tokenize', 'models/sedd-nano', '--file', file]).stdout);
  assert.equal(call(tool, ['detokenize', 'models/sedd-nano', '--ids', ids.join()]).stdout, '\uFEFFhello\uFEFF');
});

test('bench times the steps of the requested sampler', () => {
  const bench = (...args) =>
    JSON.parse(call(tool, ['bench', 'models/sedd-nano', '--seed', '3', ...args, '--json']).stdout);
  const known = bench(
    '--positions',
    'planned',
    '--order',
    'spread',
    '--context',
    'known',
    '--steps',
    '4',
    '--runs',
    '5',
  );
  assert.equal(known.steps, 8, 'whole runs');
  assert.equal(known.rows, 32, 'a quarter of 128 masks opens in a step');
  assert.equal(bench('--steps', '1', '--no-denoise', '--runs', '4').rows, 128, 'every step of one finds 128 masks');
  const long = bench('--steps', '128', '--runs', '6', '--length', '64');
  assert.equal(long.steps, 6, 'the beginning of a run that is longer');
  assert.ok(long.rows > 58 && long.rows < 64);
});

for (const [name, args, status, words] of [
  ['positions that cannot be left out', ['models/sedd-nano', '--context', 'known'], 1, /context known needs positions/],
  ['how to sample of a GPT-2', ['models/gpt2-nano', '--no-denoise'], 2, /a GPT-2's decode step has no --no-denoise/],
]) {
  test(`bench refuses ${name}`, () => {
    const result = call(tool, ['bench', ...args]);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, words);
  });
}

for (const language of ['c', 'c++']) {
  test(`sedd.h compiles alone as ${language}`, (t) => {
    const compiler = ['clang', 'cc'].find(
      (name) => call('sh', ['-c', `echo "int x;" | ${name} -x ${language} -fsyntax-only -`]).status === 0,
    );
    if (!compiler) return t.skip(`there is no ${language} compiler`);
    const result = call(compiler, ['-x', language, '-Wall', '-Wextra', '-Werror', '-fsyntax-only', 'core/sedd.h']);
    return assert.equal(result.status, 0, result.stderr);
  });
}

test('the program in sedd.h writes what the tool writes', (t) => {
  const header = readFileSync(path.join(ROOT, 'core/sedd.h'), 'utf8');
  const block = /^ \* {5}#include "sedd.h"[\s\S]*?^ \* {5}}$/m.exec(header)[0];
  const folder = path.join(ROOT, 'build', builds[0]);
  const program = path.join(folder, 'example');
  const libraries = ['sedd_core', 'cjson', 'utf8proc'].map((name) => path.join(folder, `lib${name}.a`));
  if (builds[0] !== 'native') return t.skip('the libraries are built for a sanitizer');
  writeFileSync(`${program}.c`, block.replace(/^ \* {0,5}/gm, ''));
  const built = call('cc', [
    '-std=c11',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Icore',
    `${program}.c`,
    ...libraries,
    '-lm',
    '-lpthread',
    '-o',
    program,
  ]);
  assert.equal(built.status, 0, built.stderr);
  const { text } = JSON.parse(
    call(tool, ['sample', 'models/sedd-nano', '--length', '64', '--seed', '1', '--json']).stdout,
  );
  assert.ok(text.length > 50);
  assert.equal(call(program).stdout, `${text}\n`);
});

test('the shipped models give the likelihoods of their cards', () => {
  const WINDOWS = [0, 1, 2, 3, 4, 5, 6, 7, 64, 65, 66, 67, 68, 69, 70, 71];
  const all = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').trim().split(',');
  const ids = WINDOWS.flatMap((window) => all.slice(window * 128, (window + 1) * 128)).join(',');
  const value = (...args) => JSON.parse(call(tool, [...args, '--ids', ids, '--json', '--threads', '2']).stdout);
  // Measured by PyTorch (scripts/train/evaluate.py) on these windows from the float32 weights.
  const EXACT_F32 = 2.07374;
  const exact = value('nll', 'models/gpt2-nano');
  assert.equal(exact.tokens, 2048);
  assert.ok(Math.abs(exact.nats_per_token / EXACT_F32 - 1) < 0.005, `${exact.nats_per_token}`);
  const bound = value('bound', 'models/sedd-nano', '--samples', '16');
  const reference = value('bound', 'models/sedd-nano', '--samples', '16', '--estimator', 'reference');
  const error = Math.hypot(bound.stderr, reference.stderr);
  assert.ok(
    Math.abs(bound.nats_per_token - reference.nats_per_token) < 4 * error + 0.035,
    'two estimators agree up to calibration',
  );
  assert.ok(bound.nats_per_token > exact.nats_per_token);
});
