// Renders the report as Markdown: models/RESULTS.md, with the figures as files beside it.
import { STATES } from './format.mjs';

const safe = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function cell(value) {
  if (typeof value === 'string') return safe(value);
  if (value.state === 'missing') return STATES.missing;
  return safe(
    value.state === 'published' ? `*${value.text}*` : value.note ? `${value.text} (${value.note})` : value.text,
  );
}

const table = ({ caption, columns, rows }) =>
  rows.length
    ? [
        `| ${columns.map(safe).join(' | ')} |`,
        `|${columns.map((_, i) => (i ? '---:' : '---')).join('|')}|`,
        ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
        '',
        safe(caption),
        '',
      ]
    : [];

/** @param {import('./sections.mjs').Section[]} sections @param {string[]} about lines of where the figures come from */
export function markdown(sections, about) {
  const lines = [
    '# Results',
    '',
    '`node scripts/evaluate report` writes this file; do not edit it. Upright figures were measured here, *slanted* ones are published, and "not yet" marks figures that need the official checkpoints or another run.',
    '',
    ...about.map((line) => `- ${line}`),
    '',
  ];
  for (const { title, text, tables, figures } of sections) {
    lines.push(`## ${title}`, '', ...text.flatMap((paragraph) => [paragraph, '']));
    for (const { name, caption } of figures) lines.push(`![${safe(caption)}](figures/${name}.svg)`, '', caption, '');
    for (const one of tables) lines.push(...table(one));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
