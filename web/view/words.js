/**
 * The languages of the elements. English is built in. The words of another language are fetched when the `lang`
 * attribute of an element, or of an element around it, names that language.
 */
const LANGUAGES = { zh: () => import('./words/zh.js') };

/**
 * Uses the language around an element, if its words exist.
 * @param {Element} element connected
 * @param {Record<string, {translate: (words: any) => void}>} parts by their names in words/en.js
 */
export async function speak(element, parts) {
  const name = Object.keys(LANGUAGES).find((language) => element.matches(`:lang(${language})`));
  const words = name ? await LANGUAGES[name]().catch(() => ({})) : {};
  for (const part of Object.keys(words)) parts[part]?.translate(words[part]);
}
