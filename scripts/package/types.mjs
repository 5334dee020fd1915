// Checks the module's JSDoc types and writes types/*.d.ts.
// usage: node scripts/package/types.mjs
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Files whose objects get fields by Object.assign, which the compiler cannot follow. Their exports are typed nevertheless. */
const LOOSE = ['load/load', 'load/remote', 'load/source', 'load/weights', 'engine/sizes', 'store/entry'];

/** Returns the compiler's messages about the files that must be correct, each with its lines of detail. @param {string} output */
function complaints(output) {
  const found = output.split(/^(?=\S)/m).filter((text) => text.trim());
  return found.filter((text) => !LOOSE.some((name) => text.startsWith(`web/${name}.js(`)));
}

/** Writes the types. Throws with the compiler's messages when a type is wrong. */
export function types() {
  rmSync(path.join(ROOT, 'types'), { recursive: true, force: true });
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [tsc, '-p', path.join(ROOT, 'scripts/package/tsconfig.json')],
    { cwd: ROOT, encoding: 'utf8' },
  );
  const wrong = complaints(`${stdout}${stderr}`);
  if (wrong.length || (status !== 0 && !stdout)) throw new Error(`type errors:\n${wrong.join('')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    types();
  } catch (error) {
    console.error(`types: ${error.message}`);
    process.exit(1);
  }
}
