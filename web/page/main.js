/**
 * Starts the page: chooses the reader's language, plays the recorded run at once, loads the live model, and connects
 * the parts of Figure 1. The other figures are fetched when they come near the viewport.
 */
import { SeddError, escapeText } from '../client.js';
import { fetchTrace } from '../client/trace.js';
import { Chips } from './chips.js';
import { $, el } from './dom.js';
import { Editor } from './editor.js';
import { isChosen } from './examples.js';
import { keepPrompt } from './keep.js';
import { runOf } from './recorded.js';
import { FormError } from './form-error.js';
import { Inspector } from './inspector.js';
import { listenToKeys } from './keys.js';
import { Models } from './models.js';
import { Place } from './place.js';
import { Recipe } from './recipe.js';
import { Runs } from './runs.js';
import { PRESETS, settingsOf } from './settings.js';
import { readLink, recipeLink, runLink } from './share.js';
import { Stage } from './stage.js';
import { mountStrips } from './strips.js';
import { LANGUAGES, explain, millis, number, speak, t } from './text.js';
import { Tokenizer } from './tokens.js';
import { openTrace, promptOf, saveTrace } from './trace-files.js';
import { Tree } from './tree.js';
import { Writer } from './writer.js';

const RECORDED = { model: 'sedd-nano', url: 'models/sedd-nano/trace.json' };

const say = (text) => {
  $('status').textContent = text;
};
/** Shows the outcome for a link or a file, beside the buttons for them. */
const report = (text, failed = false) => {
  $('file-status').textContent = text;
  $('file-status').classList.toggle('error', failed);
};

/** Returns the page's address without a run or a measurement, but with the language. */
function bare() {
  const url = new URL(location.pathname, location.origin);
  const lang = new URLSearchParams(location.search).get('lang');
  if (lang) url.searchParams.set('lang', lang);
  return url;
}

/** Makes links to this page in every language. */
function languages(spoken) {
  $('languages').replaceChildren(
    ...Object.entries(LANGUAGES).map(([code, name]) => {
      const url = new URL(location.href);
      url.searchParams.set('lang', code);
      return el(
        'a',
        { href: url.href, hreflang: code, lang: code, aria: code === spoken ? { current: 'true' } : {} },
        name,
      );
    }),
  );
}

/** Returns the options of the form: the recipe and the text, checked as far as possible without the model. */
function order(recipe, editor) {
  editor.check();
  return { ...recipe.read(), prompt: editor.text };
}

class Page extends EventTarget {
  /** Resolves once the first model is loaded or has failed. @type {Promise<void>|undefined} */
  ready;
  /** GPT-2 on the same task, once the reader has requested it. @type {import('./twin.js').Twin|null} */
  twin = null;
  /** The chosen model, once it is loaded. @type {import('../client.js').SEDD|null} */
  model = null;

  constructor() {
    super();
    this.models = new Models({ say, heard: () => $('status').textContent });
    this.runs = new Runs();
    this.stage = new Stage();
    this.recipe = new Recipe(this.models.choices);
    this.editor = new Editor({ length: () => this.recipe.length });
    this.editor.addEventListener('change', () => this.recipe.fix(this.editor.exact));
    new Chips(this);
    this.recipe.addEventListener('change', () => this.#chosen());
    this.recipe.addEventListener('model', () => this.#trained());
    const named = (name) => $('form').elements.namedItem(name);
    this.wrong = new FormError($('form-error'), () => order(this.recipe, this.editor), named);
    for (const source of [this.recipe, this.editor]) source.addEventListener('change', () => this.wrong.recheck());
    const complain = (error) => this.wrong.show(error);
    this.writer = new Writer({ models: this.models, runs: this.runs, stage: this.stage, say, complain });
    const branch = (change, from) => this.branch(change, from);
    this.inspector = new Inspector({ stage: this.stage, model: () => this.models.get(this.stage.run.model), branch });
    this.tree = new Tree({ runs: this.runs, stage: this.stage, branch });
    this.writer.addEventListener('change', () => this.#buttons());
    this.runs.addEventListener('change', () => this.#buttons());
    this.say = say;
    this.#listen();
  }

  /* ---- Acts ---- */

  /** Ends the current run, then starts one with the options of the form. */
  async write(paused = false) {
    this.inspector.close();
    await this.ready;
    await this.writer.end();
    const options = await this.#order();
    if (!options) return;
    const chosen = isChosen(options) && this.recipe.untouched;
    this.twin?.hide();
    const made = new Promise((resolve) => {
      this.writer.addEventListener('made', resolve, { once: true });
    });
    const run = this.writer.write(options, { paused, chosen });
    if ($('beside').checked) this.#writeTwin(options, Promise.race([made, run]));
    await run;
  }

  /** Runs GPT-2 on the same task, after SEDD's run. */
  async #writeTwin(options, after) {
    const { Twin } = await import('./twin.js');
    this.twin ??= new Twin({ stage: this.stage, gpt2: () => this.#gpt2() });
    this.twin.write(options, after);
  }

  /**
   * Returns the GPT-2 of this page. While it loads, the status tells so; afterwards it shows its previous text again.
   */
  async #gpt2() {
    const before = $('status').textContent;
    try {
      return await this.models.get(this.models.twin);
    } finally {
      if (!this.writer.making) say(before);
    }
  }

  /**
   * Returns the options of the form, or null after it has shown an error at its field.
   * @returns {Promise<object|null>}
   */
  async #order() {
    await this.editor.refresh();
    try {
      return order(this.recipe, this.editor);
    } catch (error) {
      this.wrong.show(error);
      return null;
    }
  }

  /** Runs with another seed. */
  shuffle() {
    this.recipe.shuffle();
    return this.write();
  }

  /** Continues the shown run from a state after a change. Moves the focus to the changed token. */
  async branch(change, from) {
    this.inspector.close();
    this.twin?.hide();
    const [[position] = []] = change.edit ?? [];
    const run = await this.writer.branch(this.stage.run, from, change);
    if (run && this.stage.run === run) this.stage.cells.cell(position)?.focus();
  }

  async openFile(file) {
    try {
      const run = await openTrace(
        file,
        this.models.choices.map(({ id }) => id),
        this.recipe.model,
      );
      this.recipe.set({ ...run.options, model: run.model });
      this.editor.text = promptOf(run);
      this.runs.add(run);
      this.stage.open(run, { play: true });
      this.wrong.clear();
      report(t('trace.opened', { steps: number(run.history.last), length: number(run.history.length) }));
    } catch (error) {
      report(explain(error), true);
    }
  }

  async share() {
    const run = this.runs.current;
    const options = run && run.origin !== 'recorded' ? null : await this.#order();
    const link = options ? recipeLink(options) : run?.origin !== 'recorded' && runLink(run);
    if (!link) return;
    const url = bare();
    url.hash = link;
    history.replaceState(null, '', url);
    const opened = run?.origin === 'imported';
    let said = opened ? 'share.copied.trace' : 'share.copied';
    try {
      url.search = '';
      await navigator.clipboard.writeText(url.href);
    } catch {
      said = opened ? 'share.shown.trace' : 'share.shown';
    }
    report(`${t(said)}${run?.model.startsWith('own:') ? ` ${t('share.own')}` : ''}`);
  }

  async saveTrace() {
    await this.#save('trace', async (run) => saveTrace(run, await this.models.get(run.model)));
  }

  async saveGif() {
    await this.#save('gif', async (run) => {
      const { saveGif } = await import('./gif.js');
      return saveGif(run, {
        onProgress: (share) => report(t('gif.making', { share: number(100 * share) })),
        step: (step) => t('position', { step, total: run.history.last }),
      });
    });
  }

  /**
   * Saves the run in a file and shows the file's name.
   * @param {'trace'|'gif'} what
   * @param {(run: import('./runs.js').Run) => Promise<string>} save
   */
  async #save(what, save) {
    const run = this.runs.current;
    if (!run?.history.last) {
      report(t('trace.none'), true);
      return;
    }
    try {
      report(t(`saved.${what}`, { name: await save(run) }));
    } catch (error) {
      report(t(`unsaved.${what}`, { reason: explain(error) }), true);
    }
  }

  /**
   * Adds a model of the visitor's own to every list of models.
   * @param {{id: string, label: string, steps: number}} choice
   */
  offer(choice) {
    this.recipe.offer(choice);
    this.dispatchEvent(new CustomEvent('model', { detail: choice }));
  }

  /** Puts the finished text into the editor, without holes at first. */
  takeText() {
    this.editor.text = escapeText(this.stage.run.history.finals.map((text) => text ?? '').join(''));
    this.editor.field.focus();
    this.editor.field.select();
  }

  /* ---- Wiring ---- */

  #listen() {
    $('form').addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.writer.busy) this.writer.stop();
      else this.write();
    });
    $('beside').addEventListener('change', () => this.twin?.hide());
    const click = (id, act) => $(id).addEventListener('click', act);
    click('single', () => (this.writer.busy ? this.writer.step() : this.write(true)));
    click('shuffle', () => this.shuffle());
    $('arrange').addEventListener('change', () =>
      this.stage.arrange({ equal: $('layout').value === 'grid', meter: $('meter').value }),
    );
    click('sheet-open', () => this.stage.toggleSheet());
    $('presets').append(
      ...Object.keys(PRESETS).map((name) =>
        el(
          'button',
          { type: 'button', id: `preset-${name}`, on: { click: () => this.settle(name) } },
          t(`preset.${name}`),
        ),
      ),
    );
    click('take', () => this.takeText());
    click('share', () => this.share());
    click('trace-save', () => this.saveTrace());
    click('gif', () => this.saveGif());
    $('trace-open').addEventListener('change', ({ target }) => {
      if (target.files[0]) this.openFile(target.files[0]);
      target.value = '';
    });
    const { timeline } = this.stage;
    listenToKeys({
      write: () => this.write(),
      seed: () => this.shuffle(),
      toggle: () => timeline.toggle(),
      stop: () => (this.writer.busy ? this.writer.stop() : this.inspector.leave()),
      back: () => timeline.stepBy(-1),
      forward: () => timeline.stepBy(1),
      first: () => timeline.seek(0),
      last: () => timeline.seek(this.runs.current?.history.last ?? 0),
    });
    addEventListener('hashchange', () => this.restore());
    document.addEventListener('input', ({ target }) => {
      // The typed text no longer agrees with the link in the address.
      if (location.hash.includes('=') && target.closest('#form, #recipe')) history.replaceState(null, '', bare());
    });
  }

  #buttons() {
    const { busy } = this.writer;
    this.stage.drivenBy(busy ? this.writer : null);
    $('run').textContent = t(busy ? 'stop' : 'run');
    $('take').disabled = !this.runs.current?.done;
    document.body.classList.toggle('busy', busy);
  }

  /* ---- Starting ---- */

  /** Plays the recorded run while the model loads, then runs what the address names. */
  begin() {
    let arrived;
    this.ready = new Promise((resolve) => {
      arrived = resolve;
    });
    this.restore(() => this.bringModel().then(arrived));
    this.playRecorded();
  }

  /**
   * Shows the run that the address names, and computes it once a model is loaded.
   * @param {() => void} [set] called between the two steps
   */
  async restore(set = () => {}) {
    const link = await this.#readAddress();
    set();
    await this.ready;
    if (link && this.live) await this.writer.reproduce(link.options, link.lineage);
  }

  /** Shows the settings and the text of the run that the address names. Returns null if it names none. */
  async #readAddress() {
    if (!location.hash.includes('=')) return null;
    try {
      const link = readLink(location.hash);
      const { options } = link;
      if (!this.models.choices.some(({ id }) => id === options.model))
        throw new SeddError('argument', t('share.model', { model: options.model.slice(0, 60) }));
      this.linked = true;
      this.recipe.set(options);
      if (options.prompt !== undefined) this.editor.text = options.prompt;
      return link;
    } catch (error) {
      this.wrong.show(explain(error)); // the error is about the link, not about a field
      return null;
    }
  }

  async playRecorded() {
    try {
      const trace = await fetchTrace(new URL(RECORDED.url, document.baseURI).href);
      if (this.runs.current) return;
      const run = this.runs.add(runOf(trace, 'recorded', RECORDED.model));
      this.stage.open(run, { play: true });
    } catch (error) {
      this.wrong.show(error);
    }
  }

  get live() {
    return this.model !== null;
  }

  /** Updates the page if another model was chosen, which has other tokens. */
  async #chosen() {
    this.editor.refresh();
    if (!this.live) return;
    try {
      const model = await this.models.get(this.recipe.model);
      if (model !== this.model) this.use(model);
    } catch (error) {
      this.wrong.show(error);
    }
  }

  /** Applies the settings of a model that the reader chose. */
  async #trained() {
    const id = this.recipe.model;
    const model = await this.models.get(id).catch(() => null); // #chosen shows the error
    if (model && id === this.recipe.model) this.recipe.offerSettings(settingsOf(model));
  }

  /** Applies a preset. @param {keyof typeof PRESETS} name */
  async settle(name) {
    const { model, settings } = PRESETS[name];
    this.recipe.set({ model });
    if (settings) this.recipe.set(settings);
    else await this.#trained();
  }

  /** @param {import('../client.js').SEDD} model */
  use(model) {
    this.model = model;
    this.editor.tokenizer = new Tokenizer((text) => model.tokenize(text));
    this.editor.refresh();
    const { features } = this.models;
    $('environment').textContent = t('environment', {
      build: model.wasm,
      kernels: model.kernels,
      threads: model.threads === 1 ? t('environment.thread') : t('environment.threads', { count: model.threads }),
      parameters: number(model.info.parameters),
      tokens: number(model.info.length),
      reasons: [...(model.device.kind === 'webgpu' ? [t('device.runs', model.device)] : []), ...features.reasons].join(
        ' ',
      ),
    });
    this.dispatchEvent(new Event('live'));
  }

  async bringModel() {
    const { features } = this.models;
    if (!features.wasm) {
      say(t('no-engine', { reason: features.reasons[0] }));
      return;
    }
    const begin = performance.now();
    try {
      const sedd = await this.models.get(this.recipe.model);
      if (!this.linked && this.recipe.untouched) await this.#trained();
      this.use(sedd);
      say(t('ready', { ms: millis(performance.now() - begin) }));
      $('run').disabled = $('single').disabled = false;
      document.body.dataset.ready = 'true';
    } catch (error) {
      say(t('no-engine', { reason: explain(error) }));
    }
  }
}

/**
 * Fetches the parts below the first screen when they come near the viewport.
 * @returns {(id: string) => void} a function that fetches the parts of the element with this id at once
 */
function later(page, parts) {
  const start = (id) => {
    const load = parts[id];
    if (!load) return;
    delete parts[id];
    load()
      .then(({ mount }) => mount(page))
      .catch((error) => {
        $(`${id}-view`).textContent = explain(error);
      });
  };
  const near = new IntersectionObserver(
    (entries) =>
      entries
        .filter(({ isIntersecting }) => isIntersecting)
        .forEach(({ target }) => start(target.id.replace(/-view$/, ''))),
    { rootMargin: '800px' },
  );
  for (const id of Object.keys(parts)) near.observe($(`${id}-view`));
  return (section) =>
    Object.keys(parts)
      .filter((id) => $(section).contains($(`${id}-view`)))
      .forEach(start);
}

const spoken = await speak();
languages(spoken);
mountStrips().catch((error) => {
  $('strips').textContent = explain(error);
});
const page = new Page();
keepPrompt(page.editor);
const place = new Place(
  later(page, {
    toy: () => import('./toy.js'),
    noise: () => import('./noise.js'),
    race: () => import('./race.js'),
    measure: () => import('./measure.js'),
    likelihood: () => import('./likelihood-panel.js'),
    library: () => import('./own.js'),
  }),
);
place.begin();
page.begin();
