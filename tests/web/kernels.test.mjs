// Compares the kernel tables in wasm with the scalar one, by the C tests built for both kinds of module.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

for (const [build, tables] of [
  ['simd', ['scalar', 'simd128']],
  ['relaxed', ['scalar', 'relaxed', 'relaxed16']],
]) {
  for (const name of ['kernels', 'attention']) {
    test(`${build}: every table agrees with the scalar one, ${name}`, () => {
      const code = `import('./build/wasm-${build}/test_${name}.mjs').then(({ default: run }) => run())`;
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout + stderr);
      for (const table of tables) assert.match(stdout, new RegExp(`table ${table}\\n`));
    });
  }
}
