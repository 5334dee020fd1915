// Loads full-size random checkpoints in Chromium from the stand-in hub. Measures memory, load time and step time, and compares numbers with the native tool.
// usage: node scripts/full-size.mjs [MODEL]... [--cuts | --texts] [--format safetensors|torch] [--folder build/full-size]
//   MODEL is sedd-small, sedd-medium, gpt2, gpt2-medium, or mdlm-, sdtt-, radd- or duo- with small or medium. It needs npm run build, npm run build:native and some GB of disk.
//   --cuts cuts downloads at 10, 50 and 99 %, resumes them, and counts the bytes that the server sent.
//   --texts times whole texts, each once, beside a GPT-2 of the same size with its cache: [--lengths 128,1024] [--steps 8,16,32,64] [--threads 1,2]
//   --generate only writes the models, so that a later call measures at once.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import { ROOT } from './build.mjs';
import { CHROMIUM } from './chromium.mjs';
import { generate } from './generate.mjs';
import { OFFICIAL, official } from './generate/official.mjs';
import { FAMILIES } from './generate/shapes.mjs';
import { Hub } from './hub.mjs';
import { serve } from './serve.mjs';
import { quantile } from '../web/client/statistics.js';

const args = process.argv.slice(2);
const value = (flag, fallback) => (args.includes(flag) ? args.splice(args.indexOf(flag), 2)[1] : fallback);
const work = path.resolve(value('--folder', path.join(ROOT, 'build/full-size')));
const format = value('--format', 'safetensors');
const flag = (name) => args.includes(name) && args.splice(args.indexOf(name), 1).length > 0;
const numbers = (name, fallback) => value(name, fallback).split(',').map(Number);
const [cuts, texts, onlyGenerate] = ['--cuts', '--texts', '--generate'].map(flag);
const [lengths, steps, threads] = [
  ['--lengths', '128,1024'],
  ['--steps', '8,16,32,64'],
  ['--threads', '1,2'],
].map(([name, usual]) => numbers(name, usual));
const names = args.length ? args : ['sedd-small'];
const known = ['gpt2', 'gpt2-medium', ...FAMILIES.flatMap((family) => [`${family}-small`, `${family}-medium`])];
if (
  !names.every((name) => known.includes(name)) ||
  !['safetensors', 'torch'].includes(format) ||
  ![...lengths, ...steps, ...threads].every((number) => Number.isInteger(number) && number > 0)
) {
  console.error(
    `usage: node scripts/full-size.mjs [${known.join('|')}]... [--cuts | --texts] [--lengths A,B] [--steps A,B] [--threads A,B] [--generate] [--format safetensors|torch] [--folder DIR]`,
  );
  process.exit(2);
}

const MASK = 50257; // DUO: [PAD], an ordinary state
const POSITIONS = [1, 3, 5];
const IDS = [464, MASK, 262, MASK, 318, MASK, 13, 198]; // three masks in a line of text
const SIGMA = 0.5;
const TOKENS = [464, 3290, 318, 257, 1332, 286, 262, 2746, 13, 632, 373, 2407, 257, 1110, 13, 198];
const TOOL = path.join(ROOT, 'build/native/sedd');

const mb = (bytes) => Math.round(bytes / 1e6);
const say = (line) => console.log(line);

/** Returns the highest resident size of a process so far, in bytes, or 0 after it has ended. Linux may miss a peak while it reclaims memory, so the present size counts, too. */
function peakOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (
      1024 *
      Math.max(...['VmHWM', 'VmRSS'].map((field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)))
    );
  } catch {
    return 0;
  }
}

/** Polls for the highest memory of any of these processes. @param {() => (string|number)[]} pids */
function watchMemory(pids) {
  let most = 0;
  const look = () => {
    most = Math.max(most, ...pids().map(peakOf));
  };
  const timer = setInterval(look, 10);
  return {
    peak: () => {
      look();
      return most;
    },
    end: () => clearInterval(timer),
  };
}

/* ---- Natively ---- */

function native(...words) {
  const result = spawnSync(TOOL, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout;
}

async function nativeLoad(folder) {
  const begin = performance.now();
  const child = spawn(TOOL, ['info', folder, '--dtype', 'q8'], { stdio: 'ignore' });
  const memory = watchMemory(() => [child.pid]);
  await new Promise((resolve) => {
    child.on('exit', resolve);
  });
  memory.end();
  return { ms: performance.now() - begin, peak: memory.peak() };
}

const nativeStep = (folder, length, runs, ...how) =>
  JSON.parse(
    native('bench', folder, '--dtype', 'q8', '--length', String(length), '--runs', String(runs), '--json', ...how),
  ).median_ms;
const nativeDenoise = (folder, length, runs) => nativeStep(folder, length, runs, '--steps', '1', '--no-denoise');
const nativeScores = (folder, dtype) =>
  JSON.parse(native('score', folder, '--ids', IDS.join(), '--sigma', String(SIGMA), '--dtype', dtype)).logscore;
const nativeNll = (folder, dtype) =>
  JSON.parse(native('nll', folder, '--ids', TOKENS.join(), '--dtype', dtype, '--json')).nats_per_token;

/* ---- In Chromium ---- */

/** Returns the renderers of this browser, which it finds by the folder of its profile. */
function renderers(profile) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return (
          line.includes('--type=renderer') &&
          readFileSync(`/proc/${parentOf(parentOf(pid))}/cmdline`, 'utf8').includes(profile)
        );
      } catch {
        return false;
      }
    });
}
const parentOf = (pid) => /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];

/** Turns off the network events of the debugging protocol, for which a renderer keeps a copy of every response and its base64. */
async function openBrowser(url) {
  const profile = mkdtempSync(path.join(work, 'profile-'));
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    userDataDir: profile,
    args: ['--no-sandbox'],
    networkEnabled: false,
    protocolTimeout: 0,
  });
  const page = await browser.newPage();
  await page.goto(`${url}README.md`);
  await page.evaluate(async () => {
    window.sedd = await import('/web/client.js');
  });
  const found = renderers(profile);
  const memory = watchMemory(() => found);
  return {
    page,
    peak: memory.peak,
    close: async () => {
      memory.end();
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

const inPage = {
  load: async ([kind, name, hub, retries, threadCount = 1]) => {
    const begin = performance.now();
    const phases = {};
    try {
      const model = await window.sedd[kind === 'sedd' ? 'loadSEDD' : 'loadGPT2'](`hub:${name}`, {
        hub,
        retries,
        threads: threadCount,
        onProgress: ({ phase }) => {
          phases[phase] ??= performance.now() - begin;
        },
      });
      window.model = model;
      return {
        ms: performance.now() - begin,
        phases,
        ...model.source,
        kernels: model.kernels,
        threads: model.threads,
        dtype: model.info.dtype,
        weights: model.info.weightBytes,
      };
    } catch (error) {
      return { failed: error.message };
    }
  },
  steps: async ([length, steps]) =>
    (await window.model.sample({ length, steps, seed: 1, denoise: false }).result).timings.stepsMs,
  text: async ([length, count]) => {
    const { timings } = await window.model.sample({ length, steps: count, seed: 1 }).result;
    return { ms: timings.totalMs - timings.waitMs, steps: timings.stepsMs };
  },
  tokens: async ([count]) => {
    const { timings } = await window.model.generate({ prompt: '', tokens: count, seed: 1 }).result;
    return timings.totalMs - timings.waitMs;
  },
  scores: async ([ids, sigma, places]) => {
    const { positions } = await window.model.inspect(ids, { sigma, positions: places, topK: window.model.info.tokens });
    return positions.map(({ position, candidates }) => ({
      position,
      scores: candidates.map(({ id, ratio }) => [id, Math.log(ratio)]),
    }));
  },
  nll: async ([ids]) => (await window.model.nll(ids)).natsPerToken,
  decode: async () => (await window.model.generate({ prompt: '', tokens: 24, seed: 1 }).result).timings.stepsMs,
  dispose: async () => window.model.dispose(),
};

const kindOf = (name) => (name.startsWith('gpt2') ? 'gpt2' : 'sedd');
const median = (values) => quantile(values, 0.5);

function compareScores(positions, folder) {
  const exact = nativeScores(folder, 'f32');
  const int8 = nativeScores(folder, 'q8');
  const worst = { page: 0, native: 0, between: 0, values: 0, spread: 0 };
  for (const { position, scores } of positions) {
    for (const [id, score] of scores) {
      worst.page = Math.max(worst.page, Math.abs(score - exact[position][id]));
      worst.native = Math.max(worst.native, Math.abs(int8[position][id] - exact[position][id]));
      worst.between = Math.max(worst.between, Math.abs(score - int8[position][id]));
      worst.values++;
    }
    const all = scores.map(([, score]) => score);
    worst.spread = Math.max(worst.spread, Math.max(...all) - Math.min(...all));
  }
  say(
    `  log-scores of ${positions.length} masks, ${worst.values} values over ${worst.spread.toFixed(1)} nats: page int8 to native f32 at most ${worst.page.toFixed(4)}, ` +
      `native int8 to native f32 ${worst.native.toFixed(4)}, page to native int8 ${worst.between.toFixed(4)}`,
  );
}

/* ---- One model ---- */

async function measure(name, folder, hub, url) {
  const kind = kindOf(name);
  const nativeLoaded = await nativeLoad(folder);
  const browser = await openBrowser(url);
  const { page } = browser;
  try {
    const idle = browser.peak();
    const first = await page.evaluate(inPage.load, [kind, `random/${name}`, hub.url]);
    if (first.failed) throw new Error(first.failed);
    const peak = browser.peak();
    say(
      `  load: page ${(first.ms / 1000).toFixed(1)} s (storing from ${(first.phases.keep / 1000).toFixed(1)} s on), native ${(nativeLoaded.ms / 1000).toFixed(1)} s; ${mb(hub.sent(path.basename(first.url)))} MB sent`,
    );
    say(
      `  memory: renderer at most ${mb(peak)} MB, ${mb(idle)} MB of it before the load, ${mb(first.weights)} MB the model: ${mb(peak - idle - first.weights)} MB over; native ${mb(nativeLoaded.peak)} MB; sha256 ${first.sha256.slice(0, 12)}, kernels ${first.kernels}, ${first.dtype}`,
    );
    if (kind === 'sedd') {
      for (const [length, steps] of [
        [128, 5],
        [1024, 2],
      ]) {
        const times = await page.evaluate(inPage.steps, [length, steps]);
        say(
          `  step at L ${length}: page ${median(times.slice(1)).toFixed(0)} ms, native ${nativeDenoise(folder, length, steps).toFixed(0)} ms`,
        );
      }
      compareScores(await page.evaluate(inPage.scores, [IDS, SIGMA, POSITIONS]), folder);
    } else {
      say(
        `  token with the cache: page ${median((await page.evaluate(inPage.decode)).slice(2)).toFixed(1)} ms, native ${nativeStep(folder, 64, 24).toFixed(1)} ms`,
      );
      const nll = [await page.evaluate(inPage.nll, [TOKENS]), nativeNll(folder, 'f32'), nativeNll(folder, 'q8')];
      say(
        `  -ln p of ${TOKENS.length} tokens, nats a token: page int8 ${nll[0].toFixed(5)}, native f32 ${nll[1].toFixed(5)}, native int8 ${nll[2].toFixed(5)}`,
      );
    }
    say(`  memory after that: renderer at most ${mb(browser.peak())} MB`);
    await page.evaluate(inPage.dispose);
    const again = await page.evaluate(inPage.load, [kind, `random/${name}`, hub.url]);
    const [{ size }] = await page.evaluate(() => window.sedd.store.list());
    say(
      `  next visit: ${(again.ms / 1000).toFixed(1)} s from ${mb(size)} MB in the store, ${again.fetched} bytes fetched`,
    );
  } finally {
    await browser.close();
  }
}

/** Loads a model for a page's texts. */
async function loadFor(page, name, hub, count) {
  const loaded = await page.evaluate(inPage.load, [kindOf(name), `random/${name}`, hub.url, 3, count]);
  if (loaded.failed) throw new Error(loaded.failed);
  if (loaded.threads !== count) throw new Error(`${name} runs on ${loaded.threads} threads instead of ${count}`);
}

/** Times whole texts of a model and of the GPT-2 of its size, each once after a short text that warms up. */
async function measureTexts(name, hub, url) {
  const twin = name.endsWith('medium') ? 'gpt2-medium' : 'gpt2';
  const { page, close } = await openBrowser(url);
  try {
    for (const count of threads) {
      const tokenTimes = {};
      await loadFor(page, twin, hub, count);
      await page.evaluate(inPage.tokens, [8]);
      for (const length of lengths) tokenTimes[length] = await page.evaluate(inPage.tokens, [length]);
      await page.evaluate(inPage.dispose);
      await loadFor(page, name, hub, count);
      for (const length of lengths) {
        await page.evaluate(inPage.text, [length, 2]);
        say(
          `  ${count} thread${count > 1 ? 's' : ''}, ${length} tokens: ${twin} ${(tokenTimes[length] / 1000).toFixed(2)} s`,
        );
        for (const asked of steps) {
          const { ms, steps: each } = await page.evaluate(inPage.text, [length, asked]);
          const run = each.filter((step) => step > median(each) / 5); // the others run no network
          say(
            `    ${asked} steps: ${(ms / 1000).toFixed(2)} s in ${run.length} evaluations of ${median(run).toFixed(0)} ms, ${(ms / tokenTimes[length]).toFixed(1)} times ${twin}`,
          );
        }
      }
      await page.evaluate(inPage.dispose);
    }
  } finally {
    await close();
  }
}

async function measureCuts(name, folder, hub, url, file) {
  const { size } = statSync(path.join(folder, file));
  for (const share of [0.1, 0.5, 0.99]) {
    hub.log.length = 0;
    const browser = await openBrowser(url);
    try {
      hub.fail(file, 'cut', Math.floor(size * share), 1);
      const cut = await browser.page.evaluate(inPage.load, ['sedd', `random/${name}`, hub.url, 0]);
      const before = hub.sent(file);
      const { sha256, stored } = await browser.page.evaluate(inPage.load, ['sedd', `random/${name}`, hub.url, 0]);
      const after = hub.sent(file) - before;
      say(
        `  cut at ${100 * share} %: "${cut.failed.split(':')[0]}"; sent ${before} + ${after} = ${before + after} of ${size} bytes (${before + after - size} twice), sha256 ${sha256.slice(0, 12)}, stored ${stored}`,
      );
    } finally {
      hub.heal();
      await browser.close();
    }
  }
}

const DONE = 'README.md'; // written last

/** Writes a random model unless it is there. Returns its folder. */
function folderOf(name) {
  const folder = path.join(work, format === 'torch' ? `${name}-torch` : name);
  const [repository] = Object.entries(OFFICIAL).find(([, shape]) => shape === name) ?? [];
  if (existsSync(path.join(folder, DONE))) return folder;
  if (repository) official(folder, repository, { format });
  else {
    generate(folder, { shape: name, dtype: 'f32', format });
    writeFileSync(path.join(folder, DONE), `# ${name}\n`);
  }
  return folder;
}

/** Starts a hub with these models. It hashes their files now, not while a load is timed. */
async function hubOf(models) {
  const hub = await new Hub({
    ...Object.fromEntries(models.map((name) => [`random/${name}`, folderOf(name)])),
    gpt2: path.join(ROOT, 'tests/golden/gpt2-tokenizer'),
  }).start();
  for (const name of models) await fetch(`${hub.url}api/models/random/${name}/revision/main?blobs=true`);
  return hub;
}

const server = await serve({ isolation: texts }); // threads need an isolated page
for (const name of names) {
  const folder = folderOf(name);
  const file = format === 'torch' ? 'pytorch_model.bin' : 'model.safetensors';
  const twin = texts ? [name.endsWith('medium') ? 'gpt2-medium' : 'gpt2'] : [];
  say(`${name}: ${file} of ${mb(statSync(path.join(folder, file)).size)} MB`);
  twin.forEach(folderOf);
  if (onlyGenerate) continue;
  const hub = await hubOf([name, ...twin]);
  try {
    if (texts) await measureTexts(name, hub, server.url);
    else if (cuts) await measureCuts(name, folder, hub, server.url, file);
    else await measure(name, folder, hub, server.url);
  } finally {
    await hub.close();
  }
}
await server.close();
