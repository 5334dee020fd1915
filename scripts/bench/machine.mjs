/** The machine a run happens on: what it is, and how busy others keep it (Linux; elsewhere unknown). */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import { ROOT } from '../build.mjs';

const TICKS = 100; // a second, in /proc
const sleep = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Processor seconds used so far by every process. */
function busy() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

/** This process and all below it. */
function family() {
  const parents = new Map();
  const seconds = new Map();
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = text
        .slice(text.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      parents.set(pid, fields[1]);
      seconds.set(pid, (fields[11] + fields[12] + fields[13] + fields[14]) / TICKS); // with those of children that have ended
    } catch {
      /* it has ended */
    }
  }
  const members = new Set([process.pid]);
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const [pid, parent] of parents) if (members.has(parent)) members.add(pid);
  }
  return { pids: [...members], seconds: [...members].reduce((sum, pid) => sum + (seconds.get(pid) ?? 0), 0) };
}

/** Starts a watch; the returned function gives the cores that others kept busy meanwhile, or null. */
export function watch() {
  if (!existsSync('/proc/stat')) return () => null;
  const begin = { time: performance.now(), busy: busy(), own: family().seconds };
  return () => {
    const wall = (performance.now() - begin.time) / 1000;
    return Math.max(0, (busy() - begin.busy - (family().seconds - begin.own)) / wall);
  };
}

/** Waits until others use less than `limit` cores for a second; gives up after `patience` seconds. */
export async function quiet(limit = 0.2, patience = 15) {
  for (const end = performance.now() + patience * 1000; ; ) {
    const stop = watch();
    await sleep(1000);
    const others = stop();
    if (others === null || others <= limit || performance.now() > end) return others;
  }
}

/** MiB of the largest resident set that any process of this family has had, but for this one. */
export function peakMiB() {
  const peaks = family()
    .pids.filter((pid) => pid !== process.pid)
    .map((pid) => {
      try {
        return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
      } catch {
        return 0;
      }
    });
  return Math.max(0, ...peaks);
}

const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();

/** The block that belongs beside every figure. */
export function environment(host) {
  const versions = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).devDependencies;
  let commit = 'unknown';
  try {
    commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? ' with local changes' : '');
  } catch {
    /* not a checkout */
  }
  return {
    date: new Date().toISOString(),
    commit,
    host,
    processor: os.cpus()[0]?.model.trim(),
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    onnxruntimeWeb: versions['onnxruntime-web'],
    wllama: versions['@wllama/wllama'],
  };
}
