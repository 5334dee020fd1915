// Holds what every work needs: the models, the settings, and the places of data, answers and rows.
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { environment } from '../bench/machine.mjs';
import { ROOT } from '../build.mjs';
import { Model, checksum } from './engine.mjs';
import { Progress } from './progress.mjs';
import { Results, Store } from './store.mjs';
import { CORPORA } from './corpora.mjs';
import { TASKS } from './choices.mjs';

/** Sizes of a run. `quick` takes minutes on two cores with the shipped models; `full` has the papers' sizes. */
export const SETTINGS = {
  quick: {
    seed: 0,
    samples: 32,
    referenceSamples: 16,
    blocks: 64,
    corpora: ['wikitext2', 'lambada'],
    chainCorpora: ['stories'], // the chain rule costs a network evaluation a token
    tasks: Object.keys(TASKS),
    items: 40,
    choiceSamples: 8,
    texts: 256,
    steps: [4, 8, 16, 32, 64, 128],
    temperatures: [0.8],
    temperatureSteps: 64,
    studentSteps: [4, 8, 16],
    plannedSteps: [4, 8, 16, 32],
    scorings: ['bound'],
    clozeScorings: ['bound', 'chain'],
    twinTemperatures: [0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2],
    conditionalSteps: [32],
    prompts: [2, 8, 32, 64],
    continuation: 32,
    promptSteps: 32,
    sweep: {
      texts: 128,
      steps: [8, 16, 32, 64],
      temperatures: [0.8, 0.85, 0.9, 1],
      topPs: [0.9, 0.95, 1],
      ways: ['published', 'planned'],
    },
    lengths: [64, 128],
    threads: [1, 2],
    hosts: ['tool', 'browser'],
    rounds: 10,
  },
  full: {
    samples: 64,
    referenceSamples: 1000,
    blocks: Infinity,
    items: Infinity,
    choiceSamples: 64,
    scorings: ['bound', 'chain'],
    texts: 1000,
    rounds: 30,
    corpora: Object.keys(CORPORA).filter((name) => name !== 'ptb'),
    chainCorpora: ['stories', ...Object.keys(CORPORA)],
  },
};

export class Context {
  /** @param {Record<string, any>} options folders, files and settings from the command line */
  constructor(options) {
    const { model, sedd, twin, judge, student, ...rest } = options;
    Object.assign(this, { tool: rest.tool, data: rest.data, windows: rest.windows, apply: rest.apply });
    this.asked = rest.settings;
    this.settings = { ...SETTINGS.quick, ...(rest.full ? SETTINGS.full : {}), ...rest.settings };
    this.progress = new Progress(rest.silent ? null : process.stderr);
    this.results = new Results(rest.results);
    this.machine = { ...machine(), workers: rest.workers };
    const host = {
      tool: rest.tool,
      build: checksum(rest.tool),
      workers: rest.workers,
      store: new Store(rest.store),
      progress: this.progress,
    };
    const opened = new Map(); // a twin that is also the judge is opened once
    const open = (folder) => {
      if (folder && !opened.has(path.resolve(folder))) opened.set(path.resolve(folder), new Model(host, folder));
      return folder && opened.get(path.resolve(folder));
    };
    Object.assign(this, {
      model: open(model),
      sedd: open(sedd),
      twin: open(twin),
      judge: open(judge),
      student: open(student),
    });
    this.length = (this.model ?? this.sedd ?? this.twin)?.length;
    this.record = (row) => {
      this.results.add({ ...row, ...this.machine });
      this.results.save();
    };
  }

  /** Tells whether the held-out windows hold the model's ids, which is so if both have the same tokenizer. */
  fits(model) {
    const beside = path.join(path.dirname(this.windows), 'sedd-nano', 'tokenizer.json');
    const own = path.join(model.folder, 'tokenizer.json');
    return (
      existsSync(this.windows) &&
      existsSync(beside) &&
      existsSync(own) &&
      readFileSync(own).equals(readFileSync(beside))
    );
  }

  close() {
    for (const model of [this.model, this.sedd, this.twin, this.judge, this.student]) model?.close();
  }
}

function machine() {
  const { date, commit, processor, cores } = environment('native');
  return { date: date.slice(0, 10), commit: commit.split(' ')[0], machine: `${cores} cores, ${processor}` };
}

export const defaults = () => ({
  tool: path.join(ROOT, 'build/native/sedd'),
  windows: path.join(ROOT, 'models/validation.ids'),
  store: path.join(ROOT, 'build/evaluate/answers.jsonl'),
  workers: os.availableParallelism?.() ?? os.cpus().length,
});
