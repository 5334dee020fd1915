// Tests the page's string tables: every language has every key, every key is used, and index.html holds the English strings.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fill } from '../../scripts/strings.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');
const languages = readdirSync(path.join(ROOT, 'web/strings')).filter((name) => name.endsWith('.js'));
const tables = new Map(
  await Promise.all(languages.map(async (name) => [name, (await import(`../../web/strings/${name}`)).default])),
);
const english = tables.get('en.js');

/** Returns the names of the values that a string takes. */
const values = (entry) =>
  typeof entry === 'function'
    ? ['function']
    : [...new Set([...entry.matchAll(/(?<!\{)\{(\w+)\}(?!\})|\{\{\w+\}\}/g)].map(([name]) => name))].sort();

test('every language has the same keys, taking the same values', () => {
  assert.ok(tables.size >= 1);
  for (const [name, table] of tables) {
    assert.deepEqual(Object.keys(table).sort(), Object.keys(english).sort(), name);
    for (const key of Object.keys(english)) {
      if (typeof english[key] === 'string' && typeof table[key] === 'string')
        assert.deepEqual(values(table[key]), values(english[key]), `${name}: ${key}`);
    }
  }
});

test('every key is used by the page', () => {
  const source = [
    read('index.html'),
    ...readdirSync(path.join(ROOT, 'web/page'))
      .filter((name) => name.endsWith('.js'))
      .map((name) => read(`web/page/${name}`)),
  ].join('\n');
  const literal = new Set([...source.matchAll(/['"`]([a-z][\w.-]*)['"`]/gi)].map(([, key]) => key));
  const patterns = [...source.matchAll(/`([a-z][\w.-]*\.)\$\{/gi)].map(([, prefix]) => prefix);
  const unused = Object.keys(english).filter(
    (key) => !literal.has(key) && !patterns.some((prefix) => key.startsWith(prefix)),
  );
  assert.deepEqual(unused, []);
});

test('every key that the page uses exists', () => {
  const source = readdirSync(path.join(ROOT, 'web/page'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => read(`web/page/${name}`))
    .join('\n');
  const asked = [...source.matchAll(/\bt\('([^']+)'/g)].map(([, key]) => key);
  assert.ok(asked.length > 50);
  assert.deepEqual(
    asked.filter((key) => !(key in english)),
    [],
  );
});

test('index.html holds the strings of the English table', () => {
  const page = read('index.html');
  assert.equal(page, fill(page));
});

test('the elements have the same words in every language', async () => {
  const languages = readdirSync(path.join(ROOT, 'web/view/words')).filter((name) => name.endsWith('.js'));
  assert.deepEqual(languages, ['en.js', 'zh.js']);
  const words = await Promise.all(languages.map((name) => import(`../../web/view/words/${name}`)));
  const shape = (table) =>
    Object.entries(table)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([part, entries]) => [
        part,
        Object.keys(entries)
          .sort()
          .map((key) => [key, typeof entries[key], entries[key].length * (typeof entries[key] === 'function')]),
      ]);
  for (const table of words) assert.deepEqual(shape(table), shape(words[0]));
});
