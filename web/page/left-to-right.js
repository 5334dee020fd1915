/**
 * Fills in a prompt with holes by GPT-2, which can only continue a text. It writes each hole from the text on its left.
 * Then the given words after the hole are added, and the next hole follows.
 */
import { parsePrompt } from '../prompt.js';
import { History } from '../view/history.js';

/**
 * Writes a task from left to right.
 * @param {import('../client.js').GPT2} gpt2
 * @param {{prompt: string, length: number, seed: number|bigint, temperature: number, topP: number, topK: number, signal: AbortSignal}} options
 * @returns {Promise<{history: History, ms: number, tokens: number}>} ms: of the tokens that it wrote
 */
export async function writeLeftToRight(gpt2, { prompt, length, signal, ...drawing }) {
  const parts = parsePrompt(prompt);
  if (!parts.some((part) => !('text' in part))) parts.push({ rest: true });
  const given = await Promise.all(
    parts.map(async (part, i) => {
      if (!('text' in part)) return null;
      const text = i + 1 < parts.length && part.text.endsWith(' ') ? part.text.slice(0, -1) : part.text;
      return { text, ...(await gpt2.tokenize(text)) };
    }),
  );
  const taken = parts.reduce((sum, part, i) => sum + (given[i]?.ids.length ?? part.hole ?? 0), 0);
  const tokens = [];
  const times = [];
  let text = '';
  for (const [i, part] of parts.entries()) {
    if (given[i]) {
      text += given[i].text;
      for (const [k, id] of given[i].ids.entries()) tokens.push({ id, text: given[i].texts[k], held: true });
      continue;
    }
    const count = part.hole ?? length - taken;
    const run = gpt2.generate({ prompt: text, tokens: count, signal, ...drawing });
    for await (const { id, text: piece, ms } of run) {
      tokens.push({ id, text: piece ?? '', held: false });
      times.push(ms);
    }
    text += (await run.result).text;
  }
  return { history: historyOf(tokens), ms: times.reduce((a, b) => a + b, 0), tokens: times.length };
}

/** Returns a history in which every token, given or written, is a step of its own. */
function historyOf(tokens) {
  const first = tokens.findIndex(({ held }) => !held);
  const start = tokens.map((token, i) => (i < first ? token : { id: -1, text: null }));
  const history = new History({
    ids: start.map(({ id }) => id),
    texts: start.map(({ text }) => text),
    held: tokens.flatMap(({ held }, i) => (held ? [i] : [])),
  });
  for (let i = first; i < tokens.length; i++)
    history.add({ step: i - first + 1, sigma: 0, positions: [i], ids: [tokens[i].id], texts: [tokens[i].text] });
  return history;
}
