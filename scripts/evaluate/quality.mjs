// What a set of texts (ids) is worth: the judge's perplexity, entropy and repetition, distance to held-out text. The judge reads ids
// as they are, so a text that no tokenizer would have cut this way is judged as it was written.
import { mauve } from './mauve.mjs';
import { mean, perplexity, standardError } from './statistics.mjs';

/** Nats a token of texts behind their contexts, by the judge. */
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

/** Entropy within a text, of all; what depends on how many there are (pairs, self-BLEU) of the first `count`. */
export async function diversity(judge, label, texts, count = texts.length) {
  const ask = async (some) => (await judge.ask(`${label}, diversity`, [{ op: 'diversity', texts: some }]))[0];
  const { entropy, entropyError } = await ask(texts);
  const { selfBleu, distinct, repetition } = await ask(texts.slice(0, count));
  return { entropy, entropyError, selfBleu, distinct, repetition };
}

async function features(judge, label, texts) {
  const endOfText = await judge.endOfText();
  return (
    await judge.ask(
      `${label}, features`,
      texts.map((text) => ({ op: 'hidden', ids: [endOfText, ...text].slice(-judge.length) })),
    )
  ).map(({ hidden }) => hidden);
}

/** N-gram divergence and MAUVE of two sets of equal size. */
export async function likeness(judge, label, texts, real) {
  const count = Math.min(texts.length, real.length);
  const [a, b] = [texts.slice(0, count), real.slice(0, count)];
  const [{ divergence }] = await judge.ask(`${label}, n-grams`, [{ op: 'divergence', a, b }]);
  return { divergence, mauve: mauve(await features(judge, label, a), await features(judge, label, b)), against: count };
}
