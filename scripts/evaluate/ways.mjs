// Ways to write a text: how positions are chosen, and which setting is the best of a sweep.
const planned = (grid) => ({ positions: 'fixed', order: 'spread', grid });

/**
 * Returns the options of a way to choose positions. No name: as published. planned: a planned number a step, far apart, from 8 steps
 * on few at first. known: the same, few at first whatever the steps, and masks that stay shut are left out of the network, which the
 * student was trained for.
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
