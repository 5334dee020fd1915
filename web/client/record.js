/** Makes the trace of a run: its first event with the settings, and the changes of each step. trace.js reads traces. */

/** The fields with which every trace begins. @type {{format: 'sedd-trace', version: 1}} */
export const FORMAT = { format: 'sedd-trace', version: 1 };

/**
 * @param {any} start the run's first event
 * @param {readonly any[]} steps its other events, in order
 * @param {{info: {maskId: number}, source?: {name?: string, sha256?: string}}} sedd
 * @returns {import('./trace.js').Trace}
 */
export function recordRun(start, steps, { info, source: { name = '', sha256 = '' } = {} }) {
  const texts = {};
  for (const event of [start, ...steps])
    event.ids.forEach((id, i) => {
      if (event.texts[i] !== null) texts[id] = event.texts[i];
    });
  return {
    ...FORMAT,
    ...start.settings,
    maskId: info.maskId,
    initial: start.ids,
    events: steps.map(({ step, sigma, masked, positions, ids, ms, confidence }) => ({
      step,
      sigma,
      masked,
      changed: positions,
      ids,
      ms,
      ...(confidence && { confidence }),
    })),
    texts,
    held: start.held,
    ...(name && { model: { name, ...(sha256 && { sha256 }) } }),
  };
}
