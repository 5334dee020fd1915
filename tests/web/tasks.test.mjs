// Tests how the page prepares a task, without drawing it: GPT-2's left-to-right answer, the pairs of tokens that
// illustrate a step, and the ready-made tasks.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { EXAMPLES, isChosen } from '../../web/page/examples.js';
import { writeLeftToRight } from '../../web/page/left-to-right.js';
import { SENTENCE, contradictions, measurePairs } from '../../web/page/pairs.js';
import { layPrompt, parsePrompt } from '../../web/prompt.js';
import { gpt2InNode, seddInNode } from './files.mjs';

let sedd;
let gpt2;
before(async () => {
  [sedd, gpt2] = await Promise.all([seddInNode(), gpt2InNode()]);
});
after(() => Promise.all([sedd.dispose(), gpt2.dispose()]));

/** Returns the positions of a prompt's given tokens, as the engine places them. */
async function laid(prompt, length) {
  const texts = new Set(parsePrompt(prompt).flatMap(({ text }) => (text ? [text, text.replace(/ $/, '')] : [])));
  const ids = new Map(await Promise.all([...texts].map(async (text) => [text, (await gpt2.tokenize(text)).ids])));
  return layPrompt(prompt, (text) => ids.get(text), { length, fallback: 128 });
}

for (const { id, prompt } of [...EXAMPLES, { id: 'a hole in front, the rest behind', prompt: '{3} a {2} b {*}' }]) {
  test(`GPT-2 keeps the given words where they stand: ${id}`, async () => {
    const { length, held } = await laid(prompt, /\{\d/.test(prompt) && !/\*/.test(prompt) ? undefined : 40);
    const { history, tokens } = await writeLeftToRight(gpt2, {
      prompt,
      length,
      seed: 3,
      temperature: 0.8,
      topP: 0.9,
      topK: 0,
    });
    assert.equal(history.length, length);
    assert.equal(tokens, length - held.size);
    const { ids, texts } = history.at(history.last);
    assert.deepEqual(new Map([...history.held].map((position) => [position, ids[position]])), held);
    assert.ok(texts.every((text) => typeof text === 'string'));
    const open = history.changes.map(([position]) => position);
    assert.deepEqual(
      open,
      open.toSorted((a, b) => a - b),
      'from left to right',
    );
  });
}

test('GPT-2 writes a hole from what stands on its left, and sees nothing of what follows', async () => {
  const options = { seed: 5, temperature: 0.8, topP: 0.9, topK: 0 };
  const write = async (prompt) => {
    const { history } = await writeLeftToRight(gpt2, { prompt, length: 32, ...options });
    return history.at(history.last).texts.slice(4, 10).join('');
  };
  const run = gpt2.generate({ prompt: 'Once upon a time', tokens: 6, ...options });
  const { text } = await run.result;
  assert.equal(await write('Once upon a time {6} the end.'), text);
  assert.equal(await write('Once upon a time {6} a whale.'), text);
});

test('the pairs are what the model says of two masks, together and in turn', async () => {
  const pairs = await measurePairs(sedd);
  assert.equal(pairs.length, 4);
  const mask = sedd.info.maskId;
  const parts = await Promise.all(SENTENCE.map(async (part) => (await sedd.tokenize(part)).ids));
  const ids = [...parts[0], mask, ...parts[1], mask, ...parts[2]];
  const [first, second] = [parts[0].length, parts[0].length + 1 + parts[1].length];
  const sigma = -Math.log(1 - 2 / ids.length);
  const share = async (text, position, word) => {
    const { positions } = await sedd.inspect(text, { sigma, positions: [position], topK: sedd.info.tokens });
    return positions[0].candidates.find((candidate) => candidate.text === word);
  };
  for (const { words, together, inTurn } of pairs) {
    const one = await share(ids, first, words[0]);
    const other = await share(ids, second, words[1]);
    assert.ok(Math.abs(together - one.probability * other.probability) < 1e-9);
    const opened = ids.with(first, one.id);
    assert.ok(Math.abs(inTurn - one.probability * (await share(opened, second, words[1])).probability) < 1e-9);
  }
  const misfits = pairs.filter(({ fits }) => !fits);
  const sum = misfits.reduce((all, { together }) => all + together, 0);
  assert.ok(sum > 0.1, 'drawn together they often contradict');
  assert.ok(Math.abs(contradictions(pairs, 1) - sum) < 1e-12);
  const shares = [1, 2, 8, 64].map((steps) => contradictions(pairs, steps));
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
    'fewer with more steps',
  );
});

test('the ready tasks fit the model and know their seeds', async () => {
  assert.deepEqual(
    EXAMPLES.map(({ id }) => id),
    ['continue', 'middle', 'ends', 'words', 'acrostic'],
  );
  for (const { prompt, seed } of EXAMPLES) {
    assert.ok((await laid(prompt)).length <= sedd.info.length);
    assert.ok(isChosen({ prompt, seed }) && !isChosen({ prompt, seed: `${seed}1` }));
  }
});
