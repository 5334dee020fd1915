// Stores answers as they arrive, one JSON line each, so that a stopped run can continue, and the rows of the tables.
import { appendFileSync, closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from './files.mjs';

/** The answers by key. A partial last line, left by a crash, is dropped. */
export class Store {
  #answers = new Map();

  constructor(file) {
    this.file = file;
    mkdirSync(path.dirname(file), { recursive: true });
    if (existsSync(file)) this.#read();
  }

  #read() {
    const bytes = readFileSync(this.file);
    const whole = bytes.lastIndexOf(10) + 1;
    if (whole < bytes.length) {
      const handle = openSync(this.file, 'r+');
      ftruncateSync(handle, whole);
      closeSync(handle);
    }
    bytes
      .subarray(0, whole)
      .toString('utf8')
      .split('\n')
      .forEach((line, i) => {
        if (line === '') return;
        try {
          const { key, answer } = JSON.parse(line);
          this.#answers.set(key, answer);
        } catch {
          throw new Error(
            `${this.file}, line ${i + 1}: not one of the lines this program wrote; move the file away to start afresh`,
          );
        }
      });
  }

  has(key) {
    return this.#answers.has(key);
  }

  get(key) {
    return this.#answers.get(key);
  }

  put(key, about, answer) {
    this.#answers.set(key, answer);
    appendFileSync(this.file, `${JSON.stringify({ key, ...about, answer })}\n`);
  }
}

const identity = ({ table, model, ...row }) =>
  JSON.stringify([
    table,
    model,
    ...[
      'corpus',
      'task',
      'estimator',
      'scoring',
      'kind',
      'steps',
      'temperature',
      'way',
      'length',
      'threads',
      'prompt',
      'twin',
      'host',
      'topP',
    ].map((field) => row[field] ?? null),
  ]);

/** The tables' rows, one JSON line each, sorted so that a new measurement replaces the old one in its place. */
export class Results {
  constructor(file) {
    this.file = file;
    this.rows = new Map();
    for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      if (line !== '') this.add(JSON.parse(line));
    }
  }

  add(row) {
    this.rows.set(identity(row), row);
  }

  /** Writes the file atomically: a failed write leaves the old one. */
  save() {
    writeWhole(this.file, this.text());
  }

  /** Returns the rows of a table whose fields are those of `wanted`. */
  of(table, wanted = {}) {
    return [...this.rows.values()].filter(
      (row) => row.table === table && Object.entries(wanted).every(([field, value]) => row[field] === value),
    );
  }

  text() {
    return [...this.rows.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => `${JSON.stringify(row)}\n`)
      .join('');
  }
}
