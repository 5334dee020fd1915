/**
 * Two masks whose words depend on each other, and what the model says of the pair: drawn in the same step the two do not
 * see each other, one after the other they do.
 */

/** A sentence with two masks whose words depend on each other, and the pairs that are counted; `fits`: they agree. */
export const SENTENCE = ['There was a little', '.', ' liked to play.'];
const PAIRS = [
  { words: [' girl', ' She'], fits: true },
  { words: [' boy', ' He'], fits: true },
  { words: [' girl', ' He'], fits: false },
  { words: [' boy', ' She'], fits: false },
];

/**
 * Probabilities of the pairs, drawn in one step (the product of what the model says of each mask alone) and one after the
 * other (the second mask is asked about once the first is open).
 * @param {import('../client.js').SEDD} model
 * @returns {Promise<{words: string[], fits: boolean, together: number, inTurn: number}[]>}
 */
export async function measurePairs(model) {
  const [ids, places] = await masked(model);
  const sigma = -Math.log1p(-places.length / ids.length); // of as many masks
  const topK = model.info.tokens;
  const ask = async (text, positions) =>
    (await model.inspect(text, { sigma, positions, topK })).positions.map(({ candidates }) => candidates);
  const [firsts, seconds] = await ask(ids, places);
  const chance = (candidates, word) => candidates.find(({ text }) => text === word)?.probability ?? 0;
  const after = new Map();
  for (const word of new Set(PAIRS.map(({ words }) => words[0]))) {
    const opened = [...ids];
    opened[places[0]] = firsts.find(({ text }) => text === word)?.id ?? model.info.maskId;
    after.set(word, (await ask(opened, [places[1]]))[0]);
  }
  return PAIRS.map(({ words: [first, second], fits }) => ({
    words: [first, second],
    fits,
    together: chance(firsts, first) * chance(seconds, second),
    inTurn: chance(firsts, first) * chance(after.get(first), second),
  }));
}

/** The sentence's ids with a mask between its parts, and where the masks are. */
async function masked(model) {
  const ids = [];
  const places = [];
  for (const part of SENTENCE) {
    if (ids.length) places.push(ids.push(model.info.maskId) - 1);
    ids.push(...(await model.tokenize(part)).ids);
  }
  return [ids, places];
}

/**
 * The share of texts whose pair contradicts itself in a run of so many steps: by the published sampler both masks open in
 * the same step in one of `steps` runs.
 */
export function contradictions(pairs, steps) {
  const sum = (name) => pairs.filter(({ fits }) => !fits).reduce((all, pair) => all + pair[name], 0);
  return sum('together') / steps + sum('inTurn') * (1 - 1 / steps);
}
