/**
 * The page: speaks the reader's language, plays the recorded run at once, brings the live model, and wires the parts of
 * Figure 1 to each other. The figures below it are fetched when they come near.
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
/** What became of a link or a file, beside the buttons for them. */
const report = (text, failed = false) => {
  $('file-status').textContent = text;
  $('file-status').classList.toggle('error', failed);
};

/** The page's address without what a run or a measurement left in it; the language stays. */
function bare() {
  const url = new URL(location.pathname, location.origin);
  const lang = new URLSearchParams(location.search).get('lang');
  if (lang) url.searchParams.set('lang', lang);
  return url;
}

/** Links to this page in every language. */
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

/** What is to be written: the recipe and the text, checked as far as can be without the model. */
function order(recipe, editor) {
  editor.check();
  return { ...recipe.read(), prompt: editor.text };
}

class Page extends EventTarget {
  /** Resolves once the first model is there, or cannot be. @type {Promise<void>|undefined} */
  ready;
  /** GPT-2 on the same task, once it was asked for. @type {import('./twin.js').Twin|null} */
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

  /** Writes what the form asks for; a run under way is ended first. */
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

  /** Lets GPT-2 do the same task, once SEDD's run has been made. */
  async #writeTwin(options, after) {
    const { Twin } = await import('./twin.js');
    this.twin ??= new Twin({ stage: this.stage, gpt2: () => this.#gpt2() });
    this.twin.write(options, after);
  }

  /** The GPT-2 of this page. While it loads the status tells of that, and afterwards what it told before. */
  async #gpt2() {
    const before = $('status').textContent;
    try {
      return await this.models.get(this.models.twin);
    } finally {
      if (!this.writer.making) say(before);
    }
  }

  /** What is to be written, or null: then it is said what is wrong, at its field. @returns {Promise<object|null>} */
  async #order() {
    await this.editor.refresh();
    try {
      return order(this.recipe, this.editor);
    } catch (error) {
      this.wrong.show(error);
      return null;
    }
  }

  /** Another seed, at once. */
  shuffle() {
    this.recipe.shuffle();
    return this.write();
  }

  /** Continues the shown run from a state with something changed; the focus goes to the token that was changed. */
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

  /** Saves the run in a file and says under which name. @param {'trace'|'gif'} what @param {(run: import('./runs.js').Run) => Promise<string>} save */
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

  /** A model of the visitor's own, for every list of models. @param {{id: string, label: string, steps: number}} choice */
  offer(choice) {
    this.recipe.offer(choice);
    this.dispatchEvent(new CustomEvent('model', { detail: choice }));
  }

  /** The finished text becomes the text to edit: everything held until words are made holes. */
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
      // What is typed is no longer what the link in the address says.
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

  /* ---- Beginning ---- */

  /** The recorded run plays while the model comes; then the address has its turn. */
  begin() {
    let arrived;
    this.ready = new Promise((resolve) => {
      arrived = resolve;
    });
    this.restore(() => this.bringModel().then(arrived));
    this.playRecorded();
  }

  /** Sets what the address says, and makes its run as soon as there is a model. @param {() => void} [set] called between the two */
  async restore(set = () => {}) {
    const link = await this.#readAddress();
    set();
    await this.ready;
    if (link && this.live) await this.writer.reproduce(link.options, link.lineage);
  }

  /** Shows the settings and the text of the run that the address names; null where it names none. */
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
      this.wrong.show(explain(error)); // about the link, not about a field
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

  /** Another model may have been chosen: its tokens are others. */
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

  /** A model that the reader chose brings what its folder says. */
  async #trained() {
    const id = this.recipe.model;
    const model = await this.models.get(id).catch(() => null); // #chosen says what is wrong
    if (model && id === this.recipe.model) this.recipe.offerSettings(settingsOf(model));
  }

  /** Sets a ready choice. @param {keyof typeof PRESETS} name */
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
 * Parts below the first screen: fetched when they come near.
 * @returns {(id: string) => void} fetches those in the element of that id at once
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
