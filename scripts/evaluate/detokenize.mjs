// Undoes the tokenisation of published corpora, rule by rule in the order of the reference code. One rule of that code, whose
// pattern contains slashes and never matches, is left out.

/** @typedef {[string | RegExp, string]} Rule */
const apply = (rules, text) => rules.reduce((result, [from, to]) => result.replaceAll(from, to), text);

/** @type {Rule[]} */
const WIKITEXT = [
  ["s '", "s'"],
  [' @-@ ', '-'],
  [' @,@ ', ','],
  [' @.@ ', '.'],
  [' : ', ': '],
  [' ; ', '; '],
  [' . ', '. '],
  [' ! ', '! '],
  [' ? ', '? '],
  [' , ', ', '],
  [/\(\s*([^)]*?)\s*\)/g, '($1)'],
  [/\[\s*([^\]]*?)\s*\]/g, '[$1]'],
  [/\{\s*([^}]*?)\s*\}/g, '{$1}'],
  [/"\s*([^"]*?)\s*"/g, '"$1"'],
  [/'\s*([^']*?)\s*'/g, "'$1'"],
  ['= = = =', '===='],
  ['= = =', '==='],
  ['= =', '=='],
  [' \u00b0 ', '\u00b0'],
  [' \n', '\n'],
  ['\n ', '\n'],
  [' N ', ' 1 '],
  [" 's", "'s"],
];

/** @type {Rule[]} */
const PTB = [
  [" 's", "'s"],
  ["s ' ", "s' "],
  [" n't", "n't"],
  [' \n ', '\n'],
  ['\\/', '/'],
  [' N ', ' 1 '],
  [' N ', ' 1 '],
  ['$ 1', '$1'],
  ['# 1', '#1'],
  ['<unk>', '?'],
];

export const wikitext = (row) => apply(WIKITEXT, row);
export const ptb = (row) => apply(PTB, row);
/** Prepares OpenAI's LAMBADA: straightens quotes, trims white space and puts a line break in front. */
export const lambada = (row) => `\n${row.replaceAll('\u201c', '"').replaceAll('\u201d', '"').trim()}`;
