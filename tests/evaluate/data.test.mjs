// Checks that data is prepared as in the reference code, and that errors about bad files name the line and the field.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TASKS, optionsOf, readTask } from '../../scripts/evaluate/choices.mjs';
import { clozeItems, parted } from '../../scripts/evaluate/cloze.mjs';
import { blocks, corpus, documents, heldOut } from '../../scripts/evaluate/corpora.mjs';
import { lambada, ptb, wikitext } from '../../scripts/evaluate/detokenize.mjs';
import { readText } from '../../scripts/evaluate/files.mjs';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-evaluate-'));
const put = (name, content) => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
test.after(() => rmSync(folder, { recursive: true }));

test('WikiText is detokenised', () => {
  assert.equal(wikitext(' = = Early life = = \n'), ' == Early life ==\n');
  assert.equal(
    wikitext(' The 12 @-@ year @-@ old won $ 1 @,@ 250 @.@ 50 ( about half ) ; he said " no more " . \n'),
    ' The 12-year-old won $ 1,250.50 (about half); he said "no more".\n',
  );
  assert.equal(wikitext(" the boys ' own N things [ sic ] 25 \u00b0 C"), " the boys' own 1 things [sic] 25\u00b0C");
  assert.equal(wikitext(" a man 's dog"), " a man's dog");
});

test('Penn Treebank and LAMBADA are detokenised', () => {
  assert.equal(
    ptb(" mr. <unk> is n't paid $ N in N N issues 's \\/ more"),
    " mr. ? isn't paid $1 in 1 1 issues's / more",
  );
  assert.equal(lambada('  \u201cYes,\u201d he said.\n'), '\n"Yes," he said.');
});

test('rows end with end-of-text, blocks stay within batches of 1,000 rows, remainders are dropped', () => {
  const rows = [[1, 2], [], [3, 4, 5], [6]];
  assert.deepEqual(blocks(rows, 9, 4), [
    { ids: [1, 2, 9, 9], before: [] },
    { ids: [3, 4, 5, 9], before: [1, 2, 9, 9] },
  ]);
  const many = Array.from({ length: 1001 }, (_, i) => [i % 7]);
  const cut = blocks(many, 9, 300);
  assert.equal(cut.length, 6, '2,000 ids of the first batch give six blocks, the two of the second none');
  assert.ok(cut.every(({ ids }) => ids.length === 300));
});

test('lines of a corpus are rows with their line break, empty lines empty rows', () => {
  put('wikitext2-raw.test.txt', ' = A = \n \n some text . \n');
  assert.deepEqual(corpus('wikitext2', folder).rows, [' = A =\n', '', ' some text.\n']);
  assert.throws(() => corpus('nowhere', folder), /unknown corpus "nowhere"/);
});

test('a text folder is cut into documents', () => {
  assert.deepEqual(documents('one\n<|endoftext|>\n\ntwo\nlines\n<|endoftext|>\n'), ['one', 'two\nlines']);
});

test('held-out windows are whole windows of ids in range', () => {
  assert.deepEqual(heldOut(put('w.ids', '1,2,3,4,5'), 2, 10), [
    [1, 2],
    [3, 4],
  ]);
  assert.throws(() => heldOut(put('w.ids', '1,2,30'), 2, 10), /id 3: expected a whole number from 0 to 9, found 30/);
  assert.throws(() => heldOut(put('w.ids', '1,2,x'), 2, 10), /id 3/);
  assert.throws(() => heldOut(put('w.ids', '1'), 2, 10), /has 1 ids/);
});

for (const [name, content, words] of [
  ['no JSON', '{"query": "a", "choices": ["b", "c"], "gold": 0}\nnot json\n', /copa.jsonl, line 2: invalid JSON/],
  ['a list', '[1]\n', /line 1: expected an object, found a list/],
  ['a missing field', '{"choices": ["b", "c"], "gold": 0}\n', /line 1, field "query": expected text, found nothing/],
  [
    'a number for text',
    '{"query": 5, "choices": ["b", "c"], "gold": 0}\n',
    /field "query": expected text, found a number/,
  ],
  ['an empty text', '{"query": " ", "choices": ["b", "c"], "gold": 0}\n', /field "query": the text is empty/],
  [
    'a zero character',
    '{"query": "a\\u0000", "choices": ["b", "c"], "gold": 0}\n',
    /field "query": the text has a zero character/,
  ],
  [
    'choices that are not a list',
    '{"query": "a", "choices": "b", "gold": 0}\n',
    /field "choices": expected a list of texts/,
  ],
  ['one choice', '{"query": "a", "choices": ["b"], "gold": 0}\n', /field "choices": expected 2 to 26 texts, found 1/],
  [
    'a choice that is null',
    '{"query": "a", "choices": ["b", null], "gold": 0}\n',
    /field "choices\[1\]": expected text, found null/,
  ],
  [
    'a label out of range',
    '{"query": "a", "choices": ["b", "c"], "gold": 2}\n',
    /line 1, field "gold": expected a whole number from 0 to 1, found 2/,
  ],
  [
    'a label that is text',
    '{"query": "a", "choices": ["b", "c"], "gold": "0"}\n',
    /field "gold": expected a whole number/,
  ],
  ['an empty file', '', /copa.jsonl is empty/],
  [
    'bytes that are not UTF-8',
    Buffer.concat([
      Buffer.from('{"query": "a", "choices": ["b", "c"], "gold": 0}\n{"query": "'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n'),
    ]),
    /copa.jsonl, line 2: not valid UTF-8/,
  ],
]) {
  test(`a choice file with ${name} is refused`, () => {
    put('copa.jsonl', content);
    assert.throws(() => readTask('copa', folder), words);
  });
}

test('a missing file or a folder is refused', () => {
  assert.throws(() => readText(path.join(folder, 'none')), /none cannot be read/);
  assert.throws(() => readText(folder), /is not a file/);
});

/** Makes a fake model whose tokens are single characters. */
const letters = {
  kind: 'sedd',
  length: 12,
  encode: async (texts) => texts.map((text) => [...text].map((c) => c.codePointAt(0))),
};
const spell = (ids) => String.fromCodePoint(...ids);

test('options are context and target, cut to the length that the model reads', async () => {
  put('piqa.jsonl', '{"query": "Q\\n", "choices": ["yes", "no "], "gold": 1}\n');
  const [item] = readTask('piqa', folder);
  assert.deepEqual(
    [item.contexts[0], item.targets, item.characters, item.gold],
    ['Q\nAnswer:', [' yes', ' no'], [3, 2], 1],
  );
  const { options, cut } = await optionsOf(letters, item, 0);
  assert.deepEqual(
    options.map(({ ids, given }) => [spell(ids), given]),
    [
      ['\nAnswer: yes', 8],
      ['Q\nAnswer: no', 9],
    ],
  );
  assert.equal(cut, true, 'the first option lost the beginning of its context');
  const gpt2 = await optionsOf({ ...letters, kind: 'gpt2' }, item, 7);
  assert.deepEqual([gpt2.options[1].ids[0], gpt2.options[1].given, gpt2.options[1].ids.length], [7, 10, 13]);
});

test('if only the contexts differ, the same text is scored after each', () => {
  put('winogrande.jsonl', '{"context_options": ["So A", "So B"], "continuation": "fell.", "gold": 0}\n');
  const [item] = readTask('winogrande', folder);
  assert.deepEqual(
    [item.contexts, item.targets],
    [
      ['So A', 'So B'],
      [' fell.', ' fell.'],
    ],
  );
});

test('a context longer than the window loses its beginning, and a target longer than the window its end', async () => {
  const item = { contexts: ['abc', 'abc'], targets: [' 0123456789abcdef', ' 1'], gold: 0, characters: [16, 1] };
  const { options } = await optionsOf(letters, item, 0);
  assert.deepEqual(
    options.map(({ ids, given }) => [spell(ids), given]),
    [
      [' 0123456789a', 0],
      ['abc 1', 3],
    ],
  );
});

test('every task names a file and a title', () =>
  assert.ok(Object.values(TASKS).every(({ file, title, read }) => file.endsWith('.jsonl') && title && read)));

test('stories are split at sentence ends, and the endings are shuffled with the correct one among them', () => {
  const stops = new Set([0]);
  const window = (seed) => [1, seed, 3, 4, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0, seed, 7, 7, 7, 0, 8];
  const stories = parted([1, 2, 3, 4, 5].map(window), stops);
  assert.deepEqual(stories[1], {
    first: [1, 2, 3, 4, 0],
    middle: [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0],
    last: [2, 7, 7, 7, 0],
  });
  assert.equal(parted([[1, 2, 0, 4, 0]], stops).length, 0, 'too short a story is left out');
  const items = clozeItems(stories, 3);
  items.forEach(({ endings, gold }, i) => {
    assert.deepEqual(endings[gold], stories[i].last);
    assert.equal(new Set(endings.map(String)).size, 4, 'four different endings');
  });
  assert.ok(new Set(items.map(({ gold }) => gold)).size > 1, 'the right ending moves');
  assert.deepEqual(clozeItems(stories, 3), items);
});
