// Tests the preview of a prompt as cells before a model is loaded.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { preview, prefixOf } from '../../web/view/preview.js';

const shown = (prompt, length) => {
  const { state, held, holes } = preview(prompt, length);
  assert.deepEqual(
    held,
    state.texts.flatMap((text, i) => (text === null ? [] : [i])),
  );
  assert.deepEqual(
    holes,
    state.texts.flatMap((text, i) => (text === null ? [i] : [])),
  );
  assert.equal(state.masked, holes.length);
  return state.texts.map((text) => text ?? '_').join('');
};

test('words become given cells, and holes become masks', () => {
  assert.equal(shown('Once upon a time,{3} the end.'), 'Once upon a time,___ the end.');
  assert.equal(shown('{2} and{1}'), '__ and_');
  assert.equal(shown('a {{brace}}{1}'), 'a {brace}_');
});

test('a hole {*} takes the rest of the length', () => {
  assert.equal(shown('One day{*} home.', 8), 'One day_____ home.');
  assert.equal(shown('One day', 5), 'One day___');
  assert.equal(shown('One day'), `One day${'_'.repeat(24)}`);
  assert.equal(shown('', 4), '____');
  assert.equal(shown('far too many words for it{*}', 3), 'far too many words for it_');
});

test('a huge hole is drawn up to a bound', () => {
  assert.equal(preview('{65536}').state.texts.length, 512);
  assert.equal(preview('Once', 65536).state.texts.length, 512);
});

test('an invalid prompt is refused with the parser’s sentence', () => {
  assert.throws(() => preview('a {x} b'), { name: 'SeddError', code: 'argument', message: /not a hole/ });
});

test('GPT-2 is given the text before the first hole', () => {
  assert.equal(prefixOf('Once upon a time, {20} the end.'), 'Once upon a time,');
  assert.equal(prefixOf('{20} the end.'), '');
  assert.equal(prefixOf('One day'), 'One day');
  assert.equal(prefixOf(''), '');
});

test('the modules of the elements load without a document', async () => {
  const { SeddPlayer, SeddDemo } = await import('../../web/define.js');
  assert.ok(SeddPlayer.observedAttributes.includes('src'));
  assert.ok(SeddDemo.observedAttributes.includes('top-p'));
});
