// Finds a Python with PyTorch and runs the scripts of scripts/train in a scratch folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const TOOL = path.join(ROOT, 'build/native/sedd');
export const python = [process.env.PYTHON, 'python3', '/usr/bin/python3']
  .filter(Boolean)
  .find((name) => spawnSync(name, ['-c', 'import torch, numpy, regex']).status === 0);
export const skip = python ? false : 'Python has no torch, numpy and regex';
export const env = { ...process.env, OMP_NUM_THREADS: '1', PYTHON: python };
export const trainScript = (name) => path.join(ROOT, 'scripts/train', name);

/** Makes a folder that is removed when the tests end. */
export const scratch = (name) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), `sedd-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Runs a program in `cwd`. Returns { status, stdout, stderr }. */
export const run = (cwd, file, args) =>
  spawnSync(file, args.map(String), { cwd, encoding: 'utf8', maxBuffer: 1 << 27, env });

/** Runs a program that must succeed. Returns what it printed. */
export const call = (cwd, file, args) => {
  const { status, stdout, stderr } = run(cwd, file, args);
  const command = `${file} ${args.join(' ').slice(0, 300)}`;
  assert.equal(status, 0, `${command}\n${stdout?.slice(-2000)}${stderr?.slice(-4000)}`);
  return stdout;
};
