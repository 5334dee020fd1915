// The measured parts of the models' cards: what stands between <!-- NAME --> and <!-- /NAME --> in models/*/README.md is written
// anew from the model's card.json and by running the tool: `figures`, `samples` (fixed seeds, nothing picked), `checksum`.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../build.mjs';
import { figure, fixed, range } from './format.mjs';

const SEEDS = [1, 2, 3, 4, 5];
const PROMPT = 'Once upon a time';
const WIDTH = 150;
const TEMPERED = ['--temperature', '0.8', '--top-p', '0.9'];
const PLANNED = ['--positions', 'fixed', '--order', 'spread', '--grid', 'cosine'];

/** Which samples a card shows; a student's generation_config.json says how it samples. */
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

const shown = (args) => args.map((arg) => (arg.includes(' ') ? JSON.stringify(arg) : arg)).join(' ');

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
      return `### ${title}\n\n\`build/native/sedd ${shown(args)} --seed N\` (tempered; / is a line break, [end] the end of a story)\n\n${texts.join('\n\n')}`;
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

function figures(card) {
  const { bound, exact, twin, measured } = card;
  const said = [
    bound &&
      `Bound on the 128 held-out windows (${bound.tokens.toLocaleString('en')} tokens): ${fixed(bound.nats, 4)} ± ${fixed(bound.error, 3)} nats a token, perplexity at most ${figure(bound.ppl)}` +
        `${twin?.nats ? `; the twin, exact: ${fixed(twin.nats, 4)}` : ''}.`,
    exact &&
      `-ln p of the 128 held-out windows (${exact.tokens.toLocaleString('en')} tokens), exact: ${fixed(exact.nats, 4)} ± ${fixed(exact.error, 3)} nats a token, perplexity ${figure(exact.ppl)}.`,
    measured.texts &&
      `${measured.texts} texts a row, ${measured.length} tokens, temperature 1, consecutive seeds, judged on ids; lower perplexity counts at like entropy only.`,
    card.planned && `Planned: \`${shown(PLANNED)}\` (below 8 steps the even grid); the other rows: as published.`,
  ].filter(Boolean);
  return `${[said.join('\n'), ...(measured.judge ? [writing(card)] : [])].join('\n\n')}\n\n${measured.machine}, commit ${measured.commit}: \`node scripts/evaluate all\`; more in [models/RESULTS.md](../RESULTS.md).`;
}

/** Puts `content` between the marks of `name`, where the text has them. */
function fill(text, name, content) {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [begin, end] = [text.indexOf(open), text.indexOf(close)];
  return begin < 0 || end < begin ? text : `${text.slice(0, begin + open.length)}\n${content()}\n${text.slice(end)}`;
}

/** @param {string} tool the native tool @param {string} folder a model's */
export function writeReadme(tool, folder) {
  const [file, figuresFile] = ['README.md', 'card.json'].map((name) => path.join(folder, name));
  if (!existsSync(file) || !existsSync(figuresFile)) return;
  const card = JSON.parse(readFileSync(figuresFile, 'utf8'));
  let text = readFileSync(file, 'utf8');
  text = fill(text, 'figures', () => figures(card));
  text = fill(text, 'samples', () => samples(tool, folder));
  text = fill(text, 'checksum', () => `sha256 of model.safetensors: \`${card.model.sha256}\``);
  writeFileSync(file, text);
}
