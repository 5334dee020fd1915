/**
 * Prompts with holes: `Once upon a time, {20} the end.` holds the words and leaves 20 tokens open.
 *
 *   {n}       a hole of n tokens
 *   {*}       a hole that takes what the window's length leaves; at most one
 *   {{  }}    a brace
 *
 * Text without holes is a prefix, and everything after it is open. One space directly before a hole belongs to the
 * hole, because GPT-2's tokens include the space before a word. The page and the worker use this module.
 */
import { SeddError } from './errors.js';

const HOLE_MAX = 65536;

/** @typedef {{text: string} | {hole: number} | {rest: true}} Part */

/** @returns {never} */
function refuse(message, prompt) {
  const shown = prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt;
  throw new SeddError('argument', `${message} in the prompt "${shown}".`, {
    hint: 'Write {20} for a hole of 20 tokens, {*} for one that takes the rest, {{ and }} for braces.',
  });
}

function holeOf(inside, prompt) {
  if (inside.trim() === '*') return { rest: /** @type {true} */ (true) };
  const size = /^\s*\d{1,6}\s*$/.test(inside) ? Number(inside) : 0;
  if (size < 1 || size > HOLE_MAX)
    refuse(`{${inside.slice(0, 20)}} is not a hole; expected {*} or a whole number from 1 to ${HOLE_MAX}`, prompt);
  return { hole: size };
}

/**
 * Returns the parts of a prompt, in order. Adjacent text is one part.
 * @param {string} prompt
 * @returns {Part[]}
 * @example
 *   import { parsePrompt } from 'sedd-web';
 *   const parts = parsePrompt('Once upon a time, {20} the end.');
 *   console.log(parts); // [{ text: 'Once upon a time, ' }, { hole: 20 }, { text: ' the end.' }]
 */
export function parsePrompt(prompt) {
  if (typeof prompt !== 'string')
    throw new SeddError(
      'argument',
      `The prompt is ${prompt === null ? 'null' : `of type ${typeof prompt}`}; expected text.`,
    );
  /** @type {Part[]} */
  const parts = [];
  let text = '';
  const flush = () => {
    if (text) parts.push({ text });
    text = '';
  };
  for (let i = 0; i < prompt.length; i++) {
    const c = prompt[i];
    if ((c === '{' || c === '}') && prompt[i + 1] === c) {
      text += c;
      i++;
    } else if (c === '{') {
      const end = prompt.indexOf('}', i);
      if (end < 0) refuse('A { is never closed', prompt);
      flush();
      parts.push(holeOf(prompt.slice(i + 1, end), prompt));
      i = end;
    } else if (c === '}') {
      refuse('A } has no { before it', prompt);
    } else {
      text += c;
    }
  }
  flush();
  if (parts.filter((part) => 'rest' in part).length > 1) refuse('{*} stands more than once', prompt);
  return parts;
}

/**
 * Returns the prompt that holds exactly this text.
 * @param {string} text
 * @example
 *   import { escapeText } from 'sedd-web';
 *   console.log(escapeText('a {b}')); // a {{b}}
 */
export const escapeText = (text) => text.replace(/[{}]/g, (brace) => brace + brace);

/**
 * Writes the parts of a prompt, as the inverse of parsePrompt.
 * @param {Part[]} parts
 * @example
 *   import { formatPrompt } from 'sedd-web';
 *   console.log(formatPrompt([{ text: 'It was ' }, { hole: 3 }, { rest: true }])); // It was {3}{*}
 */
export const formatPrompt = (parts) =>
  parts
    .map((part) => {
      if ('text' in part) return escapeText(part.text);
      return 'hole' in part ? `{${part.hole}}` : '{*}';
    })
    .join('');

/**
 * Puts a prompt's tokens into a window.
 * @param {string} prompt
 * @param {(text: string) => number[]} tokenize
 * @param {{length?: number, fallback: number}} options the window's length; without one it is what a
 *   prompt with holes of known size takes, else `fallback`
 * @returns {{length: number, held: Map<number, number>}} held tokens by position
 */
export function layPrompt(prompt, tokenize, { length, fallback }) {
  const parts = parsePrompt(prompt);
  const pieces = parts.map((part, i) => {
    if (!('text' in part)) return 'hole' in part ? part.hole : 0;
    const beforeHole = i + 1 < parts.length;
    return tokenize(beforeHole && part.text.endsWith(' ') ? part.text.slice(0, -1) : part.text);
  });
  const sizeOf = (piece) => (typeof piece === 'number' ? piece : piece.length);
  const taken = pieces.reduce((sum, piece) => sum + sizeOf(piece), 0);
  const rest = parts.findIndex((part) => 'rest' in part);
  const exact = rest < 0 && parts.some((part) => 'hole' in part);
  const window = length ?? (exact ? taken : fallback);
  if (taken > window) {
    throw new SeddError('argument', `The prompt takes ${taken} tokens with its holes; the window has ${window}.`, {
      hint: 'Shorten the text or its holes, or make the window longer.',
    });
  }
  if (rest >= 0) pieces[rest] = window - taken;
  const held = new Map();
  let place = 0;
  for (const piece of pieces) {
    if (typeof piece !== 'number') piece.forEach((id, i) => held.set(place + i, id));
    place += sizeOf(piece);
  }
  return { length: window, held };
}
