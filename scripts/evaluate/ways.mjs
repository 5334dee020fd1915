// Ways to write a text: how positions are chosen, and which setting is the best of a sweep.
const planned = (grid) => ({ positions: 'fixed', order: 'spread', grid });

/**
 * Returns the options of a way to choose positions. No name: as published. planned: a fixed number a step, far apart from each
 * other; from 8 steps on the first steps open few. known: the same with few at first at any number of steps, and the network does
 * not read masks that stay shut, as the student was trained.
 */
export function wayOf(way, steps) {
  if (way === 'known') return { ...planned('cosine'), context: 'known' };
  return way === 'planned' ? planned(steps < 8 ? 'linear' : 'cosine') : {};
}

/** Returns the best setting among those at least as varied as real text, or null where there is none. */
export function best(rows, real) {
  const varied = rows.filter(({ entropy, repeated }) => entropy >= real.entropy && repeated <= real.repeated);
  return varied.reduce((least, row) => (least === null || row.nats < least.nats ? row : least), null);
}

/** Returns a setting as a generation_config.json writes it. */
export function configOf({ steps, way, temperature, topP }) {
  const { positions, order, grid: spacing, context } = wayOf(way, steps);
  return Object.fromEntries(
    Object.entries({ steps, positions, order, grid: spacing, context, temperature, top_p: topP }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
