// Reads the files of multiple-choice tasks and makes items for a model: contexts, texts to score, and the correct option.
import path from 'node:path';
import { indexField, readJsonLines, textField, textsField } from './files.mjs';

/**
 * @typedef {{contexts: string[], targets: string[], gold: number, characters: number[]}} Item one context and one target for each
 *   option. A target begins with the space between it and its context. `characters` counts those of the target without that space;
 *   normalised scores divide by it.
 */

const pair = (contexts, targets, gold) => ({
  contexts,
  targets: targets.map((text) => ` ${text.trim()}`),
  gold,
  characters: targets.map((text) => [...text.trim()].length),
});

/** Reads one context and several continuations, with `cue` between them, as in lm-evaluation-harness. */
const continuations = (cue) => (fail, object) => {
  const choices = textsField(fail, object, 'choices');
  const context = textField(fail, object, 'query').trimEnd() + cue;
  return pair(
    choices.map(() => context),
    choices,
    indexField(fail, object, 'gold', choices.length),
  );
};

/** Reads several contexts and one continuation (Trinh & Le 2018): the same text is scored each time. */
const beginnings = (fail, object) => {
  const contexts = textsField(fail, object, 'context_options').map((text) => text.trimEnd());
  const end = textField(fail, object, 'continuation');
  return pair(
    contexts,
    contexts.map(() => end),
    indexField(fail, object, 'gold', contexts.length),
  );
};

export const TASKS = {
  hellaswag: { title: 'HellaSwag', file: 'hellaswag_olmes1000.jsonl', read: continuations('') },
  arc_easy: { title: 'ARC easy', file: 'arc_easy.jsonl', read: continuations('\nAnswer:') },
  arc_challenge: { title: 'ARC challenge', file: 'arc_challenge.jsonl', read: continuations('\nAnswer:') },
  piqa: { title: 'PIQA', file: 'piqa.jsonl', read: continuations('\nAnswer:') },
  winogrande: { title: 'WinoGrande', file: 'winogrande.jsonl', read: beginnings },
  wsc: { title: 'WSC', file: 'winograd_wsc.jsonl', read: beginnings },
  copa: { title: 'COPA', file: 'copa.jsonl', read: continuations('') },
  openbook_qa: { title: 'OpenBookQA', file: 'openbook_qa.jsonl', read: continuations('') },
  commonsense_qa: { title: 'CommonsenseQA', file: 'commonsense_qa.jsonl', read: continuations('') },
  siqa: { title: 'SIQA', file: 'siqa.jsonl', read: continuations('') },
  boolq: { title: 'BoolQ', file: 'boolq.jsonl', read: continuations('\nAnswer:') },
};

/** @returns {Item[]} */
export const readTask = (name, data) => readJsonLines(path.join(data, TASKS[name].file), TASKS[name].read);

/**
 * Returns the ids of an item's options for a model that reads `length` tokens. Context and target are tokenised together and split
 * where the context's own ids end. A context that is too long loses its beginning, a target its end. A GPT-2 reads end-of-text first.
 * @returns {Promise<{options: {ids: number[], given: number}[], cut: boolean}>}
 */
export async function optionsOf(model, item, endOfText) {
  const texts = await model.encode([...item.contexts, ...item.contexts.map((context, i) => context + item.targets[i])]);
  const first = model.kind === 'gpt2' ? [endOfText] : [];
  let cut = false;
  const options = item.contexts.map((_, i) => {
    const given = texts[i].length;
    const whole = texts[item.contexts.length + i];
    const target = whole.slice(given).slice(0, model.length);
    const context =
      given > 0 && target.length < model.length ? whole.slice(0, given).slice(-(model.length - target.length)) : [];
    cut ||= target.length + context.length < whole.length;
    return { ids: [...first, ...context, ...target], given: first.length + context.length };
  });
  return { options, cut };
}
