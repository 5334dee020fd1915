/**
 * The models that come with the page. `card`: a card.json has the measured quality; `steps`: the number of steps in the
 * race.
 */
export const SHIPPED = [
  { id: 'sedd-nano', kind: 'sedd', url: 'models/sedd-nano', card: true, steps: 64 },
  { id: 'sedd-nano-fast', kind: 'sedd', url: 'models/sedd-nano-fast', card: true, steps: 8 },
  { id: 'gpt2-nano', kind: 'gpt2', url: 'models/gpt2-nano', card: true },
];
