/**
 * The languages of the elements. English is part of them; the words of another language are fetched when an element
 * stands in text of that language, by the `lang` attribute of the element or of anything around it.
 */
const LANGUAGES = { zh: () => import('./words/zh.js') };

/**
 * Says everything in the language around an element, where there are words for it.
 * @param {Element} element connected
 * @param {Record<string, {translate: (words: any) => void}>} parts by their names in words/en.js
 */
export async function speak(element, parts) {
  const name = Object.keys(LANGUAGES).find((language) => element.matches(`:lang(${language})`));
  const words = name ? await LANGUAGES[name]().catch(() => ({})) : {};
  for (const part of Object.keys(words)) parts[part]?.translate(words[part]);
}
