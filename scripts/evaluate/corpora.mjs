// Cuts corpora into blocks of ids as the reference code does. Every row of a data set is tokenised and followed by end-of-text. The rows
// of a batch of 1,000 are concatenated and cut into blocks, and the remainder of a batch is dropped.
import path from 'node:path';
import { lambada, ptb, wikitext } from './detokenize.mjs';
import { indexField, readJsonLines, readText, readTexts, textField } from './files.mjs';
import { evenly } from './random.mjs';

const BATCH = 1000; // rows

/** Cuts rows into blocks. @param {number[][]} rows ids @returns {{ids: number[], before: number[]}[]} blocks of `length` ids, each with the block before it in its batch, if any */
export function blocks(rows, endOfText, length) {
  const result = [];
  for (let first = 0; first < rows.length; first += BATCH) {
    const ids = rows.slice(first, first + BATCH).flatMap((row) => [...row, endOfText]);
    for (let begin = 0; begin + length <= ids.length; begin += length) {
      result.push({ ids: ids.slice(begin, begin + length), before: begin > 0 ? ids.slice(begin - length, begin) : [] });
    }
  }
  return result;
}

/** Returns the lines of a text as data sets store them: each with its line break, and empty lines as empty rows. */
const lines = (text) =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line.trim() === '' ? '' : `${line}\n`));

function lambadaRows(file) {
  return readJsonLines(file, (fail, object) =>
    'text' in object
      ? textField(fail, object, 'text')
      : `${textField(fail, object, 'context')} ${textField(fail, object, 'continuation')}`,
  );
}

/** Returns the documents of a text, which lines <|endoftext|> separate; without such lines the whole text is one document. */
export const documents = (text) =>
  text
    .split(/^<\|endoftext\|>$/m)
    .map((part) => part.trim())
    .filter((part) => part !== '');

export const CORPORA = {
  wikitext2: {
    title: 'WikiText-2 (test)',
    rows: (data) => lines(readText(path.join(data, 'wikitext2-raw.test.txt'))).map(wikitext),
  },
  lambada: {
    title: 'LAMBADA (test)',
    rows: (data) => lambadaRows(path.join(data, 'lambada_openai.jsonl')).map(lambada),
  },
  ptb: { title: 'Penn Treebank (test)', rows: (data) => lines(readText(path.join(data, 'ptb.test.txt'))).map(ptb) },
  shakespeare: { title: 'Tiny Shakespeare', rows: (data) => lines(readText(path.join(data, 'tinyshakespeare.txt'))) },
};

/** @param {string} name one of CORPORA, or text:FOLDER @returns {{title: string, rows: string[]}} */
export function corpus(name, data) {
  if (name.startsWith('text:')) {
    const place = name.slice(5);
    return { title: path.basename(place), rows: readTexts(place).flatMap(documents) };
  }
  if (!CORPORA[name])
    throw new Error(`unknown corpus "${name}"; expected ${Object.keys(CORPORA).join(', ')} or text:FOLDER`);
  return { title: CORPORA[name].title, rows: CORPORA[name].rows(data) };
}

/** Returns the blocks of a corpus for a model, at most `count`, evenly spread. */
export async function corpusBlocks(model, name, data, count) {
  const { title, rows } = corpus(name, data);
  const all = blocks(await model.encode(rows), await model.endOfText(), model.length);
  if (!all.length) throw new Error(`${title} has fewer than ${model.length} tokens, the length of one block`);
  return { title, total: all.length, blocks: evenly(all, count) };
}

/** Reads the held-out windows that come with the models: one list of ids, separated by commas. */
export function heldOut(file, length, tokens) {
  const ids = readText(file)
    .trim()
    .split(',')
    .map((text, i) =>
      indexField(
        (_, problem) => {
          throw new Error(`${file}, id ${i + 1}: ${problem}`);
        },
        { id: Number(text) },
        'id',
        tokens,
      ),
    );
  if (ids.length < length) throw new Error(`${file} has ${ids.length} ids; expected one window of ${length} or more`);
  return Array.from({ length: Math.floor(ids.length / length) }, (_, i) => ids.slice(i * length, (i + 1) * length));
}
