/** Section 5: the panel for the visitor's own models, and what happens when one is there. */
import { loadGPT2, loadSEDD, plan, store } from '../client.js';
import { $ } from './dom.js';
import { LibraryPanel } from './library.js';
import { t } from './text.js';

const THREADS = 4; // more help little before memory is the limit

export function mount(page) {
  const { threads, cores } = page.models.features;
  const view = $('library-view');
  return new LibraryPanel(view, {
    loadSEDD,
    loadGPT2,
    plan,
    store,
    drop: document.body,
    options: { threads: threads ? Math.min(cores, THREADS) : 1, hub: view.dataset.hub }, // data-hub: a mirror of the hub
    onLoad: (model, { kind, name }) => {
      if (kind === 'sedd') page.recipe.offer(page.models.adopt(model, name));
      else {
        model.dispose();
        page.say(t('own.twin', { name }));
      }
    },
  });
}
