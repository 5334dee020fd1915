/**
 * Defines the synthetic vocabulary of the GGUF files: printable ASCII and the line feed stand for themselves, and every other
 * id N is "tokN" in five digits. Every generated text is therefore valid UTF-8 and can be read back as ids.
 */

const plain = (id) => id === 10 || (id >= 32 && id < 127);

export const textOf = (id) => (plain(id) ? String.fromCharCode(id) : `tok${String(id).padStart(5, '0')}`);

/** Returns the id of one token's text, or -1 for any other text. */
export function idOf(text) {
  const match = /^tok(\d{5})$/.exec(text);
  return match ? Number(match[1]) : text.length === 1 && plain(text.charCodeAt(0)) ? text.charCodeAt(0) : -1;
}
