// Checks the style of the sources: JavaScript and CSS with biome (format and lint), C with clang-format.
// usage: npm run lint       (npm run format applies the automatic changes)
import { spawnSync } from 'node:child_process';
import { ROOT, need, run } from './build.mjs';

const C_FILES = ['core/*.[ch]', 'wasm/*.[ch]', 'tests/*.[ch]', 'scripts/*.[ch]'];
const GENERATED = 'core/text/unicode_table.h';

/** Returns the C files that git tracks. */
function sources() {
  const { stdout } = spawnSync('git', ['ls-files', ...C_FILES], { cwd: ROOT, encoding: 'utf8' });
  return stdout.split('\n').filter((name) => name && name !== GENERATED);
}

const write = process.argv.includes('--write');
try {
  need('clang-format', ['clang-format']);
  run('node_modules/.bin/biome', ['check', '--error-on-warnings', ...(write ? ['--write'] : [])]);
  run('clang-format', [...(write ? ['-i'] : ['--dry-run', '--Werror']), ...sources()]);
} catch (error) {
  console.error(`lint: ${error.message}`);
  process.exit(1);
}
