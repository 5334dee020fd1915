/** The chips above the text: tasks for a model that sees both sides of a hole. One press runs one. */
import { $, el } from './dom.js';
import { EXAMPLES } from './examples.js';
import { t } from './text.js';

export class Chips {
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

  /** Runs an example, with GPT-2 beside it. */
  async write({ prompt, seed }) {
    const { page } = this;
    await page.ready;
    if (!page.live) return;
    $('beside').checked = true;
    page.editor.text = prompt;
    await page.settle('good');
    page.recipe.set({ seed });
    await page.write();
  }
}
