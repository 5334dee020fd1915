// Writes the English strings into index.html, so that the page can be read before (and without) its scripts.
// usage: node scripts/strings.mjs [--check]     (--check only reports whether index.html is up to date)
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import english from '../web/strings/en.js';

const PAGE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../index.html');
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text) => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign]);

/** Turns the markup of web/page/text.js into HTML. */
const markup = (text) =>
  escape(text)
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/\*([^*]+)\*/g, '<em>$1</em>')
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '<a href="$2">$1</a>')
    .replace(/\^\{([^}]+)\}/g, '<sup>$1</sup>')
    .replace(/\{\{(\w+)\}\}/g, '<b data-live="$1">–</b>');

function string(key) {
  if (typeof english[key] !== 'string')
    throw new Error(`index.html names the string "${key}", which web/strings/en.js lacks`);
  return english[key];
}

/** @param {string} html @returns {string} the same page with every string filled in */
export function fill(html) {
  return html
    .replace(
      /<(\w+)([^>]*\sdata-t="([^"]+)"[^>]*)>[\s\S]*?<\/\1>/g,
      (_, tag, attributes, key) => `<${tag}${attributes}>${markup(string(key))}</${tag}>`,
    )
    .replace(
      / data-t-([\w-]+)="([^"]+)"(?: \1="[^"]*")?/g,
      (_, name, key) => ` data-t-${name}="${key}" ${name}="${escape(string(key))}"`,
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const now = readFileSync(PAGE, 'utf8');
  const wanted = fill(now);
  if (process.argv.includes('--check')) {
    if (now !== wanted) {
      console.error('strings: index.html differs from web/strings/en.js; run node scripts/strings.mjs');
      process.exit(1);
    }
  } else writeFileSync(PAGE, wanted);
}
