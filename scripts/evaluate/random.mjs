// Makes the seeds of texts and blocks and selects items: the random numbers outside the models' own draws.
import { createHash } from 'node:crypto';

/**
 * Returns the seed of one text, block or item of a set: a hash of the set's seed and the item's place, so that sets of
 * neighbouring seeds share no text. 53 bits: JSON carries the seed to `sedd eval` as a number.
 * @param {number} seed of the set @param {...number} place in it
 */
export function seedOf(seed, ...place) {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...place]))
    .digest();
  return Number(digest.readBigUInt64BE() >> 11n);
}

/** Returns a function that draws numbers in [0, 1) from a seed (mulberry32). @param {number} seed */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns `count` evenly spread items of a list, or the whole list if it is not longer. */
export const evenly = (list, count) =>
  list.length <= count ? list : Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]);
