/** Finds the token boundaries in a typed text, and the tokens that a selection covers. */

/**
 * Aligns the texts of tokens with a string. Tokens that are parts of one character share a piece.
 * @param {string} text @param {(string|null)[]} texts of the tokens, with U+FFFD for parts of characters
 * @returns {{from: number, to: number, count: number}[]} pieces in order, without gaps
 */
export function boundaries(text, texts) {
  const pieces = [];
  let at = 0;
  for (let i = 0; i < texts.length; ) {
    const begin = i;
    if (text.startsWith(texts[i], at) && texts[i] !== '') {
      pieces.push({ from: at, to: at + texts[i].length, count: 1 });
      at += texts[i].length;
      i++;
      continue;
    }
    // Parts of characters: find the next token that occurs in the text, and share the text before it.
    let end = -1;
    while (++i < texts.length) {
      end = texts[i] && !texts[i].includes('\ufffd') ? text.indexOf(texts[i], at + 1) : -1;
      if (end >= 0) break;
    }
    const to = i < texts.length ? end : text.length;
    pieces.push({ from: at, to, count: i - begin });
    at = to;
  }
  return pieces;
}

/**
 * Splits a template (see web/prompt.js) at its holes.
 * @returns {{from: number, to: number, hole: boolean}[]} ranges of the source, in order
 */
export function cut(source) {
  const ranges = [];
  let end = 0;
  for (const match of source.matchAll(/\{\{|\}\}|\{(?:\d+|\*)\}/g)) {
    if (match[0] === '{{' || match[0] === '}}') continue;
    if (match.index > end) ranges.push({ from: end, to: match.index, hole: false });
    end = match.index + match[0].length;
    ranges.push({ from: match.index, to: end, hole: true });
  }
  if (end < source.length) ranges.push({ from: end, to: source.length, hole: false });
  return ranges;
}

/** Gets the ids of texts from the model, and requests each text between holes once. */
export class Tokenizer {
  #known = new Map();

  /** @param {(text: string) => Promise<{ids: number[], texts: string[]}>} ask */
  constructor(ask) {
    this.ask = ask;
  }

  /** @param {string} text */
  async tokens(text) {
    if (!this.#known.has(text)) {
      if (this.#known.size > 500) this.#known.clear();
      this.#known.set(text, await this.ask(text));
    }
    return this.#known.get(text);
  }

  /**
   * Returns the pieces of a template: its holes, and its text by token.
   * @returns {Promise<{from: number, to: number, count: number, hole: boolean}[]>}
   */
  async pieces(source) {
    const ranges = cut(source);
    const found = await Promise.all(
      ranges.map(async ({ from, to, hole }, i) => {
        if (hole)
          return [{ from, to, hole, count: source[from + 1] === '*' ? 0 : Number(source.slice(from + 1, to - 1)) }];
        // One space before a hole belongs to the hole.
        const spare = ranges[i + 1]?.hole && source[to - 1] === ' ';
        const raw = source.slice(from, spare ? to - 1 : to);
        // Doubled braces are one brace in the text; the map leads from the text to the source.
        const back = [];
        let plain = '';
        for (let i = 0; i < raw.length; i++) {
          back.push(from + i);
          plain += raw[i];
          if ((raw[i] === '{' || raw[i] === '}') && raw[i + 1] === raw[i]) i++;
        }
        back.push(from + raw.length);
        const { texts } = plain ? await this.tokens(plain) : { texts: [] };
        const pieces = boundaries(plain, texts).map((piece) => ({
          from: back[piece.from],
          to: back[piece.to],
          count: piece.count,
          hole: false,
        }));
        return spare ? [...pieces, { from: to - 1, to, count: 0, hole: false }] : pieces;
      }),
    );
    return found.flat();
  }
}

/**
 * Turns a selection into a hole, after extending it to whole tokens and to the holes it touches.
 * @param {string} source @param {{from: number, to: number, count: number, hole: boolean}[]} pieces
 * @returns {{text: string, caret: number, count: number}|null} null when nothing is selected
 */
export function maskSelection(source, pieces, from, to) {
  const letters = source.slice(from, to);
  const first = from + (letters.length - letters.trimStart().length);
  const last = to - (letters.length - letters.trimEnd().length);
  const touched = pieces.filter((piece) => piece.from < last && piece.to > first);
  if (last <= first || touched.length === 0) return null;
  const begin = touched[0].from;
  const end = touched.at(-1).to;
  const rest = touched.some((piece) => piece.hole && piece.count === 0);
  const count = touched.reduce((sum, piece) => sum + piece.count, 0);
  const hole = rest ? '{*}' : `{${count}}`;
  const space = /^ (?!$)/.test(source.slice(begin, end)) ? ' ' : ''; // the space before the hole, which belongs to it
  return {
    text: source.slice(0, begin) + space + hole + source.slice(end),
    caret: begin + space.length + hole.length,
    count,
  };
}
