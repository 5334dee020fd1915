// Collects the snippets of the documentation: fenced blocks of every README, and the code under each @example of a doc comment.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const SKIPPED = /^(node_modules|build|\.deps|\.toolchain|types|dist|web\/(wasm|vendor)|tests)(\/|$)/;

const files = (pattern) => globSync(pattern, { cwd: ROOT, exclude: (name) => SKIPPED.test(name) }).sort();
export const READMES = files('{*.md,*/*.md,*/*/*.md}');

const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');
const lineOf = (text, index) => text.slice(0, index).split('\n').length;

/** @returns {{file: string, line: number, language: string, code: string}[]} */
export const fenced = () =>
  READMES.flatMap((file) => {
    const text = read(file);
    return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language, 2: code, index }) => ({
      file,
      line: lineOf(text, index),
      language,
      code,
    }));
  });

/** Returns indented blocks, which have no language: commands, output and data. */
export const indented = () =>
  READMES.flatMap((file) => {
    const text = read(file).replace(/^```.*?^```$/gms, (block) => block.replace(/[^\n]/g, ''));
    return [...text.matchAll(/(?<=\n\n)(?: {4}.*\n)+/g)].map(({ 0: code, index }) => ({
      file,
      line: lineOf(text, index),
      code: code.replace(/^ {4}/gm, ''),
    }));
  });

/** @returns {{file: string, line: number, language: string, code: string}[]} */
export const examples = () =>
  files('web/**/*.js').flatMap((file) => {
    const text = read(file);
    return [...text.matchAll(/@example\n((?:\s*\*(?: {3}.*)?\n)+)/g)].map(({ 1: body, index }) => ({
      file,
      line: lineOf(text, index),
      language: 'js',
      code: body
        .split('\n')
        .map((line) => line.replace(/^\s*\* {0,3}/, ''))
        .join('\n')
        .trim(),
    }));
  });
