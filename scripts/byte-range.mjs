// Reads the Range header of a request.

/**
 * Returns the bytes that a Range header asks for, from `begin` up to `end` (not included), or null if it asks for the whole file. A range
 * that begins after the file is empty, which calls for the status 416.
 * @param {string | undefined} header @param {number} size of the file
 */
export function byteRange(header, size) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined) return null;
  return { begin: Number(first), end: Math.min(last ? Number(last) + 1 : size, size) };
}
