// The kernel tables in wasm against the scalar one: the C test, built for both kinds of module.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

for (const [build, tables] of [['simd', ['scalar', 'simd128']], ['relaxed', ['scalar', 'relaxed', 'relaxed16']]]) {
  test(`${build}: every table agrees with the scalar one`, () => {
    const code = `import('./build/wasm/${build}/test_kernels.mjs').then(({ default: run }) => run())`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    for (const table of tables) assert.match(stdout, new RegExp(`table ${table}\\n`));
  });
}
