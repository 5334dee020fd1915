/** Serves one contender, or one set of micro-kernels, in a worker. It receives {id, method, args} and answers {id, value | error}. */
const MODULES = { 'sedd-web': './own.js', 'onnxruntime-web': './onnxruntime.js', peak: './peak.js' };
let contender;

async function answer(method, args) {
  if (method === 'open') {
    const { open } = await import(MODULES[args[0]]);
    contender = await open(args[1]);
    return { kernels: contender.kernels, threads: contender.threads };
  }
  return contender[method](...args);
}

addEventListener('message', async ({ data: { id, method, args } }) => {
  try {
    postMessage({ id, value: await answer(method, args) });
  } catch (error) {
    postMessage({ id, error: error.stack ?? String(error) });
  }
});
