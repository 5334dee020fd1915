// Makes a story cloze from held-out stories, which asks which of four last sentences ends a story; the other three end other stories.
// Also splits stories into first sentence, middle and last sentence, for infilling. Both work on ids, so nothing is tokenised again.
import { generator } from './random.mjs';

/** Returns the places between sentences: after an id that ends a sentence and before one that does not. */
function sentenceEnds(ids, stops) {
  return [...ids.keys()].filter((i) => stops.has(ids[i]) && !stops.has(ids[i + 1])).map((i) => i + 1);
}

/** @param {Set<number>} stops ids of ".", "!", "?" with and without a quotation mark @returns first, middle, last of windows that have them */
export function parted(windows, stops, { first = 4, last = 5, middle = 12 } = {}) {
  return windows
    .map((ids) => {
      const ends = sentenceEnds(ids, stops);
      const [begin, before, end] = [ends[0], ends.at(-2), ends.at(-1)];
      return { first: ids.slice(0, begin), middle: ids.slice(begin, before), last: ids.slice(before, end) };
    })
    .filter((story) => story.first.length >= first && story.last.length >= last && story.middle.length >= middle);
}

/** Returns items as options of ids. The place of the correct option is random. */
export function clozeItems(stories, seed, options = 4) {
  const random = generator(seed);
  return stories.map((story, number) => {
    const others = [];
    while (others.length < Math.min(options, stories.length) - 1) {
      const other = Math.floor(random() * stories.length);
      if (other !== number && !others.includes(other)) others.push(other);
    }
    const gold = Math.floor(random() * (others.length + 1));
    const endings = others.map((other) => stories[other].last);
    endings.splice(gold, 0, story.last);
    return { context: [...story.first, ...story.middle], endings, gold };
  });
}

/** Returns the ids of the tokens that end a sentence. */
export async function stopIds(model) {
  const marks = ['.', '!', '?', '."', '!"', '?"', '.\u201d', '!\u201d', '?\u201d'];
  return new Set((await model.encode(marks)).filter((ids) => ids.length === 1).map(([id]) => id));
}
