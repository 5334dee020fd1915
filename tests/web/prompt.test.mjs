// Prompts with holes: parsing, writing back, and laying into a window.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { escapeText, formatPrompt, layPrompt, parsePrompt } from '../../web/prompt.js';

/** A toy tokenizer: one token a character. */
const tokenize = (text) => [...text].map((c) => c.charCodeAt(0));
const lay = (prompt, options = { fallback: 10 }) => {
  const { length, held } = layPrompt(prompt, tokenize, options);
  return Array.from({ length }, (_, i) => (held.has(i) ? String.fromCharCode(held.get(i)) : '.')).join('');
};

test('text and holes are told apart', () => {
  assert.deepEqual(parsePrompt('Once upon a time, {20} the end.'), [
    { text: 'Once upon a time, ' },
    { hole: 20 },
    { text: ' the end.' },
  ]);
  assert.deepEqual(parsePrompt('{*}x{ 3 }'), [{ rest: true }, { text: 'x' }, { hole: 3 }]);
  assert.deepEqual(parsePrompt('{{1}} }}{{'), [{ text: '{1} }{' }]);
  assert.deepEqual(parsePrompt(''), []);
});

test('a prompt written from its parts is the prompt', () => {
  for (const prompt of ['', 'plain', 'a {{b}} c', '{1}{*}{65536}', 'ends {*}', '𝄞 {2} ✓ {{{3}}}']) {
    assert.equal(formatPrompt(parsePrompt(prompt)), prompt);
  }
  assert.deepEqual(parsePrompt(escapeText('{5} and }{')), [{ text: '{5} and }{' }]);
});

test('what is no hole is refused with a sentence', () => {
  for (const [prompt, words] of [
    ['a {b}', /\{b\} is no hole/],
    ['{0}', /\{0\} is no hole/],
    ['{65537}', /no hole/],
    ['{-1}', /no hole/],
    ['{}', /no hole/],
    ['{1', /never closed/],
    ['1}', /no \{ before/],
    ['{*} {*}', /more than once/],
    ['{1e3}', /no hole/],
    [null, /prompt is null/],
    [7, /of type number/],
  ]) {
    assert.throws(
      () => parsePrompt(prompt),
      (error) => error.code === 'argument' && words.test(error.message),
      String(prompt),
    );
  }
});

test('the window holds the text where it stands', () => {
  assert.equal(lay('ab'), 'ab........');
  assert.equal(lay('ab{3}c'), 'ab...c', 'counted holes make the window');
  assert.equal(lay('ab{3}c', { length: 8, fallback: 10 }), 'ab...c..', 'a longer window is open at its end');
  assert.equal(lay('ab{*}c'), 'ab.......c');
  assert.equal(lay('{*}c{2}', { length: 6, fallback: 10 }), '...c..');
  assert.equal(lay('a {2} c'), 'a.. c', 'one space before a hole belongs to the hole');
  assert.equal(lay('a  {2}'), 'a ..', 'and only one');
  assert.equal(lay('a '), 'a ........', 'a prefix keeps its last space');
  assert.equal(lay('ab{9}').length, 11);
  assert.throws(() => lay('ab{9}', { length: 10, fallback: 10 }), /takes 11 tokens .* the window has 10/);
});
