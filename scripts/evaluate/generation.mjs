// Unconditional texts: quality, diversity and likeness to held-out text, by steps and temperature, and at matched entropy.
import { heldOut } from './corpora.mjs';
import { diversity, judged, judgement, likeness } from './quality.mjs';
import { interpolate } from './statistics.mjs';

const seeds = (settings) => Array.from({ length: settings.texts }, (_, i) => settings.seed + 1 + i);

const planned = (grid) => ({ positions: 'fixed', order: 'spread', grid });

/**
 * How positions are chosen: SEDD as published (no name); planned: as many as planned, far apart, from 8 steps on few at first; known: the
 * same, few at first whatever the steps, and masks that stay shut are left out of the network: what the student was trained for.
 */
export function wayOf(way, steps) {
  if (way === 'known') return { ...planned('cosine'), context: 'known' };
  return way === 'planned' ? planned(steps < 8 ? 'linear' : 'cosine') : {};
}

async function write(context, model, { steps, temperature, way }) {
  const { settings, length } = context;
  const label =
    model.kind === 'sedd'
      ? `${steps} steps, temperature ${temperature}${way ? `, ${way}` : ''}`
      : `temperature ${temperature}`;
  const bos = await model.endOfText();
  const requests = seeds(settings).map((seed) =>
    model.kind === 'sedd'
      ? { op: 'sample', length, steps, seed, temperature, ...wayOf(way, steps) }
      : { op: 'generate', ids: [bos], count: length, seed, temperature },
  );
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

/** Each SEDD setting beside its twin at the same entropy, by interpolation over the twin's temperatures. */
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
    const { label, texts } = await write(context, context.twin, { temperature });
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
    for (const setting of model ? list : []) {
      const { label, texts } = await write(context, model, setting);
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
