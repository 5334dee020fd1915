/** The words of the elements in English, by part. Other languages have the same names and keys (tests/web/strings.test.mjs). */

export const player = {
  recorded: 'Recorded run',
  of: ' of ',
  facts: (steps, denoised, length, seed) =>
    `${steps} step${steps === 1 ? '' : 's'}${denoised ? ' and the denoiser' : ''} \u00b7 ${length} tokens \u00b7 seed ${seed}`,
};

export const timeline = {
  label: 'Timeline',
  play: 'Play',
  pause: 'Pause',
  back: 'One step back',
  forward: 'One step forward',
  speed: 'Speed',
  step: 'Step',
  place: (step, total, open, length) => `step ${step} of ${total}, ${open} of ${length} fixed`,
};

export const sheet = {
  label: (steps, length) =>
    `Overview of the run: ${steps} steps from top to bottom, ${length} positions from left to right`,
  places: (length) => `${length} positions →`,
  steps: (steps) => `${steps} steps →`,
  mask: 'mask',
  fresh: 'opened in this step',
  kept: 'kept',
  held: 'given',
};

export const cells = {
  label: 'Tokens of the text',
  masked: 'masked',
  hole: 'to be written',
  held: (text) => `${text}, given`,
  fresh: (text) => `${text}, new`,
  space: 'space',
  lineBreak: 'line break',
};

export const controls = {
  prompt: 'Text; {20} leaves 20 tokens open',
  seed: 'Seed',
  random: 'random',
  steps: 'Steps',
  first: 'Run it here',
  run: 'Write',
  stop: 'Stop',
  report: 'Copy the comparison',
  load: 'Loading',
};

export const twin = {
  writing: 'GPT-2, left to right',
  name: (count, ms) => `GPT-2, left to right: ${count} tokens, ${ms} ms`,
  verdict: (faster, times) => `In this one run on this device ${faster} was ${times} times as fast.`,
};

export const demo = {
  engine: 'Loading the engine',
  loading: (percent, megabytes) => `Loading: ${percent} % of ${megabytes} MB`,
  step: (step, total, open, length) => `Step ${step} of ${total}, ${open} of ${length} fixed`,
  done: (length, steps, denoised, ms, seed) =>
    `${length} tokens, ${steps} step${steps === 1 ? '' : 's'}${denoised ? ' and the denoiser' : ''}, ${ms} ms, seed ${seed}`,
  stopped: 'Stopped.',
  comparing: (round, rounds) => `Comparing, both in turn: round ${round} of ${rounds}`,
  copied: 'The comparison is in the clipboard.',
  shown: 'The clipboard is not allowed here; the comparison is below.',
};
