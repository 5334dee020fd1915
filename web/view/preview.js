/**
 * Shows a prompt as cells before a model is loaded: its words are given, its holes are masks. Each word counts as one
 * token, because only a tokenizer knows the true number; the first event of the run corrects it.
 */
import { parsePrompt } from '../prompt.js';

const REST = 24; // number of cells for a hole of unknown size
const SHOWN_MAX = 512;

const wordsOf = (text) => text.match(/\s*\S+|\s+/g) ?? [];

/**
 * @param {string} prompt
 * @param {number|null} [length] tokens of the window, where it is known
 * @returns {{state: import('./history.js').State, held: number[], holes: number[]}}
 */
export function preview(prompt, length = null) {
  const parts = parsePrompt(prompt);
  if (!parts.some((part) => !('text' in part))) parts.push({ rest: true });
  const known = parts.reduce((sum, part) => sum + ('text' in part ? wordsOf(part.text).length : (part.hole ?? 0)), 0);
  const rest = length === null ? REST : Math.max(length - known, 1);
  const texts = parts
    .flatMap((part) => ('text' in part ? wordsOf(part.text) : Array(Math.min(part.hole ?? rest, SHOWN_MAX)).fill(null)))
    .slice(0, SHOWN_MAX);
  const places = (wanted) => texts.flatMap((text, i) => (wanted(text) ? [i] : []));
  const holes = places((text) => text === null);
  return {
    state: {
      index: 0,
      step: 0,
      sigma: null,
      masked: holes.length,
      ids: [],
      texts,
      opened: texts.map((text) => (text === null ? -1 : 0)),
      changed: [],
      confidence: texts.map(() => null),
    },
    held: places((text) => text !== null),
    holes,
  };
}

/** Returns the text before the first hole, the only part that a left-to-right model can use. */
export function prefixOf(prompt) {
  const [first] = parsePrompt(prompt);
  return first && 'text' in first ? first.text.trimEnd() : '';
}
