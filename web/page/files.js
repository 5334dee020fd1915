/** Traces in and out, and the picture that moves. */
import { readTrace, traceOf, writeTrace } from '../trace.js';
import { History } from '../view/history.js';
import { download } from './dom.js';
import { Run } from './runs.js';

/** The options that a trace stands for: its given tokens by position. */
function optionsOf(trace) {
  return {
    length: trace.length, steps: trace.steps, seed: trace.seed, temperature: trace.temperature, topK: trace.topK, topP: trace.topP || 1, sampler: trace.sampler === 'euler' ? 'euler' : 'analytic',
    clamp: (trace.held ?? trace.initial.flatMap((id, position) => (id === trace.maskId ? [] : [position]))).map((position) => [position, trace.initial[position]]),
  };
}

/** @param {import('../trace.js').Trace} trace @param {'recorded'|'imported'} origin @param {string} model */
export const runOf = (trace, origin, model) => new Run({ history: History.fromTrace(trace), options: optionsOf(trace), origin, model });

/** A trace from a file the visitor chose. @param {File} file */
export async function openTrace(file, model) {
  return runOf(readTrace(await file.text(), file.name), 'imported', model);
}

/** @param {Run} run @param {number} maskId */
export function saveTrace(run, maskId) {
  const { steps, seed, sampler = 'analytic', temperature = 1, topK = 0, topP = 1 } = run.options;
  const trace = traceOf(run.history, { steps, seed, maskId, sampler, temperature, topK, topP, model: { name: run.model } });
  download(`sedd-${seed}.trace.json`, new Blob([writeTrace(trace)], { type: 'application/json' }));
}
