// Copies the two libraries that the page loads on demand (a chart and a GIF writer) from node_modules to web/vendor/,
// each with its licence, as ES modules that a static host can serve.
// usage: node scripts/vendor.mjs
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Turns uPlot's small build, a script with one global, into a module by one added line. */
const FILES = [
  { from: 'uplot/dist/uPlot.iife.min.js', to: 'uplot.js', append: '\nexport default uPlot;\n' },
  { from: 'uplot/dist/uPlot.min.css', to: 'uplot.css' },
  { from: 'uplot/LICENSE', to: 'uplot.LICENSE.txt' },
  { from: 'gifenc/dist/gifenc.esm.js', to: 'gifenc.js', drop: /\n\/\/# sourceMappingURL=.*/ },
  { from: 'gifenc/LICENSE.md', to: 'gifenc.LICENSE.txt' },
];

/** Copies the libraries. @returns {string[]} the files that were written */
export function vendor() {
  const folder = path.join(ROOT, 'web/vendor');
  mkdirSync(folder, { recursive: true });
  return FILES.map(({ from, to, append, drop }) => {
    const source = path.join(ROOT, 'node_modules', from);
    if (!existsSync(source)) throw new Error(`node_modules/${from} is missing; run npm ci and try again`);
    if (append || drop)
      writeFileSync(path.join(folder, to), readFileSync(source, 'utf8').replace(drop ?? '', '') + (append ?? ''));
    else copyFileSync(source, path.join(folder, to));
    return `web/vendor/${to}`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(vendor().join('\n'));
  } catch (error) {
    console.error(`vendor: ${error.message}`);
    process.exit(1);
  }
}
