/**
 * The four wasm modules and their loaders. The addresses are literal, so that bundlers find the files and move them
 * unchanged; and this file lies beside wasm/, as a bundle does whose bundler leaves addresses alone. (The inline package has another builds.js, which carries the bytes: scripts/package/inline/builds.js.)
 */
import { SeddError } from './errors.js';

const FILES = {
  simd: () => [new URL('./wasm/sedd-simd.js', import.meta.url), new URL('./wasm/sedd-simd.wasm', import.meta.url)],
  relaxed: () => [
    new URL('./wasm/sedd-relaxed.js', import.meta.url),
    new URL('./wasm/sedd-relaxed.wasm', import.meta.url),
  ],
  'simd-threads': () => [
    new URL('./wasm/sedd-simd-threads.js', import.meta.url),
    new URL('./wasm/sedd-simd-threads.wasm', import.meta.url),
  ],
  'relaxed-threads': () => [
    new URL('./wasm/sedd-relaxed-threads.js', import.meta.url),
    new URL('./wasm/sedd-relaxed-threads.wasm', import.meta.url),
  ],
};

/** The code for graphics devices in one file, which the build makes of engine/webgpu/open.js. */
const webgpu = () => new URL('./wasm/webgpu.js', import.meta.url);

/** @returns {Promise<typeof import('./engine/webgpu/open.js')>} */
export const importWebGPU = () => import(/* webpackIgnore: true */ /* @vite-ignore */ webgpu().href);

/** True if this way of packaging supports threads. */
export const THREADS = true;

/** Describes what the server sent instead of a module; empty if it looks like one. @param {URL} url */
async function found(url) {
  if (!url.protocol.startsWith('http')) return '';
  const response = await fetch(url).catch(() => null);
  if (!response) return 'nothing answers there';
  if (!response.ok) return `the server answers ${response.status}`;
  const start = new TextDecoder().decode(new Uint8Array(await response.arrayBuffer()).subarray(0, 64)).trimStart();
  if (start.startsWith('<')) return 'the server sends a web page (HTML) instead';
  return start.startsWith('version https://git-lfs') ? 'it is a Git LFS pointer' : '';
}

/** Compiles the module while it streams. Returns null on failure, and the loader then tries its own ways and reports the error. @param {URL} url */
async function compile(url) {
  try {
    return url.protocol.startsWith('http')
      ? await WebAssembly.compileStreaming(fetch(url, { credentials: 'same-origin' }))
      : null;
  } catch {
    return null;
  }
}

/**
 * Fetches the module together with its loader, which would request it later.
 * @param {keyof typeof FILES} build
 * @param {object} options for the loader
 * @returns {Promise<any>} the instance
 */
export async function openBuild(build, options) {
  const [script, wasm] = FILES[build]();
  try {
    const [{ default: create }, module] = await Promise.all([
      import(/* webpackIgnore: true */ /* @vite-ignore */ script.href),
      compile(wasm),
    ]);
    const instantiateWasm = (imports, receive) => receive(new WebAssembly.Instance(module, imports), module);
    return await create({ ...options, locateFile: () => wasm.href, ...(module && { instantiateWasm }) });
  } catch (cause) {
    for (const url of [wasm, script]) {
      const why = await found(url);
      if (why)
        throw new SeddError('network', `The engine's file ${url.href} could not be loaded: ${why}.`, {
          hint: 'Copy the folder wasm/ to where worker.js looks for it.',
          url: url.href,
          cause,
        });
    }
    throw new SeddError('network', `The engine ${wasm.href} did not start: ${cause.message}`, {
      hint: "The policy must allow script-src 'self' 'wasm-unsafe-eval' and connect-src 'self'.",
      url: wasm.href,
      cause,
    });
  }
}
