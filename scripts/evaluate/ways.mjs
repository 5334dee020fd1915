// Defines the ways to write a text, which differ in how positions are chosen, and the rule for the best setting of a sweep.
const planned = (order, grid) => ({ positions: 'planned', ...(order ? { order } : {}), ...(grid ? { grid } : {}) });

/** The sampling options of each way, by name; a function where they depend on the number of steps. */
const WAYS = {
  published: {},
  normalised: { positions: 'normalised' },
  fixed: planned(), // the name under which results are stored
  confidence: planned('confidence'),
  margin: planned('margin'),
  entropy: planned('entropy'),
  // A planned number of positions per step, far apart from each other. From 8 steps on, the first steps fill in few.
  planned: (steps) => planned('spread', steps < 8 ? 'linear' : 'cosine'),
  // The first steps fill in few for any number of steps, and the network skips masks that stay masks, as the student was trained.
  known: { ...planned('spread', 'cosine'), context: 'known' },
};

export const WAY_NAMES = Object.keys(WAYS);

/** Returns the sampling options of a way to choose positions. */
export function wayOf(way = 'published', steps = 0) {
  const options = WAYS[way];
  return typeof options === 'function' ? options(steps) : options;
}

/** Returns the best setting among those at least as varied as real text, or null if there is none. */
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
