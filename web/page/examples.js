/**
 * Ready tasks, one press each. `seed` is the one of 1 to 60 whose text reads best among the ten that judge-nano finds
 * likeliest (`node scripts/examples.mjs`); the page says that it was chosen.
 */
export const EXAMPLES = [
  { id: 'continue', prompt: 'Once upon a time', seed: '29' },
  {
    id: 'middle',
    prompt: 'Tim wanted to bake a cake for his mom. {16} The cake was burnt, but his mom loved it.',
    seed: '12',
  },
  { id: 'ends', prompt: 'One day, Lily lost her red ball. {24} Lily was happy to have her ball again.', seed: '22' },
  { id: 'words', prompt: '{6} bird{7} rain{7} umbrella{7} friends.', seed: '31' },
  { id: 'acrostic', prompt: 'Sam{7}.\nAnna{7}.\nIt{7}.\nLily{7}.', seed: '42' },
];

/** Whether a task has the seed that was chosen for it. @param {{prompt?: string, seed: string}} options */
export const isChosen = ({ prompt, seed }) => EXAMPLES.some((one) => one.prompt === prompt && one.seed === seed);
