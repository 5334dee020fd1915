/**
 * The prompt editor: typed words are held, and `{20}` is a hole. A mirror behind the text field marks holes and token
 * boundaries, so the field itself stays an ordinary one for every keyboard, script and screen reader.
 */
import { $, el } from './dom.js';
import { SeddError } from '../errors.js';
import { parsePrompt } from '../prompt.js';
import { about } from './form-error.js';
import { number, t } from './text.js';
import { cut, maskSelection } from './tokens.js';

const HOLES = [4, 8, 16, 32, '*']; // sizes to choose from, in tokens
const PAUSE_MS = 700; // a pause of this length ends a step of undo

export class Editor extends EventTarget {
  #past = [];
  #future = [];
  #typed = 0;
  #last;
  #pieces = [];
  #turn = 0;
  #open = Infinity; // tokens left to write, if known; negative if the text needs more than the window has
  /** Tokens of the text with its counted holes, if they make the window; otherwise null. @type {number|null} */
  exact = null;

  /** @param {{tokenizer: import('./tokens.js').Tokenizer|null, length: () => number}} given */
  constructor({ length }) {
    super();
    this.tokenizer = null;
    this.length = length;
    this.field = $('prompt');
    this.mirror = $('mirror');
    this.#last = { text: this.field.value, from: 0, to: 0 };
    this.field.addEventListener('input', () => this.#input());
    this.field.addEventListener('scroll', () => {
      this.mirror.scrollTop = this.field.scrollTop;
    });
    this.field.addEventListener('keydown', (event) => this.#key(event));
    $('mask').addEventListener('click', () => this.mask());
    $('holes').append(
      el('span', {}, t('holes.insert')),
      ...HOLES.map((size) =>
        el(
          'button',
          { type: 'button', on: { click: () => this.insert(size) } },
          size === '*' ? t('holes.rest') : number(size),
        ),
      ),
    );
    $('undo').addEventListener('click', () => this.undo());
    $('redo').addEventListener('click', () => this.redo());
    this.refresh();
  }

  get text() {
    return this.field.value;
  }
  set text(value) {
    this.#put(value);
  }

  /** Fails with the error of an invalid text, as far as it shows without a run. */
  check() {
    try {
      parsePrompt(this.text);
      if (this.#open === 0) throw new SeddError('argument', t('editor.full'));
      if (this.#open < 0) throw new SeddError('argument', $('editor-count').textContent);
    } catch (error) {
      throw about(error, 'prompt');
    }
  }

  /* ---- Undo ---- */

  #input() {
    const now = performance.now();
    if (now - this.#typed > PAUSE_MS || this.#past.length === 0) this.#remember();
    this.#typed = now;
    this.#note();
    this.refresh();
  }

  #remember() {
    this.#past.push(this.#last);
    if (this.#past.length > 200) this.#past.shift();
    this.#future = [];
  }

  #note() {
    this.#last = { text: this.field.value, from: this.field.selectionStart, to: this.field.selectionEnd };
    $('undo').disabled = this.#past.length === 0;
    $('redo').disabled = this.#future.length === 0;
  }

  #put(text, from = text.length, to = from) {
    this.#remember();
    this.#typed = 0;
    this.#set({ text, from, to });
  }

  #set({ text, from, to }) {
    this.field.value = text;
    this.field.setSelectionRange(from, to);
    this.#note();
    this.refresh();
  }

  #travel(back, forth) {
    if (back.length === 0) return;
    forth.push(this.#last);
    this.#typed = 0;
    this.#set(back.pop());
  }

  undo() {
    this.#travel(this.#past, this.#future);
  }
  redo() {
    this.#travel(this.#future, this.#past);
  }

  #key(event) {
    const command = event.ctrlKey || event.metaKey;
    if (event.altKey && !command && event.code === 'KeyM') this.mask();
    else if (command && !event.altKey && event.key.toLowerCase() === 'z') event.shiftKey ? this.redo() : this.undo();
    else if (command && event.key.toLowerCase() === 'y') this.redo();
    else if (command && event.key === 'Enter') $('run').click();
    else return;
    event.preventDefault();
  }

  /* ---- Holes ---- */

  /** Turns the selection into a hole. */
  async mask() {
    const { selectionStart, selectionEnd } = this.field;
    await this.refresh();
    const masked = maskSelection(this.text, this.#pieces, selectionStart, selectionEnd);
    if (masked) this.#put(masked.text, masked.caret);
    else $('editor-count').textContent = t('editor.select');
    this.field.focus();
  }

  /** Inserts a hole at the cursor, or replaces the selection or the hole there. @param {number|'*'} size tokens; *: the rest of the window */
  insert(size) {
    let { selectionStart: from, selectionEnd: to } = this.field;
    const source = this.text;
    const here = cut(source).find((piece) => piece.hole && piece.from <= from && to <= piece.to);
    if (here) [from, to] = [here.from, here.to];
    const before = source.slice(0, from);
    const after = source.slice(to);
    const gap = /\S$/.test(before) && !here ? ' ' : '';
    const next = /^\w/.test(after) ? ' ' : '';
    this.#put(`${before}${gap}{${size}}${next}${after}`, from + gap.length + `{${size}}`.length);
    this.field.focus();
  }

  /* ---- The mirror ---- */

  /** Draws boundaries and counts, or only the holes without a tokenizer. */
  async refresh() {
    const turn = ++this.#turn;
    const source = this.text;
    const pieces = this.tokenizer ? await this.tokenizer.pieces(source).catch(() => []) : [];
    if (turn !== this.#turn) return;
    this.#pieces = pieces;
    this.mirror.replaceChildren(
      ...pieces.flatMap(({ from, to, hole }) => {
        const text = source.slice(from, to);
        if (hole) return el('mark', {}, text);
        const word = text.trimStart(); // the boundary's mark stays with the first letter, on its line
        return [text.slice(0, text.length - word.length), el('span', {}, word)];
      }),
      '\u200b',
    );
    this.mirror.scrollTop = this.field.scrollTop;
    this.#count(pieces);
    this.dispatchEvent(new Event('change'));
  }

  /** Counts held and open tokens, and shows the counts. */
  #count(pieces) {
    this.#open = Infinity;
    this.exact = null;
    const window = this.length();
    if (!this.tokenizer || !window) return;
    const sum = (hole) => pieces.reduce((all, piece) => all + (piece.hole === hole ? piece.count : 0), 0);
    const [held, holes] = [sum(false), sum(true)];
    if (holes && !pieces.some(({ hole, count }) => hole && count === 0)) this.exact = held + holes;
    const length = this.exact ?? window;
    const over = held + holes > length;
    this.#open = over ? -1 : length - held;
    $('editor-count').textContent = over
      ? t('editor.many', { count: number(held + holes), length: number(length) })
      : t('editor.count', { held, open: number(this.#open), length: number(length), exact: this.exact !== null });
    $('editor-count').classList.toggle('error', over);
  }
}
