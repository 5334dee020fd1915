// Renders the report as a page of the site, results.html, with the style of index.html (web/page/page.css): no script, no inline style.
import { STATES } from './format.mjs';
import { escape } from './svg.mjs';

function cell(value, i) {
  if (i === 0) return `<th scope="row">${escape(typeof value === 'string' ? value : value.text)}</th>`;
  if (typeof value === 'string') return `<td>${escape(value)}</td>`;
  const said = value.state === 'measured' ? value.note : STATES[value.state];
  return `<td class="${value.state}">${escape(value.text)}${said ? ` <small>${escape(said)}</small>` : ''}</td>`;
}

let number = 0;
const table = ({ caption, columns, rows }) =>
  rows.length
    ? `<figure class="wide results">
<div class="scroll" role="region" tabindex="0" aria-label="${escape(caption.split('.')[0])}"><table>
<thead><tr>${columns.map((name, i) => (i || name ? `<th scope="col">${escape(name)}</th>` : '<td></td>')).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}
</tbody></table></div>
<figcaption><b>Table ${++number}.</b> ${escape(caption)}</figcaption>
</figure>`
    : '';

let figureNumber = 0;
const chart = ({ caption, svg }) => `<figure class="wide results">
${svg.trim()}
<figcaption><b>Figure ${++figureNumber}.</b> ${escape(caption)}</figcaption>
</figure>`;

/** @param {import('./sections.mjs').Section[]} sections @param {string[]} about @param {string} [site] the address of the site's root, seen from the page */
export function html(sections, about, site = '') {
  number = 0;
  figureNumber = 0;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="SEDD beside GPT-2: likelihood, multiple choice, writing, infilling and time, measured with this engine, beside the published figures.">
<meta name="color-scheme" content="light dark">
<title>Results: SEDD beside GPT-2</title>
<link rel="stylesheet" href="${site}web/page/page.css">
<link rel="stylesheet" href="${site}web/page/results.css">
<link rel="icon" href="${site}web/icon.svg" type="image/svg+xml">
</head>
<body>
<header>
<div class="mast"><span><a href="${site}index.html">sedd-web</a></span><span aria-current="page">Results</span></div>
<h1>Our measurements beside the papers</h1>
<p class="lede">This page compares SEDD with a GPT-2 of the same size: likelihood, multiple choice, writing, infilling and time. Every figure was measured with this engine on the models shipped here, unless it is marked <em>published</em>. Figures marked <em>not yet</em> need the official checkpoints.</p>
<nav class="contents" aria-label="On this page">${sections.map(({ id, title }) => `<a href="#${id}">${escape(title)}</a>`).join('')}</nav>
</header>
<main>
${sections
  .map(
    ({ id, title, text, tables, figures }, i) => `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title"><span class="no">${i + 1}</span> ${escape(title)}</h2>
${[...text.map((paragraph) => `<p>${escape(paragraph)}</p>`), ...figures.map(chart), ...tables.map(table)].filter(Boolean).join('\n')}
</section>`,
  )
  .join('\n\n')}
</main>
<footer>
<p class="note">Written by <code>node scripts/evaluate report</code> from <a href="${site}models/results.jsonl">models/results.jsonl</a>.</p>
${about.map((line) => `<p class="note">${escape(line)}</p>`).join('\n')}
</footer>
</body>
</html>
`;
}
