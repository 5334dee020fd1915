/**
 * The text as the mask editor: what is typed is held, `{20}` is a hole. Behind the text field lies a mirror of it that
 * marks holes and token boundaries, so the field itself stays an ordinary one for every keyboard, script and reader.
 */
import { $, el } from './dom.js';
import { SeddError } from '../errors.js';
import { parsePrompt } from '../prompt.js';
import { about } from './form-error.js';
import { number, t } from './text.js';
import { maskSelection } from './tokens.js';

const PAUSE_MS = 700; // typing that pauses this long is one step of undo

export class Editor extends EventTarget {
  #past = [];
  #future = [];
  #typed = 0;
  #last;
  #pieces = [];
  #turn = 0;
  #open = Infinity; // tokens left to write, as far as is known; negative: the text needs more than there are

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
    $('unmask').addEventListener('click', () => this.#end());
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

  /** Fails with what is wrong with the text, as far as can be told without a run. */
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

  /** Makes the selection a hole. */
  async mask() {
    const { selectionStart, selectionEnd } = this.field;
    await this.refresh();
    const masked = maskSelection(this.text, this.#pieces, selectionStart, selectionEnd);
    if (masked) this.#put(masked.text, masked.caret);
    else $('editor-count').textContent = t('editor.select');
    this.field.focus();
  }

  /** What follows the text is open. */
  #end() {
    if (!/\{\*\}/.test(this.text)) this.#put(`${this.text.trimEnd()}{*}`);
    this.field.focus();
  }

  /* ---- The mirror ---- */

  /** Draws boundaries and counts; without a tokenizer, the holes only. */
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
        const word = text.trimStart(); // the mark of the boundary stands before the first letter, on its line
        return [text.slice(0, text.length - word.length), el('span', {}, word)];
      }),
      '\u200b',
    );
    this.mirror.scrollTop = this.field.scrollTop;
    this.#count(pieces);
    this.dispatchEvent(new Event('change'));
  }

  #count(pieces) {
    this.#open = Infinity;
    const length = this.length();
    if (!this.tokenizer || !length) return;
    const held = pieces.reduce((sum, { hole, count }) => sum + (hole ? 0 : count), 0);
    const holes = pieces.reduce((sum, { hole, count }) => sum + (hole ? count : 0), 0);
    const over = held + holes > length;
    this.#open = over ? -1 : length - held;
    $('editor-count').textContent = over
      ? t('editor.many', { count: number(held + holes), length: number(length) })
      : t('editor.count', { held, open: number(Math.max(length - held, 0)), length: number(length) });
    $('editor-count').classList.toggle('error', over);
  }
}
