/** Traces in and out, and the picture that moves. */
import { formatPrompt } from '../prompt.js';
import { WORDS } from '../client/sampling.js';
import { readTrace, traceOf, writeTrace } from '../client/trace.js';
import { History } from '../view/history.js';
import { download } from './dom.js';
import { Run } from './runs.js';

/** The options that a trace stands for: its given tokens by position. One that does not say how it was made counts as published. */
function optionsOf(trace) {
  return {
    length: trace.length,
    steps: trace.steps,
    seed: trace.seed,
    ...Object.fromEntries(Object.entries(WORDS).map(([name, [published]]) => [name, trace[name] ?? published])),
    ...(trace.gamma && { gamma: trace.gamma }),
    denoise: trace.denoise ?? true,
    temperature: trace.temperature,
    topK: trace.topK,
    topP: trace.topP || 1,
    sampler: WORDS.sampler.includes(trace.sampler) ? trace.sampler : WORDS.sampler[0],
    clamp: (trace.held ?? trace.initial.flatMap((id, position) => (id === trace.maskId ? [] : [position]))).map(
      (position) => [position, trace.initial[position]],
    ),
  };
}

/** @param {import('../client/trace.js').Trace} trace @param {'recorded'|'imported'} origin @param {string} model */
export const runOf = (trace, origin, model) =>
  new Run({ history: History.fromTrace(trace), options: optionsOf(trace), origin, model });

/**
 * A trace from a file the visitor chose; its model is the one it names, if the page has that.
 * @param {File} file @param {string[]} models the page's @param {string} model the chosen one
 */
export async function openTrace(file, models, model) {
  const trace = readTrace(await file.text(), file.name);
  return runOf(trace, 'imported', models.includes(trace.model?.name) ? trace.model.name : model);
}

/** What a run was given, as a prompt with holes for what was open. @param {Run} run */
export function promptOf({ history }) {
  const { texts } = history.at(0);
  const parts = [];
  for (const text of texts.slice(0, texts.findLastIndex((one) => one !== null) + 1)) {
    const before = parts.at(-1);
    if (text === null && before?.hole) before.hole++;
    else if (text !== null && before?.text !== undefined) before.text += text;
    else parts.push(text === null ? { hole: 1 } : { text });
  }
  // A beginning alone is a text without holes; elsewhere one space before a hole is the hole's, so a text's own needs another.
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
