// Writes the measured parts of the models' cards. It fills the text between <!-- NAME --> and <!-- /NAME --> in models/*/README.md from
// the model's card.json and by running the tool: `figures`, `samples` (from fixed seeds, none selected), `checksum`, `sweep`.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../build.mjs';
import { writeWhole } from '../files.mjs';
import { figure, fixed, percent, range, withError } from './format.mjs';

const SEEDS = [1, 2, 3, 4, 5];
const PROMPT = 'Once upon a time';
const WIDTH = 150;
const TEMPERED = ['--temperature', '0.8', '--top-p', '0.9'];
const PLANNED = ['--positions', 'planned', '--order', 'spread', '--grid', 'cosine'];

/** The samples that a card shows. A student samples as its generation_config.json says. */
const SAMPLES = {
  'sedd-nano': [
    { title: '64 steps, as published', args: ['sample', '--steps', '64'] },
    { title: '8 steps, planned', args: ['sample', '--steps', '8', ...PLANNED] },
  ],
  'sedd-nano-fast': [{ title: '8 steps', args: ['sample'] }],
  'gpt2-nano': [{ title: '124 tokens', args: ['generate', '--tokens', '124'] }],
};

const quote = (text) =>
  text
    .trim()
    .replace(/\n+/g, ' / ')
    .replaceAll('<|endoftext|>', ' [end] ')
    .split(' ')
    .reduce(
      (lines, word) => {
        if (`${lines.at(-1)} ${word}`.length > WIDTH) lines.push(word);
        else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trimStart();
        return lines;
      },
      [''],
    )
    .map((line) => `> ${line}`)
    .join('\n');

const commandText = (args) => args.map((arg) => (arg.includes(' ') ? JSON.stringify(arg) : arg)).join(' ');

function samples(tool, folder) {
  return (SAMPLES[path.basename(folder)] ?? [])
    .map(({ title, args: [verb, ...own] }) => {
      const args = [verb, path.relative(ROOT, folder), '--prompt', PROMPT, ...own, ...TEMPERED];
      const texts = SEEDS.map((seed) => {
        const out = execFileSync(tool, [...args, '--seed', String(seed), '--threads', '1'], {
          cwd: ROOT,
          encoding: 'utf8',
        });
        return `Seed ${seed}:\n\n${quote(out)}`;
      });
      return `### ${title}\n\n\`build/native/sedd ${commandText(args)} --seed N\` (/ marks a line break, [end] the end of a story)\n\n${texts.join('\n\n')}`;
    })
    .join('\n\n');
}

const cells = (list) => `| ${list.join(' | ')} |`;

function writing(card) {
  const row = (name, data) =>
    cells([
      name,
      `${figure(data.ppl)} (${range(data.pplInterval)})`,
      fixed(data.entropy),
      fixed(data.distinct2),
      data.ms ? `${figure(data.ms)} ms` : '',
    ]);
  const rows = [
    ...(card.steps ?? []).map((data) => row(`${data.steps} steps`, data)),
    ...(card.planned ?? []).map((data) => row(`${data.steps} steps, planned`, data)),
    ...(card.own ? [row('its own text', card.own)] : []),
    ...(card.twin ? [row(`the twin, \`${card.twin.folder}\``, card.twin)] : []),
    cells(['held-out text', figure(card.heldOut.ppl), fixed(card.heldOut.entropy), '', '']),
  ];
  return [
    cells([
      'text',
      `perplexity by ${card.measured.judge} (95 % interval)`,
      'entropy, nats',
      'distinct-2',
      'time, one thread',
    ]),
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

const windows = ({ tokens }) => Math.round(tokens / 128);

function figures(card) {
  const { bound, chain, exact, twin, measured } = card;
  const said = [
    bound &&
      `The bound on the ${windows(bound)} held-out windows (${bound.tokens.toLocaleString('en')} tokens) is ${withError(bound.nats, bound.error, 4, 3)} nats a token, a perplexity of at most ${figure(bound.ppl)}` +
        `${twin?.nats ? `. The twin's exact value is ${fixed(twin.nats, 4)}` : ''}.`,
    chain &&
      `The exact value of opening tokens from left to right, by the chain rule, is ${withError(chain.nats, chain.error, 4, 3)} nats a token.`,
    exact &&
      `The exact -ln p of the ${windows(exact)} held-out windows (${exact.tokens.toLocaleString('en')} tokens) is ${withError(exact.nats, exact.error, 4, 3)} nats a token, a perplexity of ${figure(exact.ppl)}.`,
    measured.texts &&
      `Each row has ${measured.texts} texts of ${measured.length} tokens at temperature 1; none was selected, and the judge reads ids. Compare perplexities at similar entropy only.`,
    card.planned &&
      `"Planned" means \`${commandText(PLANNED)}\` (below 8 steps with the even grid); the other rows sample as published.`,
  ].filter(Boolean);
  return `${[said.join('\n'), ...(measured.judge ? [writing(card)] : [])].join('\n\n')}\n\n${measured.machine}, commit ${measured.commit}: \`node scripts/evaluate all\`; more in [models/RESULTS.md](../RESULTS.md).`;
}

const positionsOf = ({ positions, order, grid, context }) =>
  positions ? [positions, order, grid, context].filter(Boolean).join(', ') : 'as published';

/** Returns the table of a sweep: for every number of steps and way, the best setting whose texts are as varied as real text. */
function sweepTable({ measured, real, defaults, settings }) {
  const best = new Map();
  for (const row of settings) {
    const key = `${row.steps} ${positionsOf(row)}`;
    if (row.entropy >= real.entropy && row.repeated <= real.repeated && !best.has(key)) best.set(key, row);
  }
  const row = (name, data) =>
    cells([
      ...name,
      `${figure(data.ppl)} (${range(data.pplInterval)})`,
      withError(data.entropy, data.entropyError, 2),
      `${percent(data.repeated)} ± ${percent(data.repeatedError)}`,
    ]);
  const rows = [...best.values()].map((data) =>
    row([data.steps ?? '', data.steps ? positionsOf(data) : '', data.temperature, data.top_p], data),
  );
  const said =
    `${measured.judge} judged ${settings.length} settings of ${measured.texts} texts each. For every number of steps and way the table has the best ` +
    'temperature and top-p at which the entropy is at least that of the held-out text and the share of repeated pairs is at most its share. ' +
    `${defaults ? `The best of all settings is \`${JSON.stringify(defaults)}\`.` : 'No setting is as varied as the held-out text.'}`;
  return [
    said,
    '',
    cells([
      'steps',
      'positions',
      'temperature',
      'top-p',
      'perplexity (95 % interval)',
      'entropy, nats',
      'repeated pairs, %',
    ]),
    '|---|---|---|---|---|---|---|',
    ...rows,
    row(['', 'held-out text', '', ''], real),
    '',
    `Commit ${measured.commit}: \`node scripts/evaluate sweep\`; every setting is in \`card.json\`.`,
  ].join('\n');
}

/** Writes a sweep's table into a model's README.md. Appends a section for it where the card has none. */
export function fillSweep(folder, sweep) {
  const file = path.join(folder, 'README.md');
  if (!existsSync(file)) return;
  const text = readFileSync(file, 'utf8');
  const place = '\n## Generation defaults\n\n<!-- sweep -->\n<!-- /sweep -->\n';
  const whole = text.includes('<!-- sweep -->') ? text : `${text.trimEnd()}\n${place}`;
  writeWhole(
    file,
    fill(whole, 'sweep', () => sweepTable(sweep)),
  );
}

/** Replaces the text between the marks of `name` by `content()`, if the text has these marks. */
function fill(text, name, content) {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [begin, end] = [text.indexOf(open), text.indexOf(close)];
  return begin < 0 || end < begin ? text : `${text.slice(0, begin + open.length)}\n${content()}\n${text.slice(end)}`;
}

/** Fills the measured parts of a model's README.md. @param {string} tool the native tool @param {string} folder the model's folder */
export function writeReadme(tool, folder) {
  const [file, figuresFile] = ['README.md', 'card.json'].map((name) => path.join(folder, name));
  if (!existsSync(file) || !existsSync(figuresFile)) return;
  const card = JSON.parse(readFileSync(figuresFile, 'utf8'));
  let text = readFileSync(file, 'utf8');
  text = fill(text, 'figures', () => figures(card));
  text = fill(text, 'samples', () => samples(tool, folder));
  text = fill(text, 'checksum', () => `sha256 of model.safetensors: \`${card.model.sha256}\``);
  if (card.sweep) text = fill(text, 'sweep', () => sweepTable(card.sweep));
  writeWhole(file, text);
}
