/** Times both models of a <sedd-demo> in turn, and copies the report to the clipboard. */
import { prefixOf } from './preview.js';

const STEPS = [4, 16]; // in addition to the element's own number of steps
const LENGTH = 128;

/**
 * Times both models by the rules of client/compare.js.
 * @param {{sedd: any, gpt2: any}} models
 * @param {any} options of a run
 * @param {{format: 'markdown'|'json'|'csv', signal: AbortSignal, onProgress: (turn: {round: number, rounds: number}) => void}} how
 * @returns {Promise<string>} the report
 */
export async function measure({ sedd, gpt2 }, { prompt = '', steps, length = LENGTH, ...sampling }, how) {
  const { compare, report } = await import('../client.js');
  const { format, signal, onProgress } = how;
  const counts = [...STEPS.filter((count) => count < steps), steps];
  const options = { ...sampling, prompt: prefixOf(prompt), steps: counts, length, signal, onProgress };
  return report(await compare(sedd, gpt2, options).result, format);
}

/** Copies a text. @param {string} text @returns {Promise<boolean>} false if the clipboard is not allowed */
export const copied = (text) =>
  navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  ) ?? Promise.resolve(false);
