// Measures multiple choice by likelihood: GPT-2's exact likelihood (raw, and normalised by length), SEDD's bound with the same masks
// for all options, and SEDD's exact value by the chain rule over the option's tokens.
import { TASKS, optionsOf, readTask } from './choices.mjs';
import { clozeItems, parted, stopIds } from './cloze.mjs';
import { heldOut } from './corpora.mjs';
import { mean, shareInterval } from '../../web/client/statistics.js';
import { evenly, seedOf } from './random.mjs';

/** Returns the index of the smallest number, the first one if several are equal. */
const smallest = (values) => values.indexOf(Math.min(...values));

function accuracy(items, picks) {
  const hits = items.filter((item, i) => picks[i] === item.gold).length;
  return { accuracy: hits / items.length, interval: shareInterval(hits, items.length), hits };
}

async function score(context, model, row, items, scorings) {
  for (const scoring of scorings) {
    const { settings } = context;
    const requests = items.map(({ options, gold, number }) => ({
      op: 'choice',
      options,
      ...(scoring === 'bound' ? { samples: settings.choiceSamples, seed: seedOf(settings.seed, number) } : {}),
      ...(model.kind === 'sedd' ? { scoring } : {}),
      about: { task: row.task, item: number, gold },
    }));
    const answers = await model.ask(`${row.task}, ${scoring}`, requests);
    const raw = accuracy(
      items,
      answers.map(({ nats }) => smallest(nats)),
    );
    const normalised = accuracy(
      items,
      answers.map(({ nats }, i) => smallest(nats.map((value, k) => value / items[i].characters[k]))),
    );
    context.record({
      table: 'choice',
      ...row,
      scoring,
      ...(scoring === 'bound' ? { samples: settings.choiceSamples } : {}),
      ...raw,
      normalised: normalised.accuracy,
      normalisedInterval: normalised.interval,
      items: items.length,
      cut: items.filter(({ cut }) => cut).length,
      chance: mean(items.map(({ options }) => 1 / options.length)),
      secondsPerItem: mean(answers.map(({ seconds }) => seconds)),
    });
  }
}

const scoringsOf = (model, scorings) => (model.kind === 'sedd' ? scorings : ['exact']);

async function cloze(context, model) {
  const windows = heldOut(context.windows, context.length, model.info.tokens);
  const endOfText = await model.endOfText();
  const first = model.kind === 'gpt2' ? [endOfText] : [];
  const items = clozeItems(parted(windows, await stopIds(model), { first: 1 }), context.settings.seed).map(
    ({ context: given, endings, gold }, number) => ({
      gold,
      number,
      cut: false,
      characters: endings.map((ending) => ending.length),
      options: endings.map((ending) => ({
        ids: [...first, ...given.slice(-(model.length - ending.length)), ...ending],
        given: first.length + Math.min(given.length, model.length - ending.length),
      })),
    }),
  );
  await score(
    context,
    model,
    { ...model.identity(), task: 'cloze', title: 'Story cloze (held-out stories)', all: items.length },
    items,
    scoringsOf(model, context.settings.clozeScorings),
  );
}

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { settings, data } = context;
  // The options of a choice are masked, so a DUO has no score.
  for (const model of [context.sedd, context.twin].filter((given) => given && (given.kind === 'gpt2' || given.masks))) {
    if (context.fits(model)) await cloze(context, model);
    for (const name of data ? settings.tasks : []) {
      const all = readTask(name, data).map((item, number) => ({ ...item, number }));
      const endOfText = await model.endOfText();
      const items = [];
      for (const item of evenly(all, settings.items))
        items.push({ ...item, ...(await optionsOf(model, item, endOfText)) });
      await score(
        context,
        model,
        { ...model.identity(), task: name, title: TASKS[name].title, all: all.length },
        items,
        scoringsOf(model, settings.scorings),
      );
    }
  }
}
