// Tests generation_config.json in a model's folder: the tool and the module read it alike, and options of a call take precedence.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Hub } from '../../scripts/hub.mjs';
import { loadGPT2, loadSEDD } from '../../web/client.js';
import { ROOT, filesOf } from './files.mjs';
import { NodeWorker } from './node-worker.mjs';

const NAME = 'generation_config.json';
const TRAINED = {
  steps: 6,
  positions: 'fixed',
  order: 'spread',
  grid: 'cosine',
  context: 'known',
  temperature: 0.8,
  top_p: 0.95,
};
const DEFAULTS = {
  steps: 6,
  positions: 'planned',
  order: 'spread',
  grid: 'cosine',
  context: 'known',
  temperature: 0.8,
  topP: 0.95,
};
const FLAGS = [
  '--steps',
  '6',
  '--positions',
  'planned',
  '--order',
  'spread',
  '--grid',
  'cosine',
  '--context',
  'known',
  '--temperature',
  '0.8',
  '--top-p',
  '0.95',
];
const TOOL = path.join(ROOT, 'build/native/sedd');

let folder; // a copy of models/sedd-nano with the file
let hub;
const put = (text) => writeFileSync(path.join(folder, NAME), typeof text === 'string' ? text : JSON.stringify(text));
const native = (model, ...flags) =>
  JSON.parse(
    execFileSync(TOOL, ['sample', model, '--seed', '4', '--length', '48', '--json', ...flags], {
      cwd: ROOT,
      encoding: 'utf8',
    }),
  ).ids;
const blob = (text, name = NAME) => new File([text], name);
const load = (source = 'hub:me/trained') => loadSEDD(source, { hub: hub.url, retries: 0, worker: new NodeWorker() });
const dropped = (text) => loadSEDD([...filesOf('models/sedd-nano'), blob(text)], { worker: new NodeWorker() });

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sedd-defaults-'));
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
    cpSync(path.join(ROOT, 'models/sedd-nano', name), path.join(folder, name));
  put({ transformers_version: '4.40.0', bos_token_id: 0, top_k: null, ...TRAINED });
  hub = await new Hub({ 'me/trained': folder }).start();
});

after(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the tool takes settings from the folder unless a flag gives them', () => {
  assert.deepEqual(native(folder), native('models/sedd-nano', ...FLAGS));
  assert.deepEqual(
    native(folder, '--steps', '3', '--context', 'all', '--temperature', '1'),
    native('models/sedd-nano', ...FLAGS, '--steps', '3', '--context', 'all', '--temperature', '1'),
  );
  assert.deepEqual(
    native(folder, '--positions', 'score'),
    native('models/sedd-nano', '--steps', '6', '--temperature', '0.8', '--top-p', '0.95'),
    'other positions leave order, grid and context aside',
  );
  const wrong = spawnSync(TOOL, ['sample', folder, '--order', 'confidence'], { encoding: 'utf8' });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /context known needs positions/);
});

test('the module does the same in runs, branches and their reports', async () => {
  const sedd = await load();
  try {
    assert.deepEqual(sedd.defaults, DEFAULTS);
    const run = sedd.sample({ length: 48, seed: 4, trace: true });
    const { ids, steps, trace } = await run.result;
    assert.deepEqual(ids, native(folder));
    assert.deepEqual([steps, trace.steps, trace.temperature, trace.topP], [6, 6, 0.8, 0.95]);
    assert.deepEqual((await sedd.resume(run.state(2)).result).ids, ids, 'a state goes on as it would have');
    const { position, ids: from } = run.state(2);
    assert.deepEqual(
      (await sedd.resume({ position, ids: from }, { seed: 4 }).result).ids,
      ids,
      'without its options, too',
    );
    assert.deepEqual(
      (await sedd.sample({ length: 48, seed: 4, positions: 'score', steps: undefined }).result).ids,
      native(folder, '--positions', 'score'),
    );
    assert.deepEqual(
      (await sedd.sample({ length: 48, seed: 4, steps: 3, context: 'all' }).result).ids,
      native(folder, '--steps', '3', '--context', 'all'),
    );
  } finally {
    await sedd.dispose();
  }
});

test("what a call says goes first; other positions leave the model's own aside", async () => {
  const sedd = await load();
  const settings = async (options) =>
    (await sedd.sample({ length: 4, seed: 1, ...options, steps: options.steps ?? 1 }).result).settings;
  try {
    const chosen = ({ positions, order, grid, context, temperature, topP }) => [
      positions,
      order,
      grid,
      context,
      temperature,
      topP,
    ];
    assert.deepEqual(chosen(await settings({})), ['planned', 'spread', 'cosine', 'known', 0.8, 0.95]);
    for (const positions of ['fixed', 'planned'])
      assert.deepEqual(chosen(await settings({ positions, order: 'random', topP: 1 })), [
        'planned',
        'random',
        'cosine',
        'known',
        0.8,
        1,
      ]);
    assert.deepEqual(chosen(await settings({ positions: 'hitting' })), [
      'hitting',
      'random',
      'linear',
      'all',
      0.8,
      0.95,
    ]);
    const { steps, seed } = await settings({ steps: 3, seed: 12n });
    assert.deepEqual([steps, seed], [3, '12']);
    const run = sedd.sample({ length: 4, seed: 1 });
    await run.result;
    assert.equal((await sedd.resume(run.state(2), { positions: 'score' }).result).settings.order, 'random');
  } finally {
    await sedd.dispose();
  }
});

test('a missing or forbidden file is ignored', async () => {
  for (const status of ['403', '404', 'html']) {
    hub.fail(NAME, status);
    const sedd = await load();
    assert.deepEqual(sedd.defaults, {}, status);
    await sedd.dispose();
  }
  hub.fail(NAME, '500');
  await assert.rejects(
    load(),
    /generation_config\.json answered 500/,
    'a server that fails is: the text would be another',
  );
  hub.heal();
  const gpt2 = await loadGPT2([...filesOf('models/gpt2-nano'), blob('{"steps": "no such thing"}')], {
    worker: new NodeWorker(),
  });
  assert.deepEqual(gpt2.defaults, {}, 'GPT-2 has no sampler');
  await gpt2.dispose();
});

test('dropped folders and single files may have one', async () => {
  const files = filesOf('models/sedd-nano');
  const single = {
    config: files[0],
    weights: files[1],
    tokenizer: files[2],
    generation: new Blob([JSON.stringify(TRAINED)]),
  };
  for (const source of [[...files, blob(JSON.stringify(TRAINED))], single]) {
    const sedd = await loadSEDD(source, { worker: new NodeWorker() });
    assert.deepEqual(sedd.defaults, DEFAULTS);
    await sedd.dispose();
  }
});

for (const [name, text, words] of [
  ['half a file', '{"steps": 8', /generation_config\.json is not valid JSON/],
  ['a list', '[8]', /generation_config\.json is JSON, but not an object/],
  [
    'a number out of range',
    '{"steps": 0}',
    /generation_config\.json: steps is 0; expected a whole number from 1 to 1000000/,
  ],
  ['a word of its own', '{"context": "some"}', /generation_config\.json: context is "some"; expected all or known/],
  [
    'options without meaning together',
    '{"context": "known"}',
    /generation_config\.json: context known needs positions normalised/,
  ],
  ['a large one', `{"note": "${'x'.repeat(70000)}"}`, /generation_config\.json has (more than )?\d+ bytes/],
]) {
  test(`${name} is refused with a sentence, by the tool and by the module`, async () => {
    const kept = readFileSync(path.join(folder, NAME));
    try {
      put(text);
      const { status, stderr } = spawnSync(TOOL, ['sample', folder], { encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match(stderr, words);
    } finally {
      writeFileSync(path.join(folder, NAME), kept);
    }
    await assert.rejects(
      dropped(text),
      (error) => ['format', 'unsupported'].includes(error.code) && words.test(error.message),
    );
  });
}

test('convert copies the file', () => {
  const out = path.join(folder, 'converted');
  execFileSync(TOOL, ['convert', folder, out]);
  assert.deepEqual(JSON.parse(readFileSync(path.join(out, NAME), 'utf8')).context, 'known');
});
