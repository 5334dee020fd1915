/**
 * Ready tasks. Each `seed` was chosen for its text among the seeds 1 to 16, which the page tells. (`node
 * scripts/examples.mjs` lists the texts, the likeliest under judge-nano first.)
 */
export const EXAMPLES = [
  { id: 'continue', prompt: 'Once upon a time', seed: '13' },
  {
    id: 'middle',
    prompt: 'Tim wanted to bake a cake for his mom. {16} The cake was burnt, but his mom loved it.',
    seed: '5',
  },
  { id: 'ends', prompt: 'One day, Lily lost her red ball. {24} Lily was happy to have her ball again.', seed: '5' },
  { id: 'words', prompt: '{6} bird{7} rain{7} umbrella{7} friends.', seed: '10' },
  { id: 'acrostic', prompt: 'They{7}.\nHe{7}.\nIt{7}.\nShe{7}.', seed: '9' },
];

/** Returns true if a task has the seed that was chosen for it. @param {{prompt?: string, seed: string}} options */
export const isChosen = ({ prompt, seed }) => EXAMPLES.some((one) => one.prompt === prompt && one.seed === seed);
