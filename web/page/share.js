/**
 * Writes and reads links that reproduce a run. The part of the address after # has a version and everything that
 * determines the run. A link is untrusted: each part is checked, and an invalid link is refused with one sentence.
 *
 *   v=1 model length steps seed temperature topP [topK] positions [order gamma grid context]   the recipe
 *   prompt=TEXT or clamp=POSITION-ID,…                                          the given tokens
 *   b=STEP~pPOSITION=ID~…~s=SEED~t=TEMPERATURE                                  a branch; several in order; ID empty: a mask
 */
import { SeddError } from '../errors.js';
import { WORDS, currentWord } from '../client/sampling.js';
import { CHOICES, FIELDS, readNumber } from './recipe.js';
import { t } from './text.js';

export const VERSION = '1';
const PROMPT_MAX = 20000;
const BRANCHES_MAX = 32;

const refuse = (what) => {
  throw new SeddError('argument', t('share.damaged', { what }));
};

/** @param {import('./runs.js').Run} run @returns {string} the part after # */
export function runLink(run) {
  const { root } = run;
  return recipeLink({ model: root.model, ...root.options }, run.lineage);
}

/** @param {object} options @param {{from: number, change: import('./runs.js').Change}[]} [lineage] */
export function recipeLink({ prompt, clamp, ...options }, lineage = []) {
  const given = new URLSearchParams({ v: VERSION });
  for (const name of ['model', ...Object.keys(FIELDS), ...CHOICES])
    if (options[name] !== undefined) given.set(name, String(options[name]));
  if (clamp) given.set('clamp', clamp.map(([position, id]) => `${position}-${id}`).join(','));
  else given.set('prompt', prompt ?? '');
  for (const { from, change } of lineage) {
    given.append(
      'b',
      [
        from,
        ...(change.edit ?? []).map(([position, id]) => `p${position}=${id ?? ''}`),
        ...(change.seed === undefined ? [] : [`s=${change.seed}`]),
        ...(change.temperature === undefined ? [] : [`t=${change.temperature}`]),
      ].join('~'),
    );
  }
  return given.toString();
}

/**
 * @param {string} hash with or without #
 * @returns {{options: object, lineage: {from: number, change: import('./runs.js').Change}[]}}
 */
export function readLink(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const version = given.get('v');
  if (version !== VERSION)
    throw new SeddError('argument', t('share.version', { version: (version ?? '–').slice(0, 20) }));
  const options = { model: (given.get('model') ?? 'sedd-nano').slice(0, 200) };
  for (const name of ['length', 'steps', 'seed', 'temperature', 'topP', 'topK'])
    options[name] = readNumber(name, given.get(name) ?? String(name === 'seed' ? 1 : FIELDS[name].value));
  if (given.has('gamma')) options.gamma = readNumber('gamma', given.get('gamma'));
  for (const name of CHOICES) {
    if (!given.has(name)) continue;
    const word = currentWord(given.get(name));
    if (!WORDS[name].includes(word)) refuse(`${name}=${word.slice(0, 40)}`);
    options[name] = word;
  }
  if (given.has('clamp')) options.clamp = readClamp(given.get('clamp'), options.length);
  else options.prompt = given.get('prompt') ?? '';
  if (options.prompt?.length > PROMPT_MAX) refuse('prompt');
  const branches = given.getAll('b');
  if (branches.length > BRANCHES_MAX) refuse('b');
  return { options, lineage: branches.map((branch) => readBranch(branch, options.length)) };
}

function readClamp(text, length) {
  if (text === '') return [];
  return text.split(',').map((pair) => {
    const match = /^(\d{1,6})-(\d{1,9})$/.exec(pair);
    if (!match || Number(match[1]) >= length) refuse(`clamp=${pair.slice(0, 40)}`);
    return [Number(match[1]), Number(match[2])];
  });
}

function readBranch(text, length) {
  const [from, ...parts] = text.split('~');
  if (!/^\d{1,6}$/.test(from) || parts.length === 0 || parts.length > length + 2) refuse(`b=${text.slice(0, 40)}`);
  const change = {};
  for (const part of parts) {
    const [, position, id] = /^p(\d{1,6})=(\d{0,9})$/.exec(part) ?? [];
    if (position !== undefined && Number(position) < length)
      (change.edit ??= []).push([Number(position), id === '' ? null : Number(id)]);
    else if (part.startsWith('s=')) change.seed = readNumber('seed', part.slice(2));
    else if (part.startsWith('t=')) change.temperature = readNumber('temperature', part.slice(2));
    else refuse(`b=${text.slice(0, 40)}`);
  }
  return { from: Number(from), change };
}
