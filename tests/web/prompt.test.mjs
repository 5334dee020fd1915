// Tests prompts with holes: parsing, writing back, and placing them in a window. The tool's tests use the same cases,
// tests/prompts.json.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { escapeText, formatPrompt, layPrompt, parsePrompt } from '../../web/prompt.js';

const { parsed, refused, windows } = JSON.parse(readFileSync(new URL('../prompts.json', import.meta.url), 'utf8'));

/** A toy tokenizer: one token a character. */
const tokenize = (text) => [...text].map((c) => c.charCodeAt(0));
const lay = (prompt, options = { fallback: 10 }) => {
  const { length, held } = layPrompt(prompt, tokenize, options);
  return Array.from({ length }, (_, i) => (held.has(i) ? String.fromCharCode(held.get(i)) : '.')).join('');
};
const partOf = (part) => (typeof part === 'string' ? { text: part } : typeof part === 'number' ? { hole: part } : part);

test('text and holes are told apart', () => {
  assert.ok(parsed.length > 5);
  for (const { prompt, parts } of parsed) assert.deepEqual(parsePrompt(prompt), parts.map(partOf), prompt);
});

test('a prompt written from its parts is the prompt', () => {
  for (const prompt of ['', 'plain', 'a {{b}} c', '{1}{*}{65536}', 'ends {*}', '𝄞 {2} ✓ {{{3}}}']) {
    assert.equal(formatPrompt(parsePrompt(prompt)), prompt);
  }
  assert.deepEqual(parsePrompt(escapeText('{5} and }{')), [{ text: '{5} and }{' }]);
});

test('an invalid hole is refused with a sentence', () => {
  assert.ok(refused.length > 5);
  for (const { prompt, words } of [
    ...refused,
    { prompt: null, words: 'prompt is null' },
    { prompt: 7, words: 'of type number' },
  ]) {
    assert.throws(
      () => parsePrompt(prompt),
      (error) => error.code === 'argument' && error.message.includes(words),
      String(prompt),
    );
  }
});

test('the window holds the text where it stands', () => {
  assert.ok(windows.length > 5);
  for (const { prompt, length, window, words } of windows) {
    const options = { length, fallback: 10 };
    if (window !== undefined) assert.equal(lay(prompt, options), window, prompt);
    else
      assert.throws(
        () => lay(prompt, options),
        (error) => error.message.includes(words),
        prompt,
      );
  }
});
