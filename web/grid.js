/**
 * The grid of tokens: one cell a token, in place from the first step to the last. A masked cell shows
 * a block, a new one is underlined, a given one is set apart; never by colour alone.
 */
export class TokenGrid {
  #cells = [];
  #root;
  #words;

  /** @param {HTMLElement} root @param {{masked: string, heldToken: string}} words */
  constructor(root, words) {
    this.#root = root;
    this.#words = words;
  }

  /** @param {(string|null)[]} texts null for a mask @param {number[]} held positions that are given */
  reset(texts, held = []) {
    const given = new Set(held);
    this.#cells = texts.map((text, i) => {
      const cell = document.createElement('span');
      cell.className = 'cell';
      if (given.has(i)) cell.classList.add('held');
      return cell;
    });
    this.#root.replaceChildren(...this.#cells);
    texts.forEach((text, i) => this.#fill(i, text));
  }

  #fill(position, text) {
    const cell = this.#cells[position];
    cell.classList.toggle('mask', text === null);
    // A line break keeps its place as a sign and breaks the line behind it.
    cell.textContent = text === null ? '░░' : text.replaceAll('\n', '⏎');
    cell.classList.toggle('break', text?.endsWith('\n') ?? false);
  }

  /** Shows a step: what changed is new, what was new is not any more. */
  step(positions, texts) {
    for (const cell of this.#root.querySelectorAll('.new')) cell.classList.remove('new');
    positions.forEach((position, i) => {
      this.#fill(position, texts[i]);
      this.#cells[position].classList.add('new');
    });
  }

  get length() { return this.#cells.length; }
}

/** All states of a run, for the timeline: texts after each step. */
export class History {
  constructor(texts, held) {
    this.held = held;
    this.steps = [{ texts, positions: [] }];
  }

  add(positions, texts) {
    const next = [...this.steps.at(-1).texts];
    positions.forEach((position, i) => { next[position] = texts[i]; });
    this.steps.push({ texts: next, positions });
  }

  show(grid, index) {
    const { texts, positions } = this.steps[index];
    grid.reset(texts, this.held);
    grid.step(positions, positions.map((position) => texts[position]));
  }
}
