// Runs the paper's evaluation on a SEDD and its GPT-2 twin, and renders the report.
// usage: node scripts/evaluate perplexity|choice|generation|conditional|latency|all|report [--help]
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT, native } from '../build.mjs';
import { TASKS } from './choices.mjs';
import { Context, defaults } from './context.mjs';
import { report } from './report/index.mjs';

const WORKS = ['perplexity', 'choice', 'generation', 'conditional', 'latency'];

const HELP = `usage: node scripts/evaluate WORK [flags]

  perplexity    SEDD's bound by two estimators, GPT-2 by blocks and sliding window
  choice        HellaSwag, ARC, PIQA, WinoGrande, WSC, COPA, OpenBookQA, CommonsenseQA, SIQA, BoolQ, story cloze
  generation    unconditional texts by steps and temperature, at matched entropy
  conditional   prefix, infilling, short and long prompts, stories with first and last sentence given
  latency       SEDD by steps and length against GPT-2 with its cache; the break-even number of steps
  all           all of these, then the report
  report        models/RESULTS.md, results.html and the models' cards from models/results.jsonl

  --sedd, --twin, --judge, --student FOLDER   models (default: those in models/; "none": without)
  --data FOLDER       the evaluation sets (*.jsonl, *.txt); without it only what is held out with the models is measured
  --windows FILE      held-out windows of the shipped models' ids (models/validation.ids)
  --full              the papers' sizes: 1,000 times, every item, 1,000 texts
  --items N --blocks N --texts N --samples N --choice-samples N --rounds N --seed N
  --tasks a,b --scorings bound,chain --corpora a,text:FOLDER
  --workers N         processes a model, one thread each (default: every core)
  --store FILE        answers as they come in (build/evaluate/answers.jsonl); a stopped run goes on from there
  --results FILE      the tables' rows (models/results.jsonl)
`;

const NUMBERS = ['--items', '--blocks', '--texts', '--samples', '--choice-samples', '--rounds', '--seed'];
const LISTS = ['--tasks', '--corpora', '--scorings'];
const PLACES = ['--sedd', '--twin', '--judge', '--student', '--data', '--windows', '--store', '--results'];

function parse(args) {
  const options = { settings: {} };
  for (let i = 0; i < args.length; i++) {
    const flag = args[i];
    const name = flag.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    if (flag === '--full') {
      options.full = true;
      continue;
    }
    if (![...NUMBERS, ...LISTS, ...PLACES, '--workers'].includes(flag))
      throw new Error(`there is no flag "${flag}"; see --help`);
    const value = args[++i];
    if (value === undefined) throw new Error(`${flag} needs a value`);
    if (PLACES.includes(flag)) options[name] = value;
    else if (LISTS.includes(flag)) options.settings[name] = value.split(',').filter(Boolean);
    else {
      const number = Number(value);
      const least = flag === '--seed' ? 0 : 1;
      if (!Number.isInteger(number) || number < least)
        throw new Error(`${flag} expects a whole number from ${least} on, not "${value}"`);
      if (flag === '--workers') options.workers = Math.min(number, 64);
      else options.settings[name] = number;
    }
  }
  const unknown = options.settings.tasks?.find((task) => !TASKS[task]);
  if (unknown !== undefined) throw new Error(`there is no task "${unknown}"; ${Object.keys(TASKS).join(', ')} exist`);
  const odd = options.settings.scorings?.find((scoring) => !['bound', 'chain'].includes(scoring));
  if (odd !== undefined) throw new Error(`there is no scoring "${odd}"; bound and chain exist`);
  if (options.data && !existsSync(options.data))
    throw new Error(`--data ${options.data} is not there; expected a folder of evaluation sets`);
  return options;
}

/** Shipped models where no folder is named; a larger judge where there is one, else the twin judges itself. */
function withModels(options) {
  const shipped = (name) => (existsSync(path.join(ROOT, 'models', name)) ? path.join(ROOT, 'models', name) : undefined);
  const models = {
    sedd: shipped('sedd-nano'),
    twin: shipped('gpt2-nano'),
    judge: shipped('judge-nano') ?? shipped('gpt2-nano'),
    student: shipped('sedd-nano-fast'),
  };
  const named = options.sedd !== undefined || options.twin !== undefined;
  const chosen = (name) =>
    options[name] === 'none' ? undefined : (options[name] ?? (named && name !== 'judge' ? undefined : models[name]));
  return { ...defaults(), ...options, ...Object.fromEntries(Object.keys(models).map((name) => [name, chosen(name)])) };
}

async function main([work, ...args]) {
  if (work === undefined || work === '--help' || args.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  if (![...WORKS, 'all', 'report'].includes(work))
    throw new Error(`there is no work "${work}"; ${[...WORKS, 'all', 'report'].join(', ')} exist`);
  const options = withModels(parse(args));
  if (!existsSync(options.tool)) native('native', ['-DCMAKE_BUILD_TYPE=Release']);
  if (work !== 'report') {
    const context = new Context(options);
    try {
      for (const name of work === 'all' ? WORKS : [work]) await (await import(`./${name}.mjs`)).run(context);
    } finally {
      context.close();
    }
  }
  if (work === 'all' || work === 'report') report(options);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`evaluate: ${error.message}`);
  process.exit(1);
}
