/**
 * Passes to a loader in wasm the bytes that it needs, through one small buffer, so that a stream is never in memory as
 * a whole.
 */
const PIECE = 1 << 20;

/** Returns the range that the loader needs next, or null. */
function want(engine, loader) {
  const { more, ...range } = engine.json(engine.module._wasm_loader_want(loader));
  return more ? range : null;
}

/**
 * @param {import('./engine.js').Engine} engine
 * @param {number} loader
 * @param {any} source AsyncIterable<Uint8Array>, or {size: number, read: (begin, end) => AsyncIterable<Uint8Array>}:
 *   one stream from the beginning (safetensors), or any ranges of a file of known size (torch files need that)
 */
export async function feedLoader(engine, loader, source) {
  const { module } = engine;
  const buffer = engine.check(module._malloc(PIECE));
  const push = (offset, bytes) => {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const part = bytes.subarray(at, at + PIECE);
      engine.bytes(buffer, part.length).set(part);
      engine.checkStatus(module._wasm_loader_push(loader, offset + at, buffer, part.length));
    }
  };
  try {
    if (!source.read) {
      let offset = 0;
      for await (const bytes of source) {
        push(offset, bytes);
        offset += bytes.length;
      }
      return;
    }
    module._wasm_loader_expect(loader, source.size);
    for (let range = want(engine, loader); range; ) {
      const { begin, end } = range;
      let place = begin;
      for await (const bytes of source.read(begin, Math.min(end, source.size))) {
        push(place, bytes);
        place += bytes.length;
        range = want(engine, loader);
        if (range?.begin !== place) break;
      }
      if (place === begin) return; // the source has ended; finish() reports where
    }
  } finally {
    module._free(buffer);
  }
}
