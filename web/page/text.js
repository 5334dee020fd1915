/**
 * Gives the strings of the page in the reader's language. A language is one file in web/strings/ and one line in
 * LANGUAGES. A string is plain text with `{name}` for values, and a little markup for emphasis, links and live numbers.
 * It becomes nodes, never HTML.
 *
 *   *word*  emphasis     **word**  strong     [text](url)  link     ^{x}  superscript
 *   {{name}}  a number that the page updates (see `live`)
 */
import { el } from './dom.js';

export const LANGUAGES = { en: 'English', zh: '中文' };
const TAGS = { en: 'en', zh: 'zh-Hans' };

let table = {};
let language = 'en';

/** Returns the language in the address, or the first of the browser's languages that exists here. */
function choose() {
  const asked = new URLSearchParams(location.search).get('lang');
  const wanted = [asked, ...(navigator.languages ?? [])].filter(Boolean).map((tag) => tag.toLowerCase().split('-')[0]);
  return wanted.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? 'en';
}

const TABLES = { en: () => import('../strings/en.js'), zh: () => import('../strings/zh.js') };

/** Chooses the language, fetches its table and fills the page. */
export async function speak() {
  language = choose();
  table = (await TABLES[language]()).default;
  document.documentElement.lang = TAGS[language];
  document.title = t('title');
  apply(document.body);
  return language;
}

/** @param {string} key @param {Record<string, unknown>} [values] */
export function t(key, values = {}) {
  const entry = table[key];
  if (entry === undefined) return key;
  if (typeof entry === 'function') return entry(values);
  return entry.replace(/(?<!\{)\{(\w+)\}(?!\})/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Returns a number in the reader's notation. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(TAGS[language], { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    value,
  );
}

/** Returns milliseconds with as many digits as are meaningful. */
export const millis = (ms) => number(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0);

const LEAST = 0.001; // smallest probability that is shown as a number

/** Returns a probability in per cent, with a digit after the point near 0 and 1. @param {number} share */
export function percent(share) {
  const digits = share < 0.0995 || share > 0.995 ? 1 : 0;
  return t('percent', {
    share: share > 0 && share < LEAST ? `< ${number(100 * LEAST, 1)}` : number(100 * share, digits),
  });
}

const MARKUP = /\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)|\^\{([^}]+)\}|\{\{(\w+)\}\}/g;

/** Returns a string as nodes. @returns {(Node|string)[]} */
export function nodes(text) {
  const result = [];
  let end = 0;
  for (const match of text.matchAll(MARKUP)) {
    const [whole, strong, emphasis, label, url, raised, name] = match;
    result.push(text.slice(end, match.index));
    if (strong) result.push(el('strong', {}, strong));
    else if (emphasis) result.push(el('em', {}, emphasis));
    else if (label) result.push(el('a', { href: url }, label));
    else if (raised) result.push(el('sup', {}, raised));
    else result.push(el('b', { data: { live: name } }, '–'));
    end = match.index + whole.length;
  }
  result.push(text.slice(end));
  return result;
}

/** Fills every element that names its string: `data-t` for its content, `data-t-NAME` for attribute NAME. */
export function apply(root) {
  for (const element of root.querySelectorAll('[data-t]')) element.replaceChildren(...nodes(t(element.dataset.t)));
  for (const element of root.querySelectorAll('[data-t-aria-label],[data-t-placeholder],[data-t-title]')) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith('data-t-')) element.setAttribute(name.slice('data-t-'.length), t(value));
    }
  }
}

/** Sets every live number of that name. */
export function live(name, text) {
  for (const element of document.querySelectorAll(`[data-live="${name}"]`)) element.textContent = text;
}

/** Returns an error as text: its sentence and its remedy. */
export function explain(error) {
  if (error?.name === 'AbortError') return t('stopped');
  return [error?.message ?? String(error), error?.hint].filter(Boolean).join(' ');
}
