/** Opens the repository's files by their paths: fetches them in a browser, reads them from disk in Node. */
const node = typeof process === 'object' && process.versions?.node;
const locate = (file) => new URL(`../../../${file}`, import.meta.url);

/** @returns {Promise<Uint8Array>} */
export async function read(file) {
  if (node) return new Uint8Array(await (await import('node:fs/promises')).readFile(locate(file)));
  const response = await fetch(locate(file));
  if (!response.ok) throw new Error(`${file}: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @returns {AsyncIterable<Uint8Array>} */
export async function* stream(file) {
  if (node) {
    yield* (await import('node:fs')).createReadStream(locate(file), { highWaterMark: 1 << 20 });
    return;
  }
  const response = await fetch(locate(file));
  if (!response.ok) throw new Error(`${file}: the server answered ${response.status}`);
  const reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

export const inNode = Boolean(node);
export const urlOf = (file) => locate(file).href;

/** Returns about `count` evenly spread values of a long array as a plain array, small enough to send for a comparison. */
export function thin(values, count = 4000) {
  const stride = Math.max(1, Math.ceil(values.length / count)) | 1;
  return Array.from({ length: Math.ceil(values.length / stride) }, (_, i) => values[i * stride]);
}
