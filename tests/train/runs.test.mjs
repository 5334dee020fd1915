// Tests how a run starts, waits and ends: signals, lost workers, locks, the pause file, background.sh. Each run is its own process.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, env, python, ROOT, run, scratch, skip, TOOL, trainScript } from './python.mjs';

const work = scratch('runs');
const at = (...parts) => path.join(work, ...parts);
const config = {
  name: 'tiny',
  kind: 'sedd',
  model: { tokens: 300, hidden: 32, blocks: 2, heads: 2, cond: 16, length: 32 },
  batch: 8,
  micro: 4,
  steps: 100000,
  warmup: 5,
  decay: 0,
  lr: 0.003,
  floor: 0.05,
  weight_decay: 0.05,
  ema: 0.9,
  precision: 'fp32',
  seed: 3,
  log_every: 5,
  eval_every: 100000,
};
const TIMEOUT = 120_000; // milliseconds until a test gives up; long enough for a busy machine

/** Waits until `check` returns something true, and returns that. */
const until = async (check, what) => {
  for (const end = Date.now() + TIMEOUT; Date.now() < end; await sleep(50)) {
    const value = check();
    if (value) return value;
  }
  assert.fail(`${what} did not happen`);
};
const alive = (pid) => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
const childrenOf = (pid) =>
  readdirSync('/proc').filter((name) => {
    try {
      return Number(readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1].split(' ')[1]) === pid;
    } catch {
      return false; // this is not a process, or it has just ended
    }
  });

/** Starts train.py in a process group of its own. */
const start = (out, ...more) => {
  const args = [trainScript('train.py'), 'c.json', '--data', 'pack', '--out', out, '--device', 'cpu', ...more];
  const child = spawn(python, args, { cwd: work, env, detached: true });
  const own = { pid: child.pid, output: '', code: null };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      own.output += data;
    });
  child.on('close', (code, signal) => {
    own.code = code ?? signal;
  });
  own.says = (pattern) => until(() => pattern.test(own.output) || own.code !== null, pattern);
  own.ended = () => until(() => own.code !== null, 'the end of the run').then(() => own.code);
  return own;
};
const saved = (out) => existsSync(at(out, 'state.pt')) && existsSync(at(out, 'last/model.safetensors'));

test('runs', { skip }, async (t) => {
  const ids = readFileSync(path.join(ROOT, 'models/validation.ids'), 'utf8').trim();
  const story = call(work, TOOL, ['detokenize', path.join(ROOT, 'models/sedd-nano'), '--ids', ids]);
  writeFileSync(at('stories.txt'), story);
  writeFileSync(
    at('many.ids'),
    Array(32 * 20000)
      .fill(7)
      .join(','),
  );
  writeFileSync(at('c.json'), JSON.stringify(config));
  const prepare = (out, ...more) =>
    call(work, python, [trainScript('prepare.py'), out, 'stories.txt', '--vocab', 300, '--length', 32, ...more]);
  prepare('pack');
  prepare('slow', '--valid', 'many.ids');

  await t.test('SIGTERM in a long evaluation ends both workers, saved', async () => {
    const own = start('evaluating', '--workers', '2', '--data', 'slow');
    await own.says(/step 0 of/);
    const children = childrenOf(own.pid);
    assert.equal(children.length, 1);
    await sleep(300);
    process.kill(own.pid, 'SIGTERM');
    assert.equal(await own.ended(), 0, own.output);
    assert.doesNotMatch(own.output, /nats_per_token|Traceback/);
    assert.ok(saved('evaluating'));
    await until(() => !children.some(alive), 'the end of the worker');
  });

  await t.test('Ctrl-C ends both workers, saved, and the same command goes on', async () => {
    const own = start('interrupted', '--workers', '2');
    await own.says(/loss/);
    const children = childrenOf(own.pid);
    process.kill(-own.pid, 'SIGINT');
    assert.equal(await own.ended(), 0, own.output);
    assert.doesNotMatch(own.output, /Traceback/);
    assert.ok(saved('interrupted') && !children.some(alive));
    const again = start('interrupted', '--workers', '2', '--minutes', '0.01');
    assert.equal(await again.ended(), 0, again.output);
    assert.match(again.output, /step [1-9]\d* of/);
  });

  await t.test('a worker that is killed ends the run, saved, with exit 1', async () => {
    const own = start('bereft', '--workers', '2');
    await own.says(/loss/);
    process.kill(childrenOf(own.pid)[0], 'SIGKILL');
    assert.equal(await own.ended(), 1, own.output);
    assert.match(own.output, /worker 1 of 2 has ended; bereft is saved at step \d+: the same command goes on/);
    assert.ok(saved('bereft'));
  });

  await t.test('workers end when the first one is killed', async () => {
    const own = start('orphans', '--workers', '2');
    await own.says(/loss/);
    const children = childrenOf(own.pid);
    process.kill(own.pid, 'SIGKILL');
    await until(() => !children.some(alive), 'the end of the worker');
  });

  await t.test('a run waits while the pause file exists; its folder is locked meanwhile', async () => {
    writeFileSync(at('quiet'), '');
    const background = (...args) => run(work, trainScript('background.sh'), args);
    const begun = background('start', 'run', 'c.json', '--data', 'pack', '--pause', 'quiet');
    assert.equal(begun.status, 0, begun.stderr);
    const status = () => background('status', 'run').stdout;
    await until(() => /tiny: paused at step 0 while quiet exists/.test(status()), 'the pause');
    const pid = Number(readFileSync(at('run/lock'), 'utf8'));
    assert.equal(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')[16], '19', 'its priority');
    const second = background('start', 'run', 'c.json', '--data', 'pack');
    assert.equal(second.status, 1);
    assert.match(second.stderr, new RegExp(`process ${pid} trains in this folder already`));
    const other = run(work, python, [trainScript('train.py'), 'c.json', '--data', 'pack', '--out', 'run']);
    assert.equal(other.status, 1);
    assert.match(other.stderr, new RegExp(`run: process ${pid} trains in this folder; wait for it`));
    rmSync(at('quiet'));
    const line =
      /tiny: step \d+ of 100000, 0\.\d+M tokens, \d\.\d+ nats a token \(best .*\), \d+ tokens a second, [\d.]+ hours to the end/;
    await until(() => line.test(status()), 'a line of status');
    const stopped = background('stop', 'run');
    assert.equal(stopped.status, 0, stopped.stderr);
    assert.ok(!alive(pid) && saved('run'));
    assert.match(status(), /not training now/);
    assert.equal(background('stop', 'run').status, 1);
    assert.equal(background('start').status, 2);
  });

  await t.test('a loss that is not a number ends both workers with exit 1', async () => {
    writeFileSync(at('c.json'), JSON.stringify({ ...config, lr: 1e30, warmup: 0 }));
    const own = start('diverged', '--workers', '2');
    assert.equal(await own.ended(), 1, own.output);
    assert.match(own.output, /step 1: the loss is (nan|inf).*diverged\/state\.pt keeps the last good state/);
    assert.equal(own.output.match(/the last good state/g).length, 1, 'it is said once');
    assert.doesNotMatch(readFileSync(at('diverged/log.jsonl'), 'utf8'), /nan|inf/i);
  });

  await t.test('a run that stops in its causal stage can be exported', () => {
    writeFileSync(at('c.json'), JSON.stringify({ ...config, causal: { steps: 9, decay: 3 } }));
    call(work, python, [trainScript('train.py'), 'c.json', '--data', 'pack', '--out', 'early', '--until', 3]);
    assert.ok(!existsSync(at('early/last')));
    const said = call(work, python, [trainScript('export.py'), 'early', 'exported']);
    assert.match(said, /early\/causal\/\w+ is from the causal stage/);
    const text = call(work, TOOL, ['sample', 'exported', '--steps', '4', '--seed', '1']);
    assert.ok(text.length > 0);
    const nothing = run(work, python, [trainScript('export.py'), 'pack', 'x']);
    assert.match(nothing.stderr, /pack holds no model\.safetensors/);
  });
});
