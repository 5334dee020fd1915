// Measures texts around given text: after a prefix, between two sides, after short and long prompts, and in stories whose first and last
// sentence are given. Reports the judge's nats a token of the written tokens and the text after them, beside the twin's and the real text's.
import { parted, stopIds } from './cloze.mjs';
import { heldOut } from './corpora.mjs';
import { seedOf } from './random.mjs';
import { diversity, judged, judgement, likeness } from './quality.mjs';

const TRIES = 8; // attempts of the twin, which cannot see the text after a hole; it keeps the one after which that text is likeliest

const hold = (ids, at) => ids.map((id, i) => [at + i, id]);

/** Lets SEDD write the `count` tokens between `before` and `after`, in a window of `length` (default: just these). */
async function fill(context, model, label, pieces, steps, length) {
  const answers = await model.ask(
    label,
    pieces.map(({ before, after, count }, i) => {
      const whole = length ?? before.length + count + after.length;
      return {
        op: 'sample',
        length: whole,
        steps,
        seed: seedOf(context.settings.seed, i),
        held: [...hold(before, 0), ...hold(after, before.length + count)],
      };
    }),
  );
  return answers.map(({ ids }, i) => ids.slice(pieces[i].before.length, pieces[i].before.length + pieces[i].count));
}

/** Lets the twin continue `before`. If a text follows the hole, keeps the attempt after which that text is likeliest. */
async function continueWith(context, model, label, pieces) {
  const bos = await model.endOfText();
  const tries = pieces.some(({ after }) => after.length) ? TRIES : 1;
  const answers = await model.ask(
    label,
    pieces.flatMap(({ before, count }, i) =>
      Array.from({ length: tries }, (_, attempt) => ({
        op: 'generate',
        ids: [bos, ...before],
        count,
        seed: seedOf(context.settings.seed, i, attempt),
      })),
    ),
  );
  const attempts = pieces.map((_, i) => answers.slice(i * tries, (i + 1) * tries).map(({ ids }) => ids));
  if (tries === 1) return attempts.map(([ids]) => ids);
  const ranks = await model.ask(
    `${label}, which fits`,
    pieces.map(({ before, after }, i) => ({
      op: 'choice',
      options: attempts[i].map((ids) => ({
        ids: [bos, ...before, ...ids, ...after],
        given: 1 + before.length + ids.length,
      })),
    })),
  );
  return attempts.map((list, i) => list[ranks[i].nats.indexOf(Math.min(...ranks[i].nats))]);
}

/** Judges middles together with the text that follows them, and records the row. */
async function measure(context, row, label, pieces, written, more) {
  const { judge, record } = context;
  const texts = pieces.map(({ after }, i) => [...written[i], ...after]);
  const nats = await judged(
    judge,
    label,
    texts,
    pieces.map(({ before }) => before),
  );
  const result = {
    table: 'conditional',
    ...row,
    judge: judge.name,
    texts: pieces.length,
    ...judgement(nats),
    ...(await diversity(judge, label, written)),
    ...more,
  };
  record(result);
  return result;
}

/** Measures all writers on the same pieces, with SEDD in windows of these lengths (undefined: as short as possible). */
async function compare(context, name, pieces, { likenessTo, windows = [undefined], steps }) {
  const { sedd, twin, judge, settings } = context;
  const whole = (written) => pieces.map(({ before, after }, i) => [...before, ...written[i], ...after]);
  const more = async (label, written) => (likenessTo ? likeness(judge, label, whole(written), likenessTo) : {});
  const row = { prompt: name, seed: settings.seed };
  const real = pieces.map(({ real: text }) => text);
  await measure(
    context,
    { ...row, kind: 'held-out' },
    `${name}, real`,
    pieces,
    real,
    await more(`${name}, real`, real),
  );
  for (const count of steps) {
    for (const window of windows) {
      const label = `${name}, ${count} steps${window ? `, window of ${window}` : ''}`;
      const written = await fill(context, sedd, label, pieces, count, window);
      await measure(
        context,
        { ...row, ...sedd.identity(), kind: 'sedd', steps: count, length: window ?? 'as needed' },
        label,
        pieces,
        written,
        await more(label, written),
      );
    }
  }
  if (twin) {
    const written = await continueWith(context, twin, `${name}, twin`, pieces);
    await measure(
      context,
      { ...row, ...twin.identity(), kind: 'gpt2', tries: pieces.some(({ after }) => after.length) ? TRIES : 1 },
      `${name}, twin`,
      pieces,
      written,
      await more(`${name}, twin`, written),
    );
  }
}

/** Cuts windows into pieces of `before` given tokens, `count` tokens to write and `after` given tokens. */
const pieces = (windows, before, count, after) =>
  windows
    .filter((ids) => ids.length >= before + count + after)
    .map((ids) => ({
      before: ids.slice(0, before),
      count,
      after: ids.slice(before + count, before + count + after),
      real: ids.slice(before, before + count),
    }));

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { settings, judge, sedd, windows, length } = context;
  if (!judge || !context.fits(judge) || !sedd) return;
  const all = heldOut(windows, length, judge.info.tokens);
  const count = Math.min(settings.texts, Math.floor(all.length / 2));
  const [used, rest] = [all.slice(0, count), all.slice(count, 2 * count)];
  const [half, quarter] = length >= 100 ? [50, 25] : [Math.floor(length / 2), Math.floor(length / 4)];
  const against = (size) => rest.map((ids) => ids.slice(0, size));
  await compare(context, `prefix ${half} + ${half}`, pieces(used, half, half, 0), {
    likenessTo: rest.length ? against(2 * half) : null,
    windows: length > 2 * half ? [undefined, length] : [undefined],
    steps: settings.conditionalSteps,
  });
  await compare(context, `infill ${quarter} + ${half} + ${quarter}`, pieces(used, quarter, half, quarter), {
    likenessTo: rest.length ? against(half + 2 * quarter) : null,
    steps: settings.conditionalSteps,
  });
  for (const prompt of settings.prompts.filter((size) => size + settings.continuation <= length)) {
    await compare(context, `prompt of ${prompt}`, pieces(used, prompt, settings.continuation, 0), {
      steps: [settings.promptSteps],
      windows: [length],
    });
  }
  const stories = parted(used, await stopIds(judge));
  if (stories.length) {
    const list = stories.map(({ first, middle, last }) => ({
      before: first,
      count: middle.length,
      after: last,
      real: middle,
    }));
    await compare(context, 'first and last sentence', list, { steps: settings.conditionalSteps });
  }
}
