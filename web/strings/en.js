/** Everything the page says, in English. Functions take numbers. */
export default {
  loading: (name, share) => `Loading ${name}: ${share} %`,
  ready: (ms, kernels, threads) => `Ready after ${ms} ms. Kernels: ${kernels}, ${threads === 1 ? 'one thread' : `${threads} threads`}.`,
  running: (step, total, masked, length) => `Step ${step} of ${total}: ${length - masked} of ${length} tokens open.`,
  done: (tokens, ms, perStep, seed) => `${tokens} tokens in ${ms} ms (${perStep} ms a step), seed ${seed}.`,
  stopped: 'Stopped.',
  twinRunning: (count, total) => `Token ${count} of ${total}.`,
  twinDone: (tokens, ms, perToken) => `${tokens} tokens in ${ms} ms (${perToken} ms a token).`,
  winner: (seddMs, gptMs) => (seddMs < gptMs
    ? `Here SEDD was ${(gptMs / seddMs).toFixed(2)} times as fast as its GPT-2 twin.`
    : `Here GPT-2 was ${(seddMs / gptMs).toFixed(2)} times as fast: at this size every weight fits the processor's cache, so one-token steps are cheap.`),
  breakEven: (steps) => `On this device SEDD would break even at about ${steps} steps.`,
  masked: 'masked',
  heldToken: 'given',
  failed: (message, hint) => `${message}${hint ? ` ${hint}` : ''}`,
  copied: 'Link copied.',
  scrub: (step, total) => `Showing step ${step} of ${total}.`,
};
