// Reads external data and checks it: valid UTF-8 of at most LIMIT bytes, and JSON lines with the fields of a format. Writes files atomically.
import { mkdirSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const LIMIT = 512 * 2 ** 20; // largest file, in bytes

/** Writes a file under another name and renames it. A failed write leaves the old file, and a reader never sees a partial file. */
export function writeWhole(file, text) {
  const part = `${file}.part`;
  mkdirSync(path.dirname(file), { recursive: true });
  try {
    writeFileSync(part, text, { flush: true });
    renameSync(part, file);
  } catch (error) {
    try {
      unlinkSync(part);
    } catch {
      /* the partial file was never made */
    }
    throw new Error(`${file} could not be written (${error.code ?? error.message}); the old file is unchanged`);
  }
}

/** @returns {string} */
export function readText(file) {
  let stat;
  try {
    stat = statSync(file);
  } catch {
    throw new Error(`${file} cannot be read; expected a text file`);
  }
  if (!stat.isFile()) throw new Error(`${file} is not a file`);
  if (stat.size === 0) throw new Error(`${file} is empty`);
  if (stat.size > LIMIT) throw new Error(`${file} has ${stat.size} bytes; the limit is ${LIMIT}; split the file`);
  const bytes = readFileSync(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file}, line ${badLine(bytes)}: not valid UTF-8`);
  }
}

/** Returns the number of the first line that does not decode. */
function badLine(bytes) {
  for (let begin = 0, number = 1; begin < bytes.length; number++) {
    const end = bytes.indexOf(10, begin);
    const line = bytes.subarray(begin, end < 0 ? bytes.length : end);
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(line);
    } catch {
      return number;
    }
    begin = end < 0 ? bytes.length : end + 1;
  }
  return 1;
}

/** Reads every .txt file below a folder, sorted by name, or a single file. */
export function readTexts(place) {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return [readText(place)];
  const files = readdirSync(place, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.txt'))
    .sort();
  if (!files.length) throw new Error(`${place} has no .txt file`);
  return files.map((name) => readText(path.join(place, name)));
}

const typeName = (value) => (value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`);

/** @param {(fail: (field: string, problem: string) => never, object: any) => T} parse @returns {T[]} @template T */
export function readJsonLines(file, parse) {
  const lines = readText(file).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, i) => {
    const where = `${file}, line ${i + 1}`;
    let object;
    try {
      object = JSON.parse(line);
    } catch {
      throw new Error(`${where}: invalid JSON`);
    }
    if (object === null || typeof object !== 'object' || Array.isArray(object))
      throw new Error(`${where}: expected an object, found ${typeName(object)}`);
    return parse((field, problem) => {
      throw new Error(`${where}, field "${field}": ${problem}`);
    }, object);
  });
}

/** Returns a field that must be a text that is not blank. */
export function textField(fail, object, field) {
  const value = object[field];
  if (typeof value !== 'string')
    fail(field, `expected text, found ${value === undefined ? 'nothing' : typeName(value)}`);
  if (value.trim() === '') fail(field, 'the text is empty');
  if (value.includes('\0')) fail(field, 'the text has a zero character');
  return value;
}

export function textsField(fail, object, field) {
  const value = object[field];
  if (!Array.isArray(value))
    fail(field, `expected a list of texts, found ${value === undefined ? 'nothing' : typeName(value)}`);
  if (value.length < 2 || value.length > 26) fail(field, `expected 2 to 26 texts, found ${value.length}`);
  return value.map((_, i) => textField((__, problem) => fail(`${field}[${i}]`, problem), value, i));
}

export function indexField(fail, object, field, count) {
  const value = object[field];
  if (!Number.isInteger(value) || value < 0 || value >= count)
    fail(field, `expected a whole number from 0 to ${count - 1}, found ${JSON.stringify(value)}`);
  return value;
}
