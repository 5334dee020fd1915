/** Makes a run of the page from a recorded trace. */
import { WORDS } from '../client/sampling.js';
import { History } from '../view/history.js';
import { Run } from './runs.js';

/**
 * Returns the options of a trace, with its given tokens by position. A trace without settings counts as SEDD as
 * published.
 */
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
