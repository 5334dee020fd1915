// Reads the training curves of SEDD and its twin from the log.jsonl of their runs: nats a token on held-out text against tokens seen.
import { statSync } from 'node:fs';
import path from 'node:path';
import { readJsonLines } from './files.mjs';

const FIELDS = { sedd: 'bound', gpt2: 'nll' };

/** Returns [tokens, nats] of one log. A resumed run logs some tokens again, so the last entry for a number of tokens counts. */
function pointsOf(file, kind) {
  const field = FIELDS[kind];
  const entries = readJsonLines(file, (fail, entry) => {
    if (!Number.isFinite(entry.tokens) || entry.tokens < 0)
      fail('tokens', `expected a number of tokens, found ${JSON.stringify(entry.tokens)}`);
    if (entry[field] === undefined) return [entry.tokens, null];
    const nats = entry[field]?.nats_per_token ?? entry[field];
    if (!Number.isFinite(nats)) fail(field, `expected nats a token, found ${JSON.stringify(entry[field])}`);
    return [entry.tokens, nats];
  });
  return { last: entries.at(-1)[0], points: new Map(entries.filter(([, nats]) => nats !== null)) };
}

/**
 * Returns the curve of runs that continue each other, with tokens counted from the start of the first.
 * @param {string[]} files log.jsonl, or folders that have one @param {'sedd'|'gpt2'} kind
 * @returns {[number, number][]} ascending, without the untrained model, which a logarithmic axis cannot show
 */
export function curveOf(files, kind) {
  const found = new Map();
  let before = 0;
  for (const place of files) {
    const folder = statSync(place, { throwIfNoEntry: false })?.isDirectory();
    const { last, points } = pointsOf(folder ? path.join(place, 'log.jsonl') : place, kind);
    for (const [tokens, nats] of points) found.set(before + tokens, nats);
    before += last;
  }
  const list = [...found].filter(([tokens]) => tokens > 0).sort(([a], [b]) => a - b);
  if (!list.length) throw new Error(`${files.join(', ')}: no entry has "${FIELDS[kind]}"; expected a ${kind}'s log`);
  return list;
}

/** @param {import('./context.mjs').Context} context */
export function run({ settings, record }) {
  const logs = { sedd: settings.log, gpt2: settings.twinLog };
  if (!logs.sedd && !logs.gpt2) throw new Error('a curve needs --log FILE,... or --twin-log FILE,...');
  const curves = Object.entries(logs).map(([kind, files]) => files && { kind, points: curveOf(files, kind) });
  for (const curve of curves.filter(Boolean)) record({ table: 'curve', ...curve });
}
