/** The chips above the text: what only a model that sees both sides can do, a press each. */
import { $, el } from './dom.js';
import { t } from './text.js';

/**
 * Ready tasks, one press each. `seed` is the one of 1 to 60 whose text reads best among the ten that judge-nano finds
 * likeliest (`node scripts/examples.mjs`); the page says that it was chosen.
 */
export const EXAMPLES = [
  { id: 'continue', prompt: 'Once upon a time', seed: '29' },
  {
    id: 'middle',
    prompt: 'Tim wanted to bake a cake for his mom. {16} The cake was burnt, but his mom loved it.',
    seed: '1',
  },
  { id: 'ends', prompt: 'One day, Lily lost her red ball. {24} Lily was happy to have her ball again.', seed: '1' },
  { id: 'words', prompt: '{6} bird{7} rain{7} umbrella{7} friends.', seed: '1' },
  { id: 'acrostic', prompt: 'Sam{7}.\nAnna{7}.\nIt{7}.\nLily{7}.', seed: '1' },
];

/** Whether a task has the seed that was chosen for it. @param {{prompt?: string, seed: string}} options */
export const isChosen = ({ prompt, seed }) => EXAMPLES.some((one) => one.prompt === prompt && one.seed === seed);

export class Examples {
  /** @param {import('./main.js').Page} page */
  constructor(page) {
    $('examples').append(
      ...EXAMPLES.map((example) =>
        el(
          'button',
          { type: 'button', data: { example: example.id }, on: { click: () => this.write(example) } },
          t(`example.${example.id}`),
        ),
      ),
    );
    this.page = page;
  }

  /** Writes an example, with GPT-2 beside it. */
  async write({ id, prompt, seed }) {
    const { page } = this;
    await page.ready;
    if (!page.live) return;
    $('beside').checked = true;
    page.twin.about = id;
    page.editor.text = prompt;
    await page.settle('good');
    page.recipe.set({ seed });
    await page.write();
  }
}
