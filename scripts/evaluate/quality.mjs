// Measures a set of texts (ids): the judge's perplexity, entropy and repetition, and distance from held-out text. The judge reads the
// ids themselves, so a text is judged as it was written, even if a tokenizer would split it differently.
import { mean, perplexity, standardError } from '../../web/client/statistics.js';

/** Returns the judge's nats a token of texts after their contexts. */
export async function judged(judge, label, texts, contexts) {
  const endOfText = await judge.endOfText();
  const answers = await judge.ask(
    label,
    texts.map((text, i) => {
      const given = [endOfText, ...(contexts?.[i] ?? [])];
      return { op: 'choice', options: [{ ids: [...given, ...text], given: given.length }] };
    }),
  );
  return answers.map(({ nats: [value] }, i) => value / texts[i].length);
}

export const judgement = (nats) => ({
  nats: mean(nats),
  error: standardError(nats),
  ...perplexity(mean(nats), standardError(nats)),
});

/** Returns the entropy within a text over all texts, and, over the first `count`, the measures that depend on their number (pairs, self-BLEU). */
export async function diversity(judge, label, texts, count = texts.length) {
  const ask = async (some) => (await judge.ask(`${label}, diversity`, [{ op: 'diversity', texts: some }]))[0];
  const { entropy, entropyError } = await ask(texts);
  const { selfBleu, distinct, repetition } = await ask(texts.slice(0, count));
  return { entropy, entropyError, selfBleu, distinct, repetition };
}

/**
 * Returns the n-gram divergence of two sets of equal size. MAUVE is not computed, because it needs thousands of texts of each kind: with
 * the few held-out texts it was 0.99 where the perplexity was sixty times that of real text.
 */
export async function likeness(judge, label, texts, real) {
  const count = Math.min(texts.length, real.length);
  const [a, b] = [texts.slice(0, count), real.slice(0, count)];
  const [{ divergence }] = await judge.ask(`${label}, n-grams`, [{ op: 'divergence', a, b }]);
  return { divergence, against: count };
}
