// Tests token boundaries in typed text, templates with holes, and selections that become holes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Tokenizer, boundaries, cut, maskSelection } from '../../web/page/tokens.js';

/** A tokenizer of words with their leading space, reduced to what these tests need. */
const words = new Tokenizer(async (text) => ({ ids: [], texts: text.match(/ ?[^ .]+|[ .]/g) ?? [] }));
const mask = async (source, selected) => {
  const from = source.indexOf(selected);
  return maskSelection(source, await words.pieces(source), from, from + selected.length);
};

test('boundaries follow the tokens', () => {
  assert.deepEqual(boundaries('a dog', ['a', ' dog']), [
    { from: 0, to: 1, count: 1 },
    { from: 1, to: 5, count: 1 },
  ]);
});

test('parts of one character share a piece', () => {
  assert.deepEqual(boundaries('a é b', ['a', ' ', '\ufffd', '\ufffd', ' b']), [
    { from: 0, to: 1, count: 1 },
    { from: 1, to: 2, count: 1 },
    { from: 2, to: 3, count: 2 },
    { from: 3, to: 5, count: 1 },
  ]);
  assert.deepEqual(boundaries('猫', ['\ufffd', '\ufffd', '\ufffd']), [{ from: 0, to: 1, count: 3 }]);
});

test('a template is cut at its holes and not at doubled braces', () => {
  assert.deepEqual(
    cut('a {2} {{b}} {*}').map(({ from, to, hole }) => [from, to, hole]),
    [
      [0, 2, false],
      [2, 5, true],
      [5, 12, false],
      [12, 15, true],
    ],
  );
});

test("one space before a hole is the hole's, and doubled braces count once", async () => {
  const pieces = await words.pieces('say {{x}} {2} end');
  assert.deepEqual(
    pieces.map(({ from, to, count, hole }) => [from, to, count, hole]),
    [
      [0, 3, 1, false],
      [3, 9, 1, false],
      [9, 10, 0, false],
      [10, 13, 2, true],
      [13, 17, 1, false],
    ],
  );
});

test('a selection grows to whole tokens and to the holes it touches', async () => {
  assert.deepEqual(await mask('there was a little dog.', 'ittle do'), {
    text: 'there was a {2}.',
    caret: 15,
    count: 2,
  });
  assert.equal((await mask('a little dog', 'little')).text, 'a {1} dog', 'and no further');
  assert.equal((await mask('there was', 'the')).text, '{1} was');
  assert.equal((await mask('a {2} little dog', '2} lit')).text, 'a {3} dog');
  assert.equal((await mask('a {*} little dog', '*} lit')).text, 'a {*} dog');
  assert.equal(await mask('a dog', ' '), null, 'a space alone is no word');
});
