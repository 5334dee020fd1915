/** Section 5: the panel for the visitor's own models. A SEDD becomes the writer, and a GPT-2 the twin. */
import { loadGPT2, loadSEDD, plan, store } from '../client.js';
import { $ } from './dom.js';
import { LibraryPanel } from './library.js';
import { workOf } from './published.js';
import { t } from './text.js';

const THREADS = 4; // more threads help little, because memory is the limit

/** Returns the multiplications a second of the shipped model on one thread, from its fastest of three steps. */
async function speed(models) {
  const { id } = models.choices[0];
  const model = await models.get(id);
  const length = model.info.length;
  const { timings } = await model.sample({ length, steps: 3, seed: 1, positions: 'score', denoise: false }).result;
  return (1000 * workOf(model.info, length)) / Math.min(...timings.stepsMs);
}

export function mount(page) {
  const { threads, cores } = page.models.features;
  const view = $('library-view');
  let spare = null; // a GPT-2 that is not yet used as the twin
  const panel = new LibraryPanel(view, {
    loadSEDD,
    loadGPT2,
    plan,
    store,
    drop: document.body,
    speed: () => speed(page.models),
    options: { threads: threads ? Math.min(cores, THREADS) : 1, hub: view.dataset.hub }, // data-hub: a mirror of the hub
    onLoad: (model, { kind, name }) => {
      spare?.dispose();
      spare = kind === 'gpt2' ? model : null;
      if (spare)
        return {
          label: t('own.twin'),
          act: () => {
            spare = null;
            page.models.adoptTwin(model, name);
            panel.say(t('own.twin.taken', { name }));
            show('race');
          },
        };
      const choice = page.models.adopt(model, name);
      page.offer(choice);
      return {
        label: t('own.write'),
        act: () => {
          page.recipe.take(choice.id);
          show('stage');
          $('run').focus({ preventScroll: true });
        },
      };
    },
  });
  return panel;
}

/** Scrolls to a section and moves the focus there. */
function show(id) {
  const section = $(id);
  section.tabIndex = -1;
  section.focus({ preventScroll: true });
  section.scrollIntoView();
}
