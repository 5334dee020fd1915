/** Asks the service worker (offline.js beside index.html) to store the page itself, once a model is loaded. */

let asked = false;

/**
 * Resolves once the page's files are stored, or immediately if the browser cannot store them.
 * @param {{wasm: string, threads: number}} model whose wasm module is kept
 */
export async function keepPage({ wasm, threads }) {
  if (asked || !globalThis.navigator?.serviceWorker || !globalThis.isSecureContext) return;
  asked = true;
  await navigator.serviceWorker.register(new URL('../../offline.js', import.meta.url));
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const kept = new Promise((resolve) => {
    port1.onmessage = resolve;
  });
  active.postMessage({ keep: `${wasm}${threads > 1 ? '-threads' : ''}` }, [port2]);
  await kept;
}
