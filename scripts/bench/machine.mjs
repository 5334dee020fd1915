/** Describes the machine of a run and measures how busy other programs keep it (on Linux; elsewhere unknown). */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../build.mjs';

const TICKS = 100; // clock ticks a second in /proc

/** Returns the processor seconds that all processes together have used so far. */
function busy() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

/** Returns this process and all its descendants. */
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
      seconds.set(pid, (fields[11] + fields[12] + fields[13] + fields[14]) / TICKS); // includes children that have ended
    } catch {
      /* the process has ended */
    }
  }
  const members = new Set([process.pid]);
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const [pid, parent] of parents) if (members.has(parent)) members.add(pid);
  }
  return { pids: [...members], seconds: [...members].reduce((sum, pid) => sum + (seconds.get(pid) ?? 0), 0) };
}

/** Starts to watch other programs. The returned function gives the cores they have kept busy since, or null where that is unknown. */
export function watch() {
  if (!existsSync('/proc/stat')) return () => null;
  const begin = { time: performance.now(), busy: busy(), own: family().seconds };
  return () => {
    const wall = (performance.now() - begin.time) / 1000;
    return Math.max(0, (busy() - begin.busy - (family().seconds - begin.own)) / wall);
  };
}

/** Waits until other programs use less than `limit` cores for a second. Gives up after `seconds`. */
export async function quiet(limit = 0.2, seconds = 15) {
  for (const end = performance.now() + seconds * 1000; ; ) {
    const stop = watch();
    await sleep(1000);
    const others = stop();
    if (others === null || others <= limit || performance.now() > end) return others;
  }
}

/** Returns the largest resident set, in MiB, that any descendant of this process has had. */
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

/** Returns the processor's name, and the dot products that decide how an engine can run int8 (on Linux; elsewhere the name). */
function processor() {
  const name = os.cpus()[0]?.model.trim();
  if (!existsSync('/proc/cpuinfo')) return name;
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
  return [name, ...['avx512_vnni', 'avx_vnni', 'avx_vnni_int8'].filter((flag) => flags.includes(flag))].join(' + ');
}

/** Returns the description of machine and versions that belongs beside every figure. */
export function environment(host) {
  const versions = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).devDependencies;
  let commit = 'unknown';
  try {
    commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? ' with local changes' : '');
  } catch {
    /* this folder is not a git checkout */
  }
  return {
    date: new Date().toISOString(),
    commit,
    host,
    processor: processor(),
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    onnxruntimeWeb: versions['onnxruntime-web'],
    wllama: versions['@wllama/wllama'],
    litert: versions['@litertjs/core'],
  };
}
