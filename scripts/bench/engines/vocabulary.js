/** The made-up vocabulary of the GGUF files: ids 0..255 are bytes, every other id N is "tokN" in five digits. */

export const textOf = (id) => `tok${String(id).padStart(5, '0')}`;

/** The id of one token's text, -1 for bytes that are no ASCII. */
export function idOf(text) {
  const match = /^tok(\d{5})$/.exec(text);
  return match ? Number(match[1]) : text.length === 1 && text.charCodeAt(0) < 128 ? text.charCodeAt(0) : -1;
}
