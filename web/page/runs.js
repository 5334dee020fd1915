/**
 * The runs made on this page and how they descend from one another. A run keeps what reproduces it: its options, and
 * for a branch its parent, the step where it left and what was changed there.
 */
import { branchOf } from '../view/branch.js';

/**
 * @typedef {{edit?: [number, number|null][], texts?: (string|null)[], seed?: string, temperature?: number}} Change what a branch did
 *   otherwise: tokens put at positions (null: a mask again) with their texts, another seed, another temperature
 */

let next = 1;

/** A seed as the engine takes it: small ones as numbers, the others whole. */
export const seedOf = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));

export class Run {
  /**
   * @param {{history: import('../view/history.js').History, options: object, origin: 'recorded'|'live'|'imported', model?: string, parent?: Run|null, from?: number, change?: Change}} made
   *   `options` as for SEDD.sample, with `seed` as a string; `from` is a state index of the parent
   */
  constructor({ history, options, origin, model = '', parent = null, from = 0, change = {} }) {
    Object.assign(this, { id: next++, history, options, origin, model, parent, from, change });
    this.done = origin !== 'live';
    this.ms = null;
  }

  /** Changes from the root to this run, for a link. @returns {{from: number, change: Change}[]} */
  get lineage() {
    return this.parent ? [...this.parent.lineage, { from: this.from, change: this.change }] : [];
  }

  get root() {
    return this.parent ? this.parent.root : this;
  }

  /** Generation: 0 for a root. */
  get depth() {
    return this.parent ? this.parent.depth + 1 : 0;
  }

  /** What `SEDD.resume` continues from. */
  state(index) {
    const { step, ids } = this.history.at(index);
    return { position: step, ids, options: { ...this.options, seed: seedOf(this.options.seed) } };
  }

  /** Positions whose text is not the parent's, at the end of both. @returns {number[]} */
  get differences() {
    if (!this.parent) return [];
    const before = this.parent.history.finals;
    return this.history.finals.flatMap((text, position) => (text === before[position] ? [] : [position]));
  }
}

/**
 * The history of a branch so far: its parent's up to `from`, with the edit as part of that state.
 * @param {Run} parent @param {number} from @param {Change} change @param {number} maskId
 */
export const branchHistory = (parent, from, { edit = [], texts = [] }, maskId) =>
  branchOf(parent.history, from, {
    positions: edit.map(([position]) => position),
    ids: edit.map(([, id]) => id ?? maskId),
    texts,
  });

/** All runs, oldest first; says `change` when one is added, chosen or grown. */
export class Runs extends EventTarget {
  list = [];
  current = null;

  add(run) {
    this.list.push(run);
    this.choose(run);
    return run;
  }

  choose(run) {
    this.current = run;
    this.dispatchEvent(new Event('change'));
  }

  grown() {
    this.dispatchEvent(new Event('change'));
  }

  /** Forgets all but one run and those it descends from. */
  keep(run) {
    const kept = new Set();
    for (let one = run; one; one = one.parent) kept.add(one);
    this.list = this.list.filter((one) => kept.has(one));
    this.choose(run);
  }
}
