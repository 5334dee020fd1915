/**
 * Gives every state of a run, forward and back. It receives the run's events (`start`, then one per step) or a trace,
 * and keeps the changes of each step and a whole state every 32 steps. It does not touch the page.
 */
const STRIDE = 32;

/**
 * @typedef {object} State the state of a run after `index` steps
 * @property {number} index 0 is the beginning
 * @property {number} step number of the step as the run counts it (a resumed run does not begin at 0)
 * @property {number|null} sigma the step's noise; null at the beginning
 * @property {number} masked number of masks
 * @property {number[]} ids
 * @property {(string|null)[]} texts null for a mask
 * @property {number[]} opened index of the state that brought each token; 0 was there at the beginning, -1 is a mask
 * @property {number[]} changed positions that this step changed
 * @property {(number|null)[]} confidence probability with which each token was drawn, if the run has it
 */

function apply(state, event) {
  state.index += 1;
  state.step = event.step;
  state.sigma = event.sigma;
  state.changed = event.positions;
  event.positions.forEach((position, i) => {
    const text = event.texts[i];
    state.masked += (text === null ? 1 : 0) - (state.texts[position] === null ? 1 : 0);
    state.ids[position] = event.ids[i];
    state.texts[position] = text;
    state.opened[position] = text === null ? -1 : state.index;
    state.confidence[position] = event.confidence?.[i] ?? null;
  });
  return state;
}

export class History {
  #events = [];
  #keys;

  /** @param {{ids: number[], texts: (string|null)[], held?: number[], position?: number, settings?: object}} start the run's first event */
  constructor({ ids, texts, held = [], position = 0, settings = {} }) {
    this.held = [...held];
    /** All settings of the run; for a branch, those of its last part. */
    this.settings = settings;
    this.length = texts.length;
    this.#keys = [
      {
        index: 0,
        step: position,
        sigma: null,
        masked: texts.filter((text) => text === null).length,
        ids: [...ids],
        texts: [...texts],
        opened: texts.map((text) => (text === null ? -1 : 0)),
        changed: [],
        confidence: texts.map(() => null),
      },
    ];
  }

  /** @param {import('../client/trace.js').Trace} trace */
  static fromTrace(trace) {
    const text = (id) => (id === trace.maskId ? null : (trace.texts[id] ?? '\ufffd'));
    const held =
      trace.held ??
      (trace.maskId < 0 ? [] : trace.initial.flatMap((id, position) => (id === trace.maskId ? [] : [position])));
    const { initial, events, texts, model, ...settings } = trace;
    const history = new History({ ids: initial, texts: initial.map(text), held, settings });
    for (const event of events) {
      history.add({ ...event, positions: event.changed, texts: event.ids.map(text) });
    }
    return history;
  }

  /** Adds a step event of a run. */
  add(event) {
    this.#events.push(event);
    if (this.#events.length % STRIDE === 0) this.#keys.push(this.at(this.last));
  }

  /** Returns the index of the last state. */
  get last() {
    return this.#events.length;
  }

  /** Returns the texts of the last state. */
  get finals() {
    return this.at(this.last).texts;
  }

  /** Returns the positions that each step changed. */
  get changes() {
    return this.#events.map((event) => event.positions);
  }

  /** Returns the run's events up to a state, for a branch or a trace. */
  events(index = this.last) {
    return this.#events.slice(0, index);
  }

  /** @returns {State} a copy of the state after `index` steps (clamped) */
  at(index) {
    const wanted = Math.min(Math.max(Math.trunc(index) || 0, 0), this.last);
    const state = structuredClone(this.#keys[Math.min(Math.floor(wanted / STRIDE), this.#keys.length - 1)]);
    while (state.index < wanted) apply(state, this.#events[state.index]);
    return state;
  }
}
