/**
 * Replaces builds.js in the inline package, whose file holds the gzipped wasm modules as base64. It runs on one thread,
 * because threads would have to load their script from an address. ../bundle.mjs fills in "bytes:NAME". The two modules
 * have the same imports and exports, so one loader serves both.
 */
import relaxed from 'bytes:sedd-relaxed.wasm';
import simd from 'bytes:sedd-simd.wasm';
import create from '../../../web/wasm/sedd-relaxed.js';
import { SeddError } from '../../../web/errors.js';

const BYTES = { simd, relaxed };

export const THREADS = false;

export const importWebGPU = () => import('../../../web/engine/webgpu/open.js');

/** @param {string} base64 gzipped bytes */
async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/**
 * @param {'simd'|'relaxed'} build
 * @param {object} options for the loader
 */
export async function openBuild(build, options) {
  try {
    return await create({
      ...options,
      wasmBinary: new Uint8Array(await unpack(BYTES[build])),
      locateFile: (name) => name,
    });
  } catch (cause) {
    throw new SeddError('unsupported', `The engine did not start: ${cause.message}`, {
      hint: "The policy must allow script-src 'wasm-unsafe-eval'.",
      cause,
    });
  }
}
