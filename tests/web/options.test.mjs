// Compares the table of sampling options in core/diffusion/options.c with JavaScript, its types and the documents.
// Tests that the module and the tool refuse meaningless values by name and by the same rule, and checks what crosses
// the wasm border.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { WORDS, currentWord } from '../../web/client/sampling.js';
import { ROOT, gpt2InNode, seddInNode } from './files.mjs';

const TOOL = path.join(ROOT, 'build/native/sedd');
const table = JSON.parse(execFileSync(TOOL, ['options', '--json'], { encoding: 'utf8' }));
const read = (file) => readFileSync(path.join(ROOT, file), 'utf8');
const client = read('web/client.js');

/** Returns the properties of a typedef in a file's comments: name -> type. */
function typedef(source, name) {
  const block = source.slice(source.indexOf(`@typedef {object} ${name}`));
  const lines = block.slice(0, block.indexOf('*/')).matchAll(/@property \{([^}]*)\} \[?(\w+)\]?/g);
  return Object.fromEntries([...lines].map(([, type, property]) => [property, type]));
}

let sedd;
let gpt2;
before(async () => {
  [sedd, gpt2] = await Promise.all([seddInNode(), gpt2InNode()]);
});
after(() => Promise.all([sedd.dispose(), gpt2.dispose()]));

/** Returns the JavaScript type of an option of the table. */
const typeOf = ({ type, words }) =>
  ({ integer: 'number', number: 'number', seed: 'number|bigint', boolean: 'boolean' })[type] ??
  words.map((word) => `'${word}'`).join('|');

test('JavaScript has the words of the table', () => {
  const words = Object.fromEntries(table.filter(({ words }) => words).map(({ name, words }) => [name, words]));
  assert.deepEqual(WORDS, words);
  assert.equal(currentWord('fixed'), 'planned');
});

test('the types of calls have the names, types and words of the table', () => {
  const ours = (rows) => Object.fromEntries(rows.map((row) => [row.name, typeOf(row)]));
  const without = (types, ...names) =>
    Object.fromEntries(Object.entries(types).filter(([name]) => !names.includes(name)));
  assert.deepEqual(
    without(typedef(client, 'SampleOptions'), 'prompt', 'clamp', 'budgetMs', 'trace', 'signal', 'onStep'),
    ours(table.filter((row) => row.sedd)),
  );
  assert.deepEqual(
    without(typedef(client, 'GenerateOptions'), 'prompt', 'tokens', 'signal', 'onStep'),
    ours(table.filter((row) => row.gpt2)),
  );
});

test('the types of what comes out have the fields that the core gives', async () => {
  const run = sedd.sample({ length: 6, steps: 2, seed: 1, positions: 'bounded', gamma: 2 });
  const events = [];
  for await (const event of run) events.push(event);
  const source = read('web/client/run.js');
  const typed = Object.keys(typedef(source, 'Settings')).toSorted();
  assert.deepEqual([...Object.keys(events[0].settings), 'ending'].toSorted(), typed); // `ending` only if it was given
  const ended = sedd.sample({ length: 6, steps: 1, seed: 1, ending: 'likeliest' });
  assert.equal((await ended.result).settings.ending, 'likeliest');
  const step = Object.keys(typedef(source, 'StepEvent')).filter(
    (name) => !['start', 'held', 'position', 'settings'].includes(name),
  );
  assert.deepEqual(Object.keys(events[1]).toSorted(), step.toSorted());
  assert.deepEqual(Object.keys(sedd.info).toSorted(), Object.keys(typedef(client, 'ModelInfo')).toSorted());
  assert.deepEqual(Object.keys(gpt2.info).toSorted(), Object.keys(sedd.info).toSorted());
  const { positions } = await sedd.inspect([1, 2], { sigma: 0.5, steps: 4, positions: [0], topK: 1 });
  const documented = /positions: \{([^{}]*)candidates: \{([^}]*)\}/.exec(client.replaceAll(/\n *\* */g, ' '));
  const names = (text) => [...text.matchAll(/(\w+)\??:/g)].map(([, name]) => name).toSorted();
  assert.deepEqual(Object.keys(positions[0]).toSorted(), [...names(documented[1]), 'candidates'].toSorted());
  assert.deepEqual(Object.keys(positions[0].candidates[0]).toSorted(), names(documented[2]));
  const likelihood = Object.keys(typedef(client, 'Likelihood')).toSorted();
  const told = ['kernels', 'threads', 'device']; // fields of every answer
  assert.deepEqual(
    Object.keys(await sedd.bound('a girl', { samples: 1, seed: 1 }))
      .filter((name) => !told.includes(name))
      .toSorted(),
    likelihood,
  );
  assert.deepEqual(
    Object.keys(await gpt2.nll('a girl'))
      .filter((name) => !told.includes(name))
      .toSorted(),
    likelihood,
  );
});

test('web/README.md tells of every option, its words and its range', () => {
  const readme = read('web/README.md');
  const begin = readme.indexOf('### Options of sampling');
  assert.ok(begin > 0);
  const section = readme.slice(begin, readme.indexOf('\n##', begin + 5));
  const shown = (row) => {
    if (row.type === 'word') return row.words.map((word) => `\`${word}\``).join(', ');
    if (row.type === 'integer' || row.type === 'number')
      return `${row.name === 'temperature' ? '0, or ' : ''}${row.low} to ${row.high}`;
    return row.type === 'seed' ? '0 to 18446744073709551615' : '`true`, `false`';
  };
  for (const row of table) {
    const line = section.split('\n').find((one) => one.startsWith(`| \`${row.name}\` | \`${row.flag}\` |`));
    assert.ok(line, `no line for ${row.name} (${row.flag})`);
    assert.ok(line.includes(`| ${shown(row)} |`), `${line}\nlacks | ${shown(row)} |`);
    assert.equal(
      line.endsWith('| file |'),
      Boolean(row.key),
      `${row.name}: whether generation_config.json may name it`,
    );
  }
  assert.equal(section.match(/^\| `/gm).length, table.length, 'and of no other');
});

/** Meaningless values: the option, the value, and the end of the message. */
const NONSENSE = [
  ...['', false, true, [], {}, null, NaN, Infinity, -Infinity, '0.8', -1, 1e-9, 101, 1n].map((value) => [
    'temperature',
    value,
  ]),
  ...[0, '', false, [], null, NaN, 1.5, -0.1, '1'].map((value) => ['topP', value]),
  ...[0.5, 1.7, 2 ** 31, 2 ** 32 + 5, Infinity, NaN, -1, '', null, [], false, '40'].map((value) => ['topK', value]),
  ...['', ' ', [], null, false, true, NaN, -1, 1.5, 2 ** 64, 2n ** 64n, -1n, 'abc', ' -1', '0x10', {}].map((value) => [
    'seed',
    value,
  ]),
];
const SEDD_ONLY = [
  ...[0, '', false, [], null, NaN, 1.5, 2 ** 31, '8'].map((value) => ['steps', value]),
  ...[0, '', false, [], null, NaN, 1.5, 65537].map((value) => ['length', value]),
  ...[0, '', false, [], null, NaN, -1, Infinity].map((value) => ['gamma', value]),
  ...['', false, [], null, 0, 'Score', ['score']].map((value) => ['positions', value]),
  ...[0, 1, '', null, 'no'].map((value) => ['denoise', value]),
  ['batch', 2], // a call writes one text only
  ['tempreature', 1],
];
const said = (value) => {
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return value.length ? 'a list' : '[]';
  if (value !== null && typeof value === 'object') return '{}';
  const plain = !Number.isFinite(value) || value === 0 || (Math.abs(value) < 1e15 && Math.abs(value) > 1e-5);
  return plain ? String(value) : ''; // C writes exponents in another form
};
const isRefusal = (name, value) => (error) => {
  assert.equal(error.code, 'argument', error.message);
  const expected = table.some((row) => row.sedd && row.name === name)
    ? `${name} is ${said(value)}`
    : `unknown option "${name}"`;
  assert.ok(error.message.startsWith(expected), `${error.message}; expected to begin with ${expected}`);
  return true;
};

for (const [name, value] of [...NONSENSE, ...SEDD_ONLY]) {
  test(`SEDD refuses ${name}: ${typeof value === 'bigint' ? value : (JSON.stringify(value) ?? value)} (${String(value)})`, () =>
    assert.rejects(sedd.sample({ length: 4, steps: 1, seed: 1, [name]: value }).result, isRefusal(name, value)));
}
for (const [name, value] of NONSENSE) {
  test(`GPT-2 refuses ${name}: ${typeof value === 'bigint' ? value : (JSON.stringify(value) ?? value)} (${String(value)})`, () =>
    assert.rejects(gpt2.generate({ prompt: 'A', tokens: 1, seed: 1, [name]: value }).result, isRefusal(name, value)));
}

test('other calls follow the same rule', async () => {
  for (const [call, words] of [
    [sedd.bound('a girl', { samples: 0 }), /^samples is 0; expected a whole number from 1/],
    [sedd.bound('a girl', { samples: 1.5 }), /^samples is 1\.5/],
    [sedd.bound('a girl', { seed: '' }), /^seed is ""/],
    [sedd.bound('a girl', { estimator: 'best' }), /^estimator is "best"; expected kmask, reference or lambda/],
    [sedd.inspect([1, 2], { sigma: NaN }), /^sigma is NaN/],
    [sedd.inspect([1, 2], { sigma: 0.5, topK: 0.5 }), /^topK is 0\.5/],
    [sedd.inspect([1, 2], { sigma: 0.5, sampler: null }), /^sampler is null/],
    [gpt2.generate({ tokens: null }).result, /^tokens is null; expected a whole number from 1/],
    [gpt2.generate({ prompt: null }).result, /^null is not text/],
    [gpt2.generate({ positions: 'score' }).result, /^unknown option "positions"/],
    [sedd.sample({ clamp: null }).result, /^clamp is null; expected a list/],
    [sedd.sample({ budgetMs: '5' }).result, /^budgetMs is "5"/],
  ])
    await assert.rejects(call, (error) => error.code === 'argument' && words.test(error.message));
});

test('undefined means that an option is not given', async () => {
  const names = table.filter((row) => row.sedd).map(({ name }) => name);
  const nothing = Object.fromEntries(names.map((name) => [name, undefined]));
  const { ids } = await sedd.sample({ length: 8, steps: 2, seed: 3 }).result;
  assert.deepEqual((await sedd.sample({ ...nothing, length: 8, steps: 2, seed: 3 }).result).ids, ids);
});

test('seeds of 64 bits are exact, as numbers, bigints and digits', async () => {
  const write = async (seed) => (await sedd.sample({ length: 8, steps: 2, seed }).result).ids;
  const native = (seed) =>
    JSON.parse(
      execFileSync(TOOL, ['sample', 'models/sedd-nano', '--length', '8', '--steps', '2', '--seed', seed, '--json'], {
        cwd: ROOT,
        encoding: 'utf8',
      }),
    ).ids;
  for (const seed of [2n ** 64n - 1n, 2n ** 53n + 1n, 2 ** 60, '12345678901234567890', 7])
    assert.deepEqual(await write(seed), native(String(BigInt(seed))), String(seed));
});

test('temperature 0 takes the likeliest token, in the module as in the tool', async () => {
  const flags = ['--length', '24', '--steps', '6', '--seed', '5', '--json'];
  const tool = (...more) =>
    JSON.parse(execFileSync(TOOL, ['sample', 'models/sedd-nano', ...flags, ...more], { cwd: ROOT, encoding: 'utf8' }))
      .ids;
  const sample = async (options) => (await sedd.sample({ length: 24, steps: 6, seed: 5, ...options }).result).ids;
  const greedy = await sample({ temperature: 0 });
  assert.deepEqual(greedy, tool('--temperature', '0'));
  assert.deepEqual(greedy, tool('--greedy'));
  assert.deepEqual(greedy, await sample({ temperature: -0 }));
  assert.deepEqual(greedy, await sample({ temperature: 0.7, topK: 1 }), 'the only one of the top 1');
  assert.notDeepEqual(greedy, await sample({}));
  const first = sedd.sample({ length: 24, steps: 1, seed: 5, positions: 'planned', temperature: 0, trace: true });
  const { trace } = await first.result;
  assert.equal(trace.temperature, 0);
  const { sigma } = trace.events[0];
  const masks = Array(24).fill(sedd.info.maskId);
  const { positions } = await sedd.inspect(masks, { sigma, topK: 1 });
  assert.deepEqual(
    trace.events[0].ids,
    positions.map(({ candidates }) => candidates[0].id),
  );
  const { ids } = await gpt2.generate({ prompt: 'Once', tokens: 12, seed: 1, greedy: true }).result;
  for (const options of [{ temperature: 0 }, { temperature: 0, seed: 9 }, { temperature: -0, topP: 0.5 }])
    assert.deepEqual((await gpt2.generate({ prompt: 'Once', tokens: 12, ...options }).result).ids, ids);
});

test('token ids are whole numbers of 32 bits', async () => {
  const calls = [sedd.detokenize, (ids) => sedd.bound(ids, { samples: 1 }), gpt2.nll];
  for (const ids of [[1.5], ['a'], ['5'], [2 ** 32 + 5], [NaN], [null], [5n], [-1], [[1]], 'abc', null, 7])
    for (const call of calls)
      if (typeof ids !== 'string' || call === calls[0])
        await assert.rejects(
          call.call(call === gpt2.nll ? gpt2 : sedd, ids),
          (error) => error.code === 'argument',
          String(ids),
        );
});

test('a byte order mark is text', async () => {
  for (const text of ['\ufeffOnce', 'a\ufeffb', '\ufeff']) {
    const { ids, texts } = await sedd.tokenize(text);
    assert.equal(await sedd.detokenize(ids), text);
    if (ids.length === 1) assert.deepEqual(texts, [text]);
  }
});

test('the tool refuses by the same rule', () => {
  for (const [flag, value, words] of [
    ['--temperature', 'hot', '--temperature is "hot"; expected 0'],
    ['--temperature', '', '--temperature is "";'],
    ['--temperature', 'nan', '--temperature is "nan";'],
    ['--temperature', '0.001', '--temperature is 0.001;'],
    ['--top-p', '0', '--top-p is 0;'],
    ['--top-k', '0.5', '--top-k is 0.5;'],
    ['--top-k', '2147483648', '--top-k is 2147483648;'],
    ['--seed', ' -1', '--seed is " -1";'],
    ['--seed', '', '--seed is "";'],
    ['--seed', '18446744073709551616', '--seed is "18446744073709551616";'],
    ['--positions', 'any', '--positions is "any"; expected score, normalised, planned, bounded or hitting'],
    ['--gamma', '0', '--gamma is 0;'],
    ['--steps', '0x10', '--steps is "0x10";'],
  ]) {
    const { status, stderr } = spawnSync(TOOL, ['sample', 'models/sedd-nano', flag, value], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(status, 2, stderr);
    assert.ok(stderr.startsWith(`sedd sample: ${words}`), stderr);
  }
  const requests = [
    '{"id":1,"op":"sample","temperature":null}',
    '{"id":2,"op":"sample","topK":0.5}',
    '{"id":3,"op":"sample","stepz":4}',
    '{"id":4,"op":"sample","seed":"","length":4}',
  ];
  const { stdout } = spawnSync(TOOL, ['eval', 'models/sedd-nano'], {
    cwd: ROOT,
    encoding: 'utf8',
    input: `${requests.join('\n')}\n`,
  });
  const errors = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).error);
  ['temperature is null', 'topK is 0.5', 'unknown option', 'seed is '].forEach((words, i) =>
    assert.ok(errors[i].includes(words), errors[i]),
  );
});
