/**
 * The runs of this page and their branches. A run has everything that reproduces it: its options and, for a branch, its
 * parent, the step at which it branched and the change.
 */
import { branchOf } from '../view/branch.js';

/**
 * @typedef {{edit?: [number, number|null][], texts?: (string|null)[], seed?: string, temperature?: number}} Change the
 *   change of a branch: tokens set at positions (null: masked again) with their texts, another seed, another
 *   temperature
 */

let next = 1;

/** Returns a key of a step's changes, independent of their order. */
const changesOf = ({ positions, ids }) => String(positions.map((position, i) => `${position}:${ids[i]}`).sort());

/** Returns a seed for the engine, which is not rounded if it is large. */
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

  /** Returns the changes from the root to this run, for a link. @returns {{from: number, change: Change}[]} */
  get lineage() {
    return this.parent ? [...this.parent.lineage, { from: this.from, change: this.change }] : [];
  }

  get root() {
    return this.parent ? this.parent.root : this;
  }

  /** Returns the generation, 0 for a root. */
  get depth() {
    return this.parent ? this.parent.depth + 1 : 0;
  }

  /** Returns the state from which `SEDD.resume` continues. */
  state(index) {
    const { step, ids } = this.history.at(index);
    return { position: step, ids, options: { ...this.options, seed: seedOf(this.options.seed) } };
  }

  /** Returns the positions whose final text differs from the parent's. @returns {number[]} */
  get differences() {
    if (!this.parent) return [];
    const before = this.parent.history.finals;
    return this.history.finals.flatMap((text, position) => (text === before[position] ? [] : [position]));
  }

  /** Returns true if the same model filled in the same tokens in the same steps. @param {Run} other */
  repeats(other) {
    const [mine, theirs] = [this.history.events(), other.history.events()];
    return (
      this.model === other.model &&
      mine.length === theirs.length &&
      String(this.history.at(0).ids) === String(other.history.at(0).ids) &&
      mine.every((event, i) => changesOf(event) === changesOf(theirs[i]))
    );
  }
}

/**
 * Returns the history of a branch so far: its parent's up to `from`, with the edit as part of that state.
 * @param {Run} parent @param {number} from @param {Change} change @param {number} maskId
 */
export const branchHistory = (parent, from, { edit = [], texts = [] }, maskId) =>
  branchOf(parent.history, from, {
    positions: edit.map(([position]) => position),
    ids: edit.map(([, id]) => id ?? maskId),
    texts,
  });

/** All runs, oldest first. Sends `change` when a run is added, chosen or extended. */
export class Runs extends EventTarget {
  list = [];
  current = null;
  /** The runs that `keep` removed, until others are removed. */
  forgotten = [];

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

  /** Drops a finished run that repeats an earlier one. @returns {Run} the run that stays in the list */
  merge(run) {
    const twin = this.list.find((one) => one !== run && one.done && one.repeats(run));
    if (!twin) return run;
    if (twin.origin !== 'live') Object.assign(twin, { origin: 'live', options: run.options });
    twin.ms = run.ms;
    this.list = this.list.filter((one) => one !== run);
    this.choose(twin);
    return twin;
  }

  /** Removes all runs except one and its ancestors; `restore` brings them back. */
  keep(run) {
    const kept = new Set();
    for (let one = run; one; one = one.parent) kept.add(one);
    this.forgotten = this.list.filter((one) => !kept.has(one));
    this.list = [...kept].reverse();
    this.choose(run);
  }

  /** Brings back the runs that `keep` removed. */
  restore() {
    this.list = [...this.list, ...this.forgotten].sort((a, b) => a.id - b.id);
    this.forgotten = [];
    this.grown();
  }
}
