/**
 * Shows both ways of writing side by side: one recorded sentence after a third, two thirds and all of its tokens, in
 * GPT-2's order and in SEDD's. It does not move, so it also works in print.
 */
import { fetchTrace } from '../client/trace.js';
import { History } from '../view/history.js';
import { Strip } from '../view/strip.js';
import { $, el } from './dom.js';
import { t } from './text.js';

const RECORDED = 'models/sedd-nano/sentence.trace.json';
const ROWS = 3;

/** Returns the positions that the run filled in, in their order. @param {History} history */
export function opened(history) {
  const held = new Set(history.held);
  return history.changes.flat().filter((position) => !held.has(position));
}

/** Makes a row of the picture: the sentence with these positions and the given ones. */
function row(finals, given, positions, fresh) {
  const open = new Set([...given, ...positions]);
  const strip = new Strip();
  strip.open(
    {
      index: 9, // far from the earlier tokens, so that only `fresh` ones are marked as new
      texts: finals.map((text, i) => (open.has(i) ? text : null)),
      opened: finals.map((_, i) => (fresh.includes(i) ? 9 : open.has(i) ? 1 : -1)),
      confidence: [],
    },
    { held: given, finals },
  );
  const words = finals
    .map((text, i) => (open.has(i) ? text : ' …'))
    .join('')
    .trim();
  strip.element.setAttribute('role', 'img');
  strip.element.setAttribute('aria-label', words);
  return el('li', {}, strip.element);
}

function strip(className, title, rows) {
  return el('section', { className }, el('h2', {}, title), el('ol', {}, ...rows));
}

/** @param {History} history of the recorded sentence */
export function pictures(history) {
  const { finals } = history;
  const rows = (given, order) =>
    Array.from({ length: ROWS }, (_, i) => {
      const [before, now] = [i, i + 1].map((done) => Math.round((done * order.length) / ROWS));
      return row(finals, given, order.slice(0, now), order.slice(before, now));
    });
  const ends = finals.length - 1;
  const left = Array.from({ length: ends }, (_, i) => i + 1);
  return [
    strip('is-twin', t('strips.gpt2'), rows([0], left)),
    strip('is-sedd', t('strips.sedd'), rows([...history.held], opened(history))),
  ];
}

export async function mountStrips() {
  const history = History.fromTrace(await fetchTrace(new URL(RECORDED, document.baseURI).href));
  $('strips').append(...pictures(history), el('figcaption', { id: 'strips-title' }, t('strips.caption')));
}
