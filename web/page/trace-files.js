/** Opens and saves traces as files, and returns the given tokens of a run as a prompt. */
import { readTrace, traceOf, writeTrace } from '../client/trace.js';
import { formatPrompt } from '../prompt.js';
import { download } from './dom.js';
import { runOf } from './recorded.js';

/**
 * Reads a trace from a file that the visitor chose. Its model is the one that it names, if the page has it.
 * @param {File} file @param {string[]} models models of the page @param {string} model the chosen model
 */
export async function openTrace(file, models, model) {
  const trace = readTrace(await file.text(), file.name);
  return runOf(trace, 'imported', models.includes(trace.model?.name) ? trace.model.name : model);
}

/** Returns the given tokens of a run as a prompt, with holes for the others. @param {Run} run */
export function promptOf({ history }) {
  const { texts } = history.at(0);
  const parts = [];
  for (const text of texts.slice(0, texts.findLastIndex((one) => one !== null) + 1)) {
    const before = parts.at(-1);
    if (text === null && before?.hole) before.hole++;
    else if (text !== null && before?.text !== undefined) before.text += text;
    else parts.push(text === null ? { hole: 1 } : { text });
  }
  // A text at the beginning alone needs no hole. Elsewhere, one space before a hole belongs to the hole, so a text that
  // ends in a space needs another.
  if (parts.length > 1 && texts.at(-1) === null) parts.push({ rest: true });
  return formatPrompt(
    parts.map((part, i) => (part.text?.endsWith(' ') && i + 1 < parts.length ? { text: `${part.text} ` } : part)),
  );
}

/** Saves a run as a trace. @param {Run} run @param {import('../client.js').SEDD} model @returns {string} the name of the file */
export function saveTrace(run, { info, source }) {
  const trace = traceOf(run.history, {
    maskId: info.maskId,
    model: { name: run.model, ...(source.sha256 && { sha256: source.sha256 }) },
  });
  return download(`sedd-${run.options.seed}.trace.json`, new Blob([writeTrace(trace)], { type: 'application/json' }));
}
