// Tests recorded runs: what the reader accepts, what it refuses and with which sentence, the states of a run, and the
// round trip with the command line.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTrace, traceOf, writeTrace } from '../../web/client/trace.js';
import { branchOf } from '../../web/view/branch.js';
import { History } from '../../web/view/history.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const shipped = readFileSync(path.join(ROOT, 'models/sedd-nano/trace.json'), 'utf8');

const SMALL = {
  format: 'sedd-trace',
  version: 1,
  length: 3,
  steps: 2,
  seed: '7',
  sampler: 'analytic',
  temperature: 1,
  topK: 0,
  topP: 1,
  maskId: 9,
  initial: [4, 9, 9],
  events: [
    { step: 1, sigma: 2.5, masked: 1, changed: [2], ids: [5], ms: 3.5, confidence: [0.25] },
    { step: 2, sigma: 0.5, masked: 0, changed: [1], ids: [6] },
  ],
  texts: { 4: 'Once', 5: ' day', 6: ' a' },
  model: { name: 'nano', sha256: 'a'.repeat(64) },
  held: [0],
};

/** SMALL with one field replaced; a path is written `events.0.masked`. */
function changed(place, value) {
  const copy = structuredClone(SMALL);
  const names = place.split('.');
  const last = names.pop();
  const owner = names.reduce((object, name) => object[name], copy);
  if (value === undefined) delete owner[last];
  else owner[last] = value;
  return copy;
}

test('a trace survives reading and writing', () => {
  assert.deepEqual(readTrace(writeTrace(SMALL)), SMALL);
  const trace = readTrace(shipped);
  assert.equal(trace.events.length, 65);
  assert.deepEqual(readTrace(writeTrace(trace)), trace);
});

test('a trace says how it was made, and older traces without this are read, too', () => {
  const made = {
    draw: 'exact',
    positions: 'planned',
    order: 'spread',
    grid: 'cosine',
    context: 'known',
    gamma: 0.5,
    denoise: false,
  };
  assert.deepEqual(readTrace(writeTrace({ ...SMALL, ...made })), { ...SMALL, ...made });
  assert.equal(readTrace(SMALL).positions, undefined, 'what is not known is not made up');
  assert.equal(readTrace({ ...SMALL, positions: 'fixed' }).positions, 'planned', 'the old word is read');
});

test('the reader returns a copy with the known fields only', () => {
  const source = { ...structuredClone(SMALL), extra: { deep: true } };
  source.self = source;
  const trace = readTrace(source);
  assert.deepEqual(trace, SMALL);
  source.initial[0] = 8;
  assert.equal(trace.initial[0], 4);
});

const REFUSED = [
  ['format', 'gif', /format should be "sedd-trace"; found "gif"/],
  ['version', 2, /version should be 1; found 2/],
  ['length', 0, /length should be a whole number from 1 to 65536; found 0/],
  ['length', 1e9, /length .* found 1000000000/],
  ['length', 4, /initial should be a list of 4; found a list of 3/],
  ['length', '3', /length .* found "3"/],
  ['steps', -1, /steps should be a whole number from 1 to 1000000; found -1/],
  ['seed', '18446744073709551616', /seed should be a whole number from 0 to 18446744073709551615/],
  ['seed', -3, /seed .* found -3/],
  ['seed', 'abc', /seed .* found "abc"/],
  ['temperature', null, /temperature should be a number .* found null/],
  ['topP', 1.5, /topP .* found 1.5/],
  ['positions', 'any', /positions should be score or normalised or planned or bounded or hitting; found "any"/],
  ['context', null, /context should be all or known; found null/],
  ['order', ['spread'], /order should be random .*; found a list of 1/],
  ['gamma', -1, /gamma should be a number from 0 .* found -1/],
  ['denoise', 'no', /denoise should be true or false; found "no"/],
  ['maskId', 1.5, /maskId .* found 1.5/],
  ['initial.1', 2 ** 40, /initial\[1\] .* found 1099511627776/],
  ['initial', {}, /initial .* found an object/],
  ['events', 'none', /events should be a list .* found "none"/],
  ['events.0', null, /events\[0\] should be an object; found null/],
  ['events.1.step', 1, /events\[1\]\.step should be a whole number from 2/],
  ['events.0.sigma', -0.1, /events\[0\]\.sigma .* found -0\.1/],
  ['events.0.masked', 2, /events\[0\]\.masked should be 1, the masks left after this step; found 2/],
  ['events.0.changed', [3], /events\[0\]\.changed\[0\] should be a whole number from 0 to 2; found 3/],
  ['events.0.changed', [-1], /changed\[0\] .* found -1/],
  ['events.0.ids', [5, 6], /events\[0\]\.ids should be a list of 1; found a list of 2/],
  ['events.0.confidence', [2], /confidence\[0\] .* found 2/],
  ['texts', [], /texts should be an object; found a list of 0/],
  ['texts', { word: 'a' }, /texts should be keyed by token ids; found "word"/],
  ['texts.4', 12, /texts\["4"\] should be text of at most 4096 characters; found 12/],
  ['texts.4', 'x'.repeat(5000), /texts\["4"\] .* found 5000/],
  ['held', [0, 0], /held should be a list without repetition/],
  ['model', { name: 'n', sha256: 'zz' }, /model\.sha256 should be 64 hexadecimal digits/],
  ['maskId', undefined, /maskId .* found nothing/],
];
for (const [place, value, sentence] of REFUSED) {
  test(`refused: ${place} = ${JSON.stringify(value)?.slice(0, 40)}`, () => {
    assert.throws(
      () => readTrace(changed(place, value), 'run.json'),
      (error) => {
        assert.equal(error.name, 'SeddError');
        assert.equal(error.code, 'format');
        assert.match(error.message, /^run\.json: .*\.$/);
        assert.match(error.message, sentence);
        return true;
      },
    );
  });
}

test('files of other kinds are named', () => {
  assert.throws(() => readTrace('<!DOCTYPE html><title>Sign in</title>', 'run.json'), {
    code: 'content',
    message: 'run.json is a web page, not a trace.',
  });
  assert.throws(() => readTrace('{"format":', 'run.json'), {
    code: 'format',
    message: /^run\.json is not valid JSON: /,
  });
  assert.throws(() => readTrace('['.repeat(200000)), { code: 'format' });
  assert.throws(() => readTrace('null'), { message: 'The trace: the file should be an object; found null.' });
  assert.throws(() => readTrace('[]'), { message: /found a list of 0/ });
});

test('a history goes forward and back', () => {
  const history = History.fromTrace(readTrace(shipped));
  assert.equal(history.last, 65);
  assert.deepEqual(history.held, [0, 1, 2, 3]);
  assert.equal(history.finals.join('').slice(0, 17), 'Once upon a time,');
  const walked = [...Array(66).keys()].map((index) => history.at(index));
  for (const index of [65, 33, 32, 31, 0, 64, 1]) assert.deepEqual(history.at(index), walked[index]);
  assert.equal(walked[0].masked, 124);
  assert.equal(walked[30].masked, walked[30].texts.filter((text) => text === null).length);
  const [first] = JSON.parse(shipped).events[0].changed;
  assert.deepEqual(walked[1].changed, JSON.parse(shipped).events[0].changed);
  assert.equal(walked[40].opened[first], 1);
  assert.equal(walked[0].opened[first], -1);
  assert.equal(history.at(-5).index, 0);
  assert.equal(history.at(1e9).index, 65);
  assert.equal(history.at(NaN).index, 0);
});

test('a history takes tokens that change and go back to masks', () => {
  const history = new History({ ids: [9, 9], texts: [null, null] });
  history.add({ step: 1, sigma: 2, positions: [0], ids: [1], texts: ['a'], confidence: [0.5] });
  history.add({ step: 2, sigma: 1, positions: [0, 1], ids: [2, 3], texts: ['b', 'c'] });
  history.add({ step: 3, sigma: 0, positions: [0], ids: [9], texts: [null] });
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => history.at(index).masked),
    [2, 1, 0, 1],
  );
  assert.deepEqual(history.at(1).confidence, [0.5, null]);
  assert.deepEqual(history.at(3).opened, [-1, 2]);
  assert.deepEqual(history.at(3).texts, [null, 'c']);
});

test('a run becomes a trace that plays the same', () => {
  const history = History.fromTrace(readTrace(SMALL));
  const again = traceOf(history, { maskId: 9, model: SMALL.model });
  assert.deepEqual(readTrace(JSON.stringify(again)), SMALL);
  const settings = {
    draw: 'exact',
    positions: 'planned',
    order: 'spread',
    grid: 'cosine',
    context: 'all',
    denoise: true,
  };
  history.settings = { ...history.settings, ...settings, seed: '8', temperature: 0 };
  assert.deepEqual(traceOf(branchOf(history, 2), { maskId: 9, model: SMALL.model }), {
    ...SMALL,
    ...settings,
    seed: '8',
    temperature: 0,
  });
  assert.deepEqual(History.fromTrace(again).at(2), history.at(2));
});

test('the command line writes what the reader reads', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-trace-'));
  try {
    const file = path.join(folder, 'run.json');
    const sample = (...more) =>
      execFileSync(path.join(ROOT, 'build/native/sedd'), ['sample', ...more, '--trace', file], {
        encoding: 'utf8',
        cwd: ROOT,
      });
    const text = sample(
      'models/sedd-nano',
      '--prompt',
      'Once upon a time',
      '--steps',
      '5',
      '--length',
      '24',
      '--seed',
      '18446744073709551615',
    );
    const trace = readTrace(readFileSync(file, 'utf8'));
    assert.equal(trace.seed, '18446744073709551615');
    assert.equal(trace.length, 24);
    const { finals, last } = History.fromTrace(trace);
    assert.equal(last, 6);
    assert.equal(`${finals.join('')}\n`, text);
    assert.deepEqual(trace.held, [0, 1, 2, 3]);
    assert.equal(trace.model.name, 'sedd-nano');
    assert.ok(trace.events.every(({ changed, confidence }) => !changed.length || confidence.length === changed.length));
    assert.deepEqual(readTrace(writeTrace(trace)), trace);

    sample('tests/golden/uniform', '--steps', '6', '--length', '12'); // has neither masks nor a tokenizer
    const uniform = readTrace(readFileSync(file, 'utf8'));
    assert.ok(uniform.events.some(({ changed }) => changed.length > 0));
    assert.equal(History.fromTrace(uniform).at(0).masked, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
