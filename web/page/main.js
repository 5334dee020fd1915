/**
 * The page: speaks the reader's language, plays the recorded run at once, brings the live model, and wires the parts of
 * Figure 1 to each other. The figures below it are fetched when they come near.
 */
import { SeddError, escapeText } from '../client.js';
import { fetchTrace } from '../client/trace.js';
import { $, el } from './dom.js';
import { Editor } from './editor.js';
import { keepPrompt } from './keep.js';
import { openTrace, promptOf, runOf, saveTrace } from './files.js';
import { FormError } from './form-error.js';
import { Inspector } from './inspector.js';
import { listenToKeys } from './keys.js';
import { Models } from './models.js';
import { Recipe } from './recipe.js';
import { Runs } from './runs.js';
import { readLink, recipeLink, runLink } from './share.js';
import { Stage } from './stage.js';
import { LANGUAGES, explain, millis, number, speak, t } from './text.js';
import { Tokenizer } from './tokens.js';
import { Tree } from './tree.js';
import { Writer } from './writer.js';

const RECORDED = { model: 'sedd-nano', url: 'models/sedd-nano/trace.json' };

/** Ready choices: the sampler of the paper, and the model for few steps (core/diffusion/NOTES.md). */
const PRESETS = { paper: 'sedd-nano', fast: 'sedd-nano-fast' };

/** How a model is sampled that says nothing itself. */
const PUBLISHED = { steps: 64, positions: 'score', grid: 'linear', context: 'all' };

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
  /** The chosen model, once it is loaded. @type {import('../client.js').SEDD|null} */
  model = null;

  constructor() {
    super();
    this.models = new Models({ say, heard: () => $('status').textContent });
    this.runs = new Runs();
    this.stage = new Stage();
    this.recipe = new Recipe(this.models.choices);
    this.editor = new Editor({ length: () => this.recipe.length });
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

  async write(paused = false) {
    if (this.writer.busy) return;
    try {
      this.inspector.close();
      await this.writer.write(order(this.recipe, this.editor), { paused });
    } catch (error) {
      this.wrong.show(error);
    }
  }

  /** Continues the shown run from a state with something changed; the focus goes to the token that was changed. */
  async branch(change, from) {
    this.inspector.close();
    const [[position] = []] = change.edit ?? [];
    const run = await this.writer.branch(this.stage.run, from, change);
    if (!run) return;
    this.stage.timeline.seek(run.history.last);
    this.stage.cells.cell(position)?.focus();
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
    let link;
    try {
      link = run && run.origin !== 'recorded' ? runLink(run) : recipeLink(order(this.recipe, this.editor));
    } catch (error) {
      this.wrong.show(error);
      return;
    }
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
    const click = (id, act) => $(id).addEventListener('click', act);
    click('single', () => (this.writer.busy ? this.writer.step() : this.write(true)));
    click('shuffle', () => this.recipe.shuffle());
    $('arrange').addEventListener('change', () =>
      this.stage.arrange({ equal: $('layout').value === 'grid', meter: $('meter').value }),
    );
    click('sheet-open', () => this.stage.toggleSheet());
    for (const name of Object.keys(PRESETS)) click(`preset-${name}`, () => this.recipe.take(PRESETS[name]));
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
      seed: () => this.recipe.shuffle(),
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

  /** Settings, and a run, from the address. @returns {Promise<void>} */
  async restore() {
    try {
      const link = readLink(location.hash);
      if (!link) return;
      const { options, lineage } = link;
      if (!this.models.choices.some(({ id }) => id === options.model))
        throw new SeddError('argument', t('share.model', { model: options.model.slice(0, 60) }));
      this.recipe.set(options);
      if (options.prompt !== undefined) this.editor.text = options.prompt;
      if (this.live) await this.writer.reproduce(options, lineage);
      else this.pending = { options, lineage };
    } catch (error) {
      this.wrong.show(explain(error)); // about the link, not about a field
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

  /** A model that the reader chose brings what it was trained for. */
  async #trained() {
    const model = await this.models.get(this.recipe.model).catch(() => null); // #chosen says what is wrong
    if (model) this.recipe.set({ ...PUBLISHED, ...model.defaults });
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
      reasons: features.reasons.join(' '),
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
      this.use(sedd);
      say(t('ready', { ms: millis(performance.now() - begin), kernels: sedd.kernels, threads: sedd.threads }));
      $('run').disabled = $('single').disabled = false;
      document.body.dataset.ready = 'true';
      if (this.pending) await this.writer.reproduce(this.pending.options, this.pending.lineage);
    } catch (error) {
      say(t('no-engine', { reason: explain(error) }));
    }
  }
}

/** Parts below the first screen: fetched when they come near, or when the browser rests. */
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
}

const spoken = await speak();
languages(spoken);
const page = new Page();
keepPrompt(page.editor);
await page.restore();
page.playRecorded();
page.bringModel();
later(page, {
  noise: () => import('./noise.js'),
  race: () => import('./race.js'),
  measure: () => import('./measure.js'),
  likelihood: () => import('./likelihood-panel.js'),
  library: () => import('./own.js'),
});
