/**
 * Computes the probabilities of a pair of words that depend on each other. Two tokens drawn in the same step do not see
 * each other; drawn one after the other, they do.
 */

/** A sentence with two masks whose words depend on each other, and the counted pairs. `fits` means that the words agree. */
export const SENTENCE = ['There was a little', '.', ' liked to play.'];
const PAIRS = [
  { words: [' girl', ' She'], fits: true },
  { words: [' boy', ' He'], fits: true },
  { words: [' girl', ' He'], fits: false },
  { words: [' boy', ' She'], fits: false },
];

/**
 * Returns the probabilities of the pairs: drawn in one step (the product of both tokens' probabilities), and one after
 * the other (the second one given the first).
 * @param {import('../client.js').SEDD} model
 * @returns {Promise<{words: string[], fits: boolean, together: number, inTurn: number}[]>}
 */
export async function measurePairs(model) {
  const [ids, places] = await masked(model);
  const sigma = -Math.log1p(-places.length / ids.length); // the noise level with this share of masks
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

/** Returns the sentence's ids with masks between its parts, and the positions of the masks. */
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
 * Returns the share of texts in which the pair contradicts itself, for a number of steps. The published sampler fills in
 * both masks in the same step in one of `steps` runs.
 */
export function contradictions(pairs, steps) {
  const sum = (name) => pairs.filter(({ fits }) => !fits).reduce((all, pair) => all + pair[name], 0);
  return sum('together') / steps + sum('inTurn') * (1 - 1 / steps);
}
