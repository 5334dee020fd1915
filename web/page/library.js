/**
 * "Your own model": a panel that accepts a model of the hub, an address or a dropped folder. It tells what the model
 * needs before anything large is downloaded. It loads the model, shows the time left and can stop; an interrupted
 * download continues later. It also lists the models that are stored on this device.
 */
import { deviceChoice, deviceNote } from './device.js';
import { el } from './dom.js';
import { PUBLISHED, workOf } from './published.js';
import { USUAL } from './settings.js';
import { explain, number, t } from './text.js';

const SETTLE = 2000; // ms of download before the time left is shown
const TEXT = 128; // tokens of the text whose time is predicted

const size = (bytes) =>
  bytes < 1e9
    ? t('library.mb', { n: number(bytes / 1e6, bytes < 1e7 ? 1 : 0) })
    : t('library.gb', { n: number(bytes / 1e9, 2) });
const time = (seconds) =>
  seconds < 90
    ? t('library.seconds', { n: number(Math.max(1, Math.round(seconds))) })
    : t('library.minutes', { n: number(Math.round(seconds / 60)) });

/**
 * Returns the origin of a stored model in a few words, which distinguishes two models of one name.
 * @param {string} source
 */
function originOf(source) {
  if (source.startsWith('file:')) return t('library.from.files');
  if (source.startsWith('hub:')) return t('library.from.hub');
  if (source.startsWith(new URL('.', document.baseURI).href)) return t('library.from.page');
  return URL.canParse(source) ? new URL(source).host : '';
}

/** Returns the steps of a run if nobody names others. @param {{defaults: {steps?: number}}} plan */
const stepsOf = ({ defaults }) => defaults.steps ?? USUAL.steps;

/** Returns the name of the folder of chosen files, or '' if the browser does not tell it. @param {File[]} files */
const folderOf = (files) => files[0]?.webkitRelativePath.split('/')[0] ?? '';

/**
 * Returns the files that were dropped, also those in folders, and the name of the folder.
 * @param {DataTransfer} transfer
 * @returns {Promise<{files: File[], name: string}>}
 */
async function droppedFiles(transfer) {
  const walk = async (entry) => {
    if (entry.isFile) {
      return [
        await new Promise((resolve, reject) => {
          entry.file(resolve, reject);
        }),
      ];
    }
    const reader = entry.createReader();
    const found = [];
    for (
      let batch;
      (batch = await new Promise((resolve, reject) => {
        reader.readEntries(resolve, reject);
      })).length > 0;
    )
      found.push(...batch);
    return (await Promise.all(found.map(walk))).flat();
  };
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return { files: [...transfer.files], name: '' };
  return {
    files: (await Promise.all(entries.map(walk))).flat(),
    name: entries.find(({ isDirectory }) => isDirectory)?.name ?? '',
  };
}

export class LibraryPanel {
  /** @type {AbortController|null} */ #work = null;
  #bytes = [];

  /**
   * @param {HTMLElement} root an empty element
   * @param {{loadSEDD: Function, loadGPT2: Function, plan: Function, store: typeof import('../store/store.js').store,
   *   onLoad: (model: object, about: {kind: 'sedd'|'gpt2', name: string}) => {label: string, act: () => void}|void,
   *   speed?: () => Promise<number>, options?: object, drop?: HTMLElement}} parts `onLoad` may return an action with
   *   the model, for a button; `speed` measures the multiplications per second of this device; `options` go to every
   *   load; `drop` also accepts files
   */
  constructor(root, { drop = root, options = {}, ...parts }) {
    Object.assign(this, { root, drop, options, ...parts });
    this.#build();
    this.#listen();
    this.refresh();
  }

  #build() {
    this.field = el('input', {
      type: 'text',
      name: 'source',
      placeholder: 'louaaron/sedd-small',
      autocomplete: 'off',
      spellcheck: false,
      required: true,
    });
    this.form = el(
      'form.library-form',
      {},
      el('label', {}, t('library.source'), this.field),
      el('button', { type: 'submit' }, t('library.look')),
    );
    this.published = el(
      'details.library-published',
      {},
      el('summary', {}, t('library.published')),
      el('p', {}, t('library.published.text')),
      el('ul', {}, ...PUBLISHED.map((model) => this.#publishedRow(model))),
    );
    this.chooser = el('input', { type: 'file', multiple: true, hidden: true });
    this.chooser.setAttribute('webkitdirectory', '');
    this.files = el(
      'p.library-drop',
      {},
      t('library.drop'),
      ' ',
      el('button', { type: 'button', on: { click: () => this.chooser.click() } }, t('library.choose')),
      this.chooser,
    );
    // Large models gain most from a graphics device. auto times both devices.
    this.device = deviceChoice('library-device', ['auto', 'webgpu', 'wasm'], 'auto');
    this.found = el('div.library-found', { hidden: true });
    this.bar = el('progress.library-bar', { hidden: true });
    this.bar.setAttribute('aria-label', t('library.progress'));
    this.status = el('p.library-status', { role: 'status' });
    this.cancel = el(
      'button.library-cancel',
      { type: 'button', hidden: true, on: { click: () => this.#work?.abort() } },
      t('library.cancel'),
    );
    this.next = el('p.library-next', { hidden: true });
    this.list = el('div.library-list', { hidden: true });
    this.room = el('p.library-room', { hidden: true });
    this.root.classList.add('library');
    this.root.replaceChildren(
      this.form,
      this.published,
      this.files,
      this.found,
      this.bar,
      this.status,
      this.cancel,
      this.next,
      this.list,
      this.room,
    );
  }

  /** Makes the entry of a published model: its description, and a button that looks it up. */
  #publishedRow({ id, family, millions, bytes, steps, licence }) {
    const facts = t('library.published.facts', {
      what: t(`library.family.${family}`),
      millions: number(millions),
      size: size(bytes),
      steps: number(steps),
      licence: licence ?? t('library.licence'),
    });
    const look = () => {
      this.field.value = id;
      this.open(id);
    };
    return el(
      'li',
      {},
      el('a.library-name', { href: `https://huggingface.co/${id.replace('@', '/tree/')}` }, id),
      el('span.library-facts', {}, facts),
      el(
        'span.library-acts',
        {},
        el(
          'button',
          { type: 'button', aria: { label: `${t('library.look')}: ${id}` }, on: { click: look } },
          t('library.look'),
        ),
      ),
    );
  }

  /** Predicts the time of a text from the speed of a small model on this device. */
  async #predictTime(plan, row) {
    const steps = stepsOf(plan);
    const perSecond = await this.speed?.().catch(() => 0);
    if (!perSecond) return row.forEach((node) => node.remove());
    const seconds = (steps * workOf(plan.info, Math.min(TEXT, plan.info.length))) / perSecond;
    row[1].textContent = t('library.time.about', { time: time(seconds), tokens: number(TEXT), steps: number(steps) });
  }

  #listen() {
    this.field.addEventListener('input', () => this.field.removeAttribute('aria-invalid'));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.open(this.field.value.trim());
    });
    this.chooser.addEventListener('change', () => {
      const files = [...this.chooser.files];
      if (files.length) this.open(files, folderOf(files));
      this.chooser.value = '';
    });
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    const takes = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
    this.drop.addEventListener(
      'dragover',
      (event) => {
        if (!takes(event)) return;
        event.preventDefault();
        this.root.classList.add('library-over');
      },
      { signal },
    );
    this.drop.addEventListener('dragleave', () => this.root.classList.remove('library-over'), { signal });
    this.drop.addEventListener(
      'drop',
      async (event) => {
        this.root.classList.remove('library-over');
        if (!takes(event) || event.defaultPrevented) return;
        event.preventDefault();
        const { files, name } = await droppedFiles(event.dataTransfer);
        if (files.some((file) => file.name === 'config.json')) this.open(files, name);
        else this.say(t('library.nomodel'));
      },
      { signal },
    );
  }

  say(text) {
    this.status.textContent = text;
  }

  /** Marks the typed source as wrong until it is changed. */
  #refuse(error) {
    if (this.source !== this.field.value.trim()) return;
    if (error) {
      this.field.setAttribute('aria-invalid', 'true');
      this.field.focus();
    } else this.field.removeAttribute('aria-invalid');
  }

  /** Runs one job at a time. Shows errors. */
  async #during(work, failed = () => {}) {
    this.#work?.abort();
    const controller = new AbortController();
    this.#work = controller;
    this.cancel.hidden = false;
    this.found.hidden = this.next.hidden = true;
    try {
      await work(controller.signal);
    } catch (error) {
      if (this.#work === controller) {
        this.say(explain(error));
        failed(error);
      }
    } finally {
      if (this.#work === controller) {
        this.#work = null;
        this.cancel.hidden = true;
        this.bar.hidden = true;
        await this.refresh();
      }
    }
  }

  /**
   * Looks up a source and shows what loading it needs. The next press loads it.
   * @param {unknown} source
   * @param {string} [name] its name, if the source has none
   */
  open(source, name = '') {
    this.source = source;
    return this.#during(
      async (signal) => {
        this.#refuse(null);
        this.say(t('library.looking'));
        const plan = await this.plan(source, { ...this.options, signal });
        this.say('');
        this.#offer(source, { ...plan, ...(name && { name }) });
      },
      (error) => this.#refuse(error),
    );
  }

  #offer(source, plan) {
    const rows = [
      [t('library.model'), `${plan.name} · ${plan.info.family}`],
      [
        t('library.download'),
        plan.complete
          ? t('library.here')
          : plan.url
            ? size(plan.download) + (plan.stored ? ` (${t('library.rest', { size: size(plan.stored) })})` : '')
            : t('library.local', { size: size(plan.size) }),
      ],
      [t('library.memory'), size(plan.memory)],
      [t('library.keeps'), plan.keeps ? size(plan.keeps) : t('library.nostore')],
    ];
    if (plan.kind === 'sedd') rows.splice(1, 0, [t('library.steps'), number(stepsOf(plan))]);
    const timed =
      plan.kind === 'sedd' && this.speed ? [el('dt', {}, t('library.time')), el('dd', {}, t('library.time.wait'))] : [];
    const button = el(
      'button.library-load',
      { type: 'button', disabled: !plan.fits, on: { click: () => this.load(source, plan) } },
      t(plan.stored && !plan.complete ? 'library.resume' : 'library.load'),
    );
    this.found.replaceChildren(
      el('dl', {}, ...rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]), ...timed),
      plan.fits ? '' : el('p.library-advice', {}, plan.advice),
      this.device.hidden ? '' : el('label', {}, t('device'), ' ', this.device),
      button,
    );
    this.found.hidden = false;
    button.focus();
    if (timed.length) this.#predictTime(plan, timed);
  }

  /**
   * Loads a model and passes it to the page.
   * @param {unknown} source
   * @param {{kind: 'sedd'|'gpt2', name: string, url?: string, keeps?: number}} about
   */
  load(source, { kind, name, url, keeps }) {
    const stopped = (error) => {
      if (error.name === 'AbortError') this.say(t(url && keeps ? 'library.stopped' : 'library.ended'));
    };
    return this.#during(async (signal) => {
      this.#bytes = [];
      this.bar.hidden = false;
      const load = kind === 'sedd' ? this.loadSEDD : this.loadGPT2;
      const begin = performance.now();
      const model = await load(source, {
        ...this.options,
        device: this.device.value,
        name,
        signal,
        onProgress: (event) => this.#progress(event),
      });
      const { stored, reason } = model.source;
      this.say(
        [
          t('library.loaded', { name, time: time((performance.now() - begin) / 1000) }),
          deviceNote(model, this.device.value) ||
            (model.device.kind === 'webgpu' ? t('device.runs', model.device) : ''),
          stored ? '' : reason,
        ]
          .filter(Boolean)
          .join(' '),
      );
      this.#suggest(this.onLoad(model, { kind, name }));
    }, stopped);
  }

  /** Adds a button for the action with the loaded model. */
  #suggest(next) {
    if (!next) return;
    const button = el(
      'button.primary',
      {
        type: 'button',
        on: {
          click: () => {
            this.say(''); // its text is about loading
            this.next.hidden = true;
            next.act();
          },
        },
      },
      next.label,
    );
    this.next.replaceChildren(button);
    this.next.hidden = false;
    button.focus();
  }

  #progress({ phase, loaded, total, fetched, seconds }) {
    if (total) {
      this.bar.max = total;
      this.bar.value = loaded;
    } else {
      this.bar.removeAttribute('value');
    }
    if (phase === 'weights')
      this.say(
        [t('library.loading', { loaded: size(loaded), total: size(total) }), this.#timeLeft(fetched, total - loaded)]
          .filter(Boolean)
          .join(' '),
      );
    else
      this.say(phase === 'wait' && seconds ? t('library.asked', { time: time(seconds) }) : t(`library.phase.${phase}`));
  }

  /** Returns the time left, computed from the bytes of the last ten seconds. */
  #timeLeft(fetched, left) {
    const now = performance.now();
    this.#bytes.push([now, fetched]);
    while (now - this.#bytes[0][0] > 10000) this.#bytes.shift();
    const [since, before] = this.#bytes[0];
    if (now - since < SETTLE || fetched === before) return '';
    return t('library.left', { time: time((left * (now - since)) / (fetched - before) / 1000) });
  }

  /** Updates the list of stored models. */
  async refresh() {
    const [models, { usage, quota, persisted }] = await Promise.all([
      this.store.list().catch(() => []),
      this.store.estimate().catch(() => ({})),
    ]);
    this.list.hidden = models.length === 0;
    this.list.replaceChildren(
      el('h3', {}, t('library.stored')),
      el('ul', {}, ...models.map((model) => this.#row(model))),
    );
    this.room.hidden = !quota || models.length === 0;
    this.room.replaceChildren(
      t('library.room', { usage: size(usage), quota: size(quota) }),
      ' ',
      persisted
        ? t('library.persisted')
        : el(
            'button',
            {
              type: 'button',
              on: {
                click: async () => {
                  this.say(t((await this.store.persist()) ? 'library.persisted' : 'library.unpersisted'));
                  this.refresh();
                },
              },
            },
            t('library.persist'),
          ),
    );
  }

  /** Makes the entry of a stored model or of an incomplete download, with its buttons. */
  #row({ id, name, kind, dtype, source, complete, loaded, total, size: bytes }) {
    const share = total ? number(Math.floor((100 * loaded) / total)) : '';
    const facts = [
      t(`library.${kind}`),
      dtype,
      complete ? size(bytes) : share && t('library.part', { share, size: size(bytes) }),
      originOf(source),
    ];
    const button = (key, act) =>
      el('button', { type: 'button', aria: { label: `${t(key)}: ${name}` }, on: { click: act } }, t(key));
    const again = complete ? { stored: id } : source.split(' ')[0]; // the options name a hub other than the usual one
    const resumable = /^(https?|hub):/.test(source);
    return el(
      'li',
      {},
      el('span.library-name', {}, name),
      el('span.library-facts', {}, facts.filter(Boolean).join(' · ')),
      el(
        'span.library-acts',
        {},
        complete || resumable
          ? button(complete ? 'library.load' : 'library.resume', () =>
              this.load(again, { kind, name, url: source, keeps: total }),
            )
          : '',
        button('library.delete', () => this.#delete(id)),
      ),
    );
  }

  async #delete(id) {
    try {
      await this.store.delete(id);
      this.found.hidden = true; // it may tell that the model is on this device
      this.say(t('library.deleted'));
    } catch (error) {
      this.say(explain(error));
    }
    await this.refresh();
    (this.list.querySelector('button') ?? this.field).focus(); // the pressed button has disappeared
  }

  dispose() {
    this.#work?.abort();
    this.listeners.abort();
    this.root.replaceChildren();
  }
}
