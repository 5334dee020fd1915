// Rehearses the ten minutes of a lent GPU on the processor, at a thousandth of the size: bundle, unpack, go.sh.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { call, python, ROOT, scratch, skip, TOOL, trainScript } from './python.mjs';

const work = scratch('gpu');
const shape = { tokens: 300, hidden: 32, blocks: 2, heads: 2, length: 32 };
const common = {
  batch: 8,
  micro: 4,
  warmup: 5,
  lr: 0.002,
  floor: 0.05,
  ema: 0.9,
  seed: 3,
  log_every: 5,
  eval_every: 500,
};

test('ten minutes of a GPU at a thousandth of the size', { skip }, () => {
  const ids = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').trim();
  const story = call(work, TOOL, ['detokenize', path.join(ROOT, 'models/sedd-nano'), '--ids', ids]);
  const json = (name, value) => writeFileSync(path.join(work, name), JSON.stringify(value));
  writeFileSync(path.join(work, 'stories.txt'), story);
  json('sedd.json', {
    ...common,
    name: 'tiny',
    kind: 'sedd',
    model: { ...shape, cond: 16 },
    precision: 'fp32',
    weight_decay: 0.05,
  });
  json('twin.json', { ...common, name: 'twin', kind: 'gpt2', model: shape, precision: 'fp32', weight_decay: 0.05 });
  call(work, python, [trainScript('prepare.py'), 'pack', 'stories.txt', '--vocab', 300, '--length', 32]);
  const options = ['--config', 'sedd.json', '--twin', 'twin.json', '--minutes', '0.1', '--device', 'cpu'];
  const gpu = (...args) => call(work, python, [trainScript('gpu.py'), '--data', 'pack', ...args, ...options]);

  assert.match(gpu('--bundle', 'travels.tar.gz'), /0\.\d MB\. Next: copy it .*\n.*sh go\.sh/);
  mkdirSync(path.join(work, 'there'));
  call(path.join(work, 'there'), 'tar', ['xzf', '../travels.tar.gz']);
  const went = call(path.join(work, 'there'), 'sh', ['go.sh']);
  for (const stage of ['causal', 'sedd', 'sedd-annealed', 'twin', 'twin-annealed'])
    assert.match(went, new RegExp(`\\] ${stage} begins`));
  assert.match(went, /done\. Next: take out\/models with you/);
  const model = (...parts) => path.join(work, 'there/out/models', ...parts);
  assert.ok(call(work, TOOL, ['sample', model('sedd'), '--steps', '4', '--seed', '1']).length > 0);
  assert.ok(statSync(model('twin/model.safetensors')).size > 1000);
  const again = call(path.join(work, 'there'), 'sh', ['go.sh']);
  assert.match(again, /sedd-annealed: done before[\s\S]*twin-annealed: done before/);

  // Resumes a plateau run. Only the stages of the SEDD run here; those of the twin are the same as above.
  for (const part of ['twin', 'twin-annealed'])
    cpSync(path.join(work, 'there/out', part), path.join(work, 'on', part), { recursive: true });
  json('on/progress.json', { finished: ['twin', 'twin-annealed'], 'anneal steps': { twin: 1 } });
  const on = gpu('--out', 'on', '--run', 'there/out/sedd');
  assert.doesNotMatch(on, /causal begins/);
  assert.match(on, /sedd-annealed begins[\s\S]*done\. Next/);
  const last = (file) =>
    JSON.parse(
      readFileSync(path.join(work, file, 'log.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .at(-1),
    ).step;
  assert.ok(last('on/sedd') > last('there/out/sedd'), 'the copy goes on where the plateau is');
});
