/**
 * GPT-2 on the task of Figure 1: it writes each hole from what stands to the left of it, and the given words are put
 * back where they belong. It cannot see them before it has passed them.
 */
import { parsePrompt } from '../prompt.js';
import { History } from '../view/history.js';
import { Strip } from '../view/strip.js';
import { $, el } from './dom.js';
import { EXAMPLES } from './examples.js';
import { seedOf } from './runs.js';
import { explain, millis, number, t } from './text.js';

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

/** Every token as a step of its own, those that were given too. */
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

/** The example that a prompt is, or yours. @param {string} prompt */
const nameOf = (prompt) => EXAMPLES.find((one) => one.prompt === prompt)?.id ?? 'yours';

export class Twin {
  #abort = new AbortController();
  #history = null;
  /** @param {{stage: import('./stage.js').Stage, gpt2: () => Promise<import('../client.js').GPT2>}} given */
  constructor({ stage, gpt2 }) {
    this.stage = stage;
    this.gpt2 = gpt2;
    this.strip = new Strip();
    this.note = el('p', { className: 'note' });
    this.root = $('twin');
    this.root.append(el('h3', { id: 'twin-title' }, t('twin.title')), this.strip.element, this.note);
    stage.addEventListener('show', () => this.#follow());
  }

  hide() {
    this.#abort.abort();
    this.#history = null;
    this.root.hidden = true;
  }

  /** Writes the task once SEDD has, so that neither slows the other down. @param {object} options of the run @param {Promise<unknown>} after */
  async write({ prompt, length, seed, temperature, topP, topK }, after) {
    this.hide();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      await after;
      if (signal.aborted) return;
      const gpt2 = await this.gpt2();
      const { history, ms, tokens } = await writeLeftToRight(gpt2, {
        prompt,
        length,
        seed: seedOf(seed),
        temperature,
        topP,
        topK,
        signal,
      });
      this.#history = history;
      this.strip.open(history.at(0), { held: history.held, finals: history.finals });
      this.note.textContent = `${t('twin.done', { tokens: number(tokens), ms: millis(ms) })} ${t(`twin.${nameOf(prompt)}`)}`;
      this.root.hidden = false;
      this.#follow();
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.note.textContent = explain(error);
      this.root.hidden = false;
    }
  }

  /** As far as SEDD's run is: the same share of its tokens. */
  #follow() {
    if (!this.#history) return;
    const { index, run } = this.stage;
    const share = index / Math.max(run.total ?? run.history.last, 1);
    this.strip.show(this.#history.at(Math.round(share * this.#history.last)));
  }
}
