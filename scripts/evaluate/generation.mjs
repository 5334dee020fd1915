// Measures unconditional texts by steps and temperature, and at matched entropy: quality, diversity and similarity to held-out text.
import { heldOut } from './corpora.mjs';
import { diversity, judged, judgement, likeness } from './quality.mjs';
import { interpolate } from '../../web/client/statistics.js';
import { seedOf } from './random.mjs';
import { wayOf } from './ways.mjs';

/** Describes how texts are written, for the progress line. */
const labelOf = (model, { steps, temperature, topP = 1, way }) =>
  [
    ...(model.kind === 'sedd' ? [`${steps} steps`] : []),
    `temperature ${temperature}`,
    ...(topP < 1 ? [`top-p ${topP}`] : []),
    ...(way ? [way] : []),
  ].join(', ');

/** Writes `count` texts of the model's length. Text i of a set has the same seed in every setting. */
export async function write(context, model, setting, count) {
  const { settings, length } = context;
  const { steps, temperature, topP, way } = setting;
  const label = labelOf(model, setting);
  const bos = await model.endOfText();
  const filter = { temperature, ...(topP === undefined ? {} : { topP }) };
  const requests = Array.from({ length: count }, (_, i) => {
    const seed = seedOf(settings.seed, i);
    return model.kind === 'sedd'
      ? { op: 'sample', length, steps, seed, ...filter, ...wayOf(way, steps) }
      : { op: 'generate', ids: [bos], count: length, seed, ...filter };
  });
  return { label, texts: (await model.ask(label, requests)).map(({ ids }) => ids) };
}

async function measure(context, row, label, texts, real) {
  const { judge, record } = context;
  const name = `${row.model ?? row.kind}, ${label}`;
  const result = {
    table: 'generation',
    ...row,
    judge: judge.name,
    texts: texts.length,
    length: texts[0].length,
    ...judgement(await judged(judge, name, texts)),
    ...(await diversity(judge, name, texts, real.length)),
    ...(await likeness(judge, name, texts, real)),
  };
  record(result);
  return result;
}

/** Records each SEDD setting beside its twin at the same entropy, interpolated between the twin's temperatures. */
function match(context, sedd, twin) {
  const points = twin.map(({ entropy, nats }) => [entropy, nats]);
  for (const row of sedd) {
    const nats = interpolate(points, row.entropy);
    context.record({
      ...row,
      ...(nats === null ? { twinNats: undefined } : { twinNats: nats, twinPpl: Math.exp(nats) }),
    });
  }
}

/** @param {import('./context.mjs').Context} context */
export async function run(context) {
  const { settings, judge, windows, length } = context;
  if (!judge || !context.fits(judge)) return;
  const all = heldOut(windows, length, judge.info.tokens);
  const real = all.filter((_, i) => i % 2 === 0).slice(0, settings.texts);
  const other = all.filter((_, i) => i % 2 === 1).slice(0, settings.texts);
  await measure(context, { kind: 'held-out' }, 'held-out text', other, real);
  const twin = [];
  for (const temperature of context.twin ? settings.twinTemperatures : []) {
    const { label, texts } = await write(context, context.twin, { temperature }, settings.texts);
    twin.push(
      await measure(
        context,
        { ...context.twin.identity(), kind: 'gpt2', temperature, seed: settings.seed },
        label,
        texts,
        real,
      ),
    );
  }
  const sedd = [];
  const settled = [
    ...settings.steps.map((steps) => ({ steps, temperature: 1 })),
    ...settings.temperatures.map((temperature) => ({ steps: settings.temperatureSteps, temperature })),
    ...settings.plannedSteps.map((steps) => ({ steps, temperature: 1, way: 'planned' })),
  ];
  for (const [model, list] of [
    [context.sedd, settled],
    [context.student, settings.studentSteps.map((steps) => ({ steps, temperature: 1, way: 'known' }))],
  ]) {
    for (const setting of model
      ? list.filter(({ temperature, way }) => model.masks || (temperature === 1 && !way))
      : []) {
      const { label, texts } = await write(context, model, setting, settings.texts);
      sedd.push(
        await measure(
          context,
          { ...model.identity(), kind: 'sedd', ...setting, seed: settings.seed },
          label,
          texts,
          real,
        ),
      );
    }
  }
  match(context, sedd, twin);
}
