// Runs the papers' evaluation on a SEDD and its GPT-2 twin, and renders the report.
// usage: node scripts/evaluate perplexity|choice|generation|conditional|latency|all|sweep|curve|report [--help]
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT, native } from '../build.mjs';
import { TASKS } from './choices.mjs';
import { Context, defaults } from './context.mjs';
import { report } from './report/index.mjs';
import { WAY_NAMES } from './ways.mjs';

const WORKS = ['perplexity', 'choice', 'generation', 'conditional', 'latency'];
const ALL = [...WORKS, 'all', 'sweep', 'curve', 'report'];
const SHIPPED = path.join(ROOT, 'models/results.jsonl');
const OWN = path.join(ROOT, 'build/evaluate/results.jsonl');

const HELP = `usage: node scripts/evaluate WORK [flags]

  perplexity    measures SEDD's bound by each estimator and its exact value from left to right, GPT-2 by blocks and sliding window
  choice        measures HellaSwag, ARC, PIQA, WinoGrande, WSC, COPA, OpenBookQA, CommonsenseQA, SIQA, BoolQ and a story cloze
  generation    measures unconditional texts by steps and temperature, and at matched entropy
  conditional   measures prefixes, infilling, short and long prompts, and stories whose first and last sentence are given
  latency       times SEDD by steps and length against GPT-2 with its cache, and finds the break-even number of steps
  all           does all of these, then the report
  sweep MODEL   finds the temperature, top-p, steps and positions that write best among those whose texts are as varied as real text;
                writes a table into MODEL's card.json and README.md, and with --apply also generation_config.json
                --steps 8,16 --temperatures 0.7,1 --top-ps 0.9,1 --texts N --ways ${WAY_NAMES.join(',')}
  curve         reads nats a token against training tokens from --log RUN,... (SEDD) and --twin-log RUN,... (folders or log.jsonl
                files; the runs of a list continue each other)
  report        writes RESULTS.md and the models' cards from the rows, and for rows of your own also results.html

  --sedd, --twin, --judge, --student FOLDER   models (default: those in models/; "none" leaves one out). SEDD may be an MDLM, SDTT,
                      RADD or DUO. If --sedd, --twin or --student names a folder, the ones that are not named are left out, except the
                      judge
  --data FOLDER       the evaluation sets (*.jsonl, *.txt); without it only the held-out text in models/ is measured
  --windows FILE      held-out windows of the shipped models' ids (default: models/validation.ids)
  --full              the papers' sizes: 1,000 times, every item, 1,000 texts
  --items N --blocks N --texts N --samples N --choice-samples N --rounds N --seed N
  --tasks a,b --scorings bound,chain --corpora a,text:FOLDER --steps 4,8 --lengths 64,128 --threads 1,2 --hosts tool,browser
  --workers N         processes for each model, with one thread each (default: one for each core)
  --store FILE        the answers so far, from which a stopped run continues (default: build/evaluate/answers.jsonl)
  --results FILE      the tables' rows (default: models/results.jsonl for the shipped models, else build/evaluate/results.jsonl)
  --out FOLDER        the folder of the report. Only the rows of the shipped models go to models/RESULTS.md and the cards
                      in models/; other rows go to a folder beside them (results.report)
`;

const NUMBERS = ['--items', '--blocks', '--texts', '--samples', '--choice-samples', '--rounds', '--seed'];
const WORDS = {
  '--tasks': Object.keys(TASKS),
  '--scorings': ['bound', 'chain'],
  '--ways': WAY_NAMES,
  '--hosts': ['tool', 'browser'],
};
const LISTS = [...Object.keys(WORDS), '--corpora', '--log', '--twin-log'];
const COUNTS = ['--steps', '--lengths', '--threads']; // lists of whole numbers from 1
const RATES = { '--temperatures': 100, '--top-ps': 1 }; // lists of numbers above 0, with their upper limits
const MODELS = ['--sedd', '--twin', '--judge', '--student'];
const PLACES = [...MODELS, '--data', '--windows', '--store', '--results', '--out'];

const settingName = (flag) => flag.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/** Returns the setting of a flag that takes one number or a list. */
function settingOf(flag, value) {
  const list = value.split(',').filter(Boolean);
  const odd = WORDS[flag] && list.find((word) => !WORDS[flag].includes(word));
  if (odd !== undefined) throw new Error(`unknown ${flag.slice(2, -1)} "${odd}"; expected ${WORDS[flag].join(', ')}`);
  if (LISTS.includes(flag)) return list;
  if (COUNTS.includes(flag)) {
    const counts = [...new Set(list.map(Number))].sort((a, b) => a - b);
    if (!counts.length || counts.some((count) => !Number.isInteger(count) || count < 1))
      throw new Error(`${flag} expects whole numbers from 1, separated by commas, not "${value}"`);
    return counts;
  }
  if (RATES[flag]) {
    const rates = list.map(Number);
    if (!rates.length || rates.some((rate) => !(rate > 0 && rate <= RATES[flag])))
      throw new Error(
        `${flag} expects numbers above 0 and at most ${RATES[flag]}, separated by commas, not "${value}"`,
      );
    return rates;
  }
  const least = flag === '--seed' ? 0 : 1;
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(Number(value)) || Number(value) < least)
    throw new Error(`${flag} expects a whole number of at least ${least}, not "${value}"`);
  return Number(value);
}

function parse(work, args) {
  const options = { settings: {} };
  if (work === 'sweep') {
    options.model = args.shift();
    if (options.model === undefined || options.model.startsWith('--'))
      throw new Error('sweep needs the folder of a MODEL');
  }
  while (args.length) {
    const flag = args.shift();
    if (flag === '--full' || flag === '--apply') {
      options[settingName(flag)] = true;
      continue;
    }
    if (![...NUMBERS, ...LISTS, ...COUNTS, ...Object.keys(RATES), ...PLACES, '--workers'].includes(flag))
      throw new Error(`unknown option ${flag}; see --help`);
    const value = args.shift();
    if (value === undefined) throw new Error(`${flag} needs a value`);
    if (PLACES.includes(flag)) options[settingName(flag)] = value;
    else if (flag === '--workers') options.workers = Math.min(settingOf(flag, value), 64);
    else options.settings[settingName(flag)] = settingOf(flag, value);
  }
  if (options.data && !existsSync(options.data))
    throw new Error(`--data ${options.data} does not exist; expected a folder of evaluation sets`);
  return options;
}

const shippedFolder = (name) => path.join(ROOT, 'models', name);
const found = (...names) => names.map(shippedFolder).find((folder) => existsSync(folder));

/** Fills in the shipped models where the options name none. The judge is judge-nano if it exists, otherwise the twin. */
function withModels(options) {
  const shipped = {
    sedd: found('sedd-nano'),
    twin: found('gpt2-nano'),
    judge: found('judge-nano', 'gpt2-nano'),
    student: found('sedd-nano-fast'),
  };
  const named = ['sedd', 'twin', 'student'].some((name) => options[name] !== undefined && options[name] !== 'none');
  const chosen = Object.keys(shipped).map((name) => {
    const folder = options[name] ?? (named && name !== 'judge' ? 'none' : shipped[name]);
    return [name, folder === 'none' ? undefined : folder];
  });
  return { ...options, ...Object.fromEntries(chosen) };
}

/** Tells whether the options name only shipped models. A sweep names a single model. */
const isShipped = (options) =>
  options.model === undefined
    ? MODELS.every((flag) => options[settingName(flag)] === undefined)
    : path.dirname(path.resolve(options.model)) === path.join(ROOT, 'models');

/** Fills in the places of rows and report. Only the shipped models' own rows may replace the shipped report. */
function withPlaces(options) {
  const shipped = isShipped(options);
  const results = path.resolve(options.results ?? (shipped ? SHIPPED : OWN));
  const beside = `${results.replace(/\.jsonl$/, '')}.report`;
  return { ...options, results, out: path.resolve(options.out ?? (shipped && results === SHIPPED ? ROOT : beside)) };
}

async function main([work, ...args]) {
  if (work === undefined || work === '--help' || args.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  if (!ALL.includes(work)) throw new Error(`unknown work "${work}"; expected ${ALL.join(', ')}`);
  const parsed = withPlaces(parse(work, args));
  const options = { ...defaults(), ...withModels(parsed) };
  if (!existsSync(options.tool)) native('native', ['-DCMAKE_BUILD_TYPE=Release']);
  if (work !== 'report') {
    const alone = work === 'sweep' ? { sedd: undefined, twin: undefined, student: undefined } : {};
    const context = new Context({ ...options, ...alone });
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
