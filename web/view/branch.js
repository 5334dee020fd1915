/** Makes the history of a branch: a run that leaves another one after some of its steps. */
import { History } from './history.js';

/**
 * Copies a history up to a state and applies an edit to that state. The edit becomes part of the step that led to the
 * state, or of the beginning.
 * @param {History} history
 * @param {number} from index of the state
 * @param {{positions: number[], ids: number[], texts: (string|null)[]}} [edit] parallel lists; a text is null for a mask
 */
export function branchOf(history, from, { positions, ids, texts } = { positions: [], ids: [], texts: [] }) {
  const start = history.at(0);
  const events = [...history.events(from)];
  if (positions.length && events.length) {
    const { texts: before, masked: open } = history.at(from);
    const closed = (list) => list.filter((text) => text === null).length;
    const masked = open + closed(texts) - closed(positions.map((place) => before[place]));
    events.push({ ...merge(events.pop(), { positions, ids, texts }), masked });
  } else
    positions.forEach((position, i) => {
      start.ids[position] = ids[i];
      start.texts[position] = texts[i];
    });
  const branch = new History({ ...start, held: history.held, position: start.step, settings: history.settings });
  for (const event of events) branch.add(event);
  return branch;
}

/** Returns a step event in which an edit replaces the event's own changes. */
function merge(event, edit) {
  const kept = event.positions.flatMap((position, i) => (edit.positions.includes(position) ? [] : [i]));
  const pick = (name) => [...kept.map((i) => event[name][i]), ...edit[name]];
  return {
    ...event,
    positions: pick('positions'),
    ids: pick('ids'),
    texts: pick('texts'),
    confidence: undefined,
    entropy: undefined,
  };
}

/**
 * Returns what the first event of a resumed run changed in the state it continues: the requested edit.
 * @param {import('./history.js').State} state
 * @param {{ids: number[], texts: (string|null)[]}} start
 */
export function editOf(state, { ids, texts }) {
  const positions = ids.flatMap((id, position) => (id === state.ids[position] ? [] : [position]));
  return { positions, ids: positions.map((place) => ids[place]), texts: positions.map((place) => texts[place]) };
}
