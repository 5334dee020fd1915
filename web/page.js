/** The demo page: two models, one form, a grid for each, a timeline. */
import { escapeText, loadGPT2, loadSEDD, probe } from './client.js';
import { History, TokenGrid } from './grid.js';
import words from './strings/en.js';

const $ = (id) => document.getElementById(id);
const form = $('form');
const grid = new TokenGrid($('grid'), words);
const twinGrid = $('twin-text');

let sedd;
let gpt2;
let current; // AbortController of the run under way
let history;

const say = (id, text) => { $(id).textContent = text; };
const round = (ms) => (ms < 10 ? ms.toFixed(1) : Math.round(ms));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The form as options, and as a link. */
function settings() {
  const data = new FormData(form);
  const number = (name) => Number(data.get(name));
  return {
    length: number('length'), steps: number('steps'), seed: number('seed'), temperature: number('temperature'), topP: number('topP'),
    prompt: String(data.get('prompt')), suffix: String(data.get('suffix')),
  };
}

function restoreSettings() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of given) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = value;
  }
}

function link() {
  const url = new URL(location.href);
  url.hash = new URLSearchParams(new FormData(form)).toString();
  return url.href;
}

/* ---- Timeline ---- */

function drawTimeline() {
  const slider = $('timeline');
  slider.max = String(history.steps.length - 1);
  slider.value = slider.max;
  slider.disabled = false;
}

$('timeline').addEventListener('input', () => {
  const index = Number($('timeline').value);
  history.show(grid, index);
  say('status', words.scrub(index, history.steps.length - 1));
});

/** Time of each step as bars, in one drawing. */
function drawTimes(times) {
  const canvas = $('times');
  const context = canvas.getContext('2d');
  const scale = globalThis.devicePixelRatio ?? 1;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = canvas.clientHeight * scale;
  const top = Math.max(...times, 1e-3);
  const width = canvas.width / times.length;
  context.fillStyle = getComputedStyle(canvas).color;
  times.forEach((ms, i) => {
    const height = (ms / top) * canvas.height;
    context.fillRect(i * width, canvas.height - height, Math.max(1, width - scale), height);
  });
  say('times-label', `${times.length} × ${round(median(times))} ms`);
}

/* ---- Runs ---- */

async function denoise(options, signal) {
  const { suffix, ...rest } = options;
  const prompt = escapeText(options.prompt) + (suffix ? `{*}${escapeText(suffix)}` : '');
  const run = sedd.sample({ ...rest, prompt, signal });
  let shown = 0;
  for await (const event of run) {
    if (event.start) {
      history = new History(event.texts, event.held);
      grid.reset(event.texts, event.held);
      continue;
    }
    history.add(event.positions, event.texts);
    grid.step(event.positions, event.texts);
    // A screen reader hears every eighth of the run, not every step.
    if (event.step - shown >= event.total / 8 || event.masked === 0) {
      shown = event.step;
      say('status', words.running(event.step, event.total, event.masked, options.length));
    }
  }
  const result = await run.result;
  const ms = result.timings.stepsMs.reduce((a, b) => a + b, 0);
  say('status', words.done(options.length, Math.round(ms), round(median(result.timings.stepsMs)), result.seed));
  $('output').value = result.text;
  drawTimeline();
  drawTimes(result.timings.stepsMs);
  return { ms, perStep: median(result.timings.stepsMs) };
}

async function writeTwin({ length, seed, temperature, topP, prompt }, signal) {
  twinGrid.textContent = prompt;
  const { ids } = await gpt2.tokenize(prompt);
  const tokens = Math.max(1, Math.min(length - ids.length, gpt2.info.length - Math.max(1, ids.length)));
  const run = gpt2.generate({ prompt, tokens, seed, temperature, topP, signal });
  for await (const event of run) {
    twinGrid.append(event.text ?? '');
    if (event.index % 32 === 0) say('twin-status', words.twinRunning(event.index + 1, tokens));
  }
  const result = await run.result;
  twinGrid.textContent = prompt + result.text;
  const ms = result.timings.prefillMs + result.timings.stepsMs.reduce((a, b) => a + b, 0);
  say('twin-status', words.twinDone(tokens, Math.round(ms), round(median(result.timings.stepsMs))));
  return { ms, tokens };
}

function busy(is) {
  $('run').disabled = is;
  $('stop').disabled = !is;
  document.body.classList.toggle('busy', is);
}

async function run() {
  current = new AbortController();
  const { signal } = current;
  busy(true);
  say('verdict', '');
  try {
    const options = settings();
    const first = await denoise(options, signal);
    const second = await writeTwin(options, signal); // one after the other, so that neither slows the other
    say('verdict', `${words.winner(first.ms, second.ms)} ${words.breakEven(Math.max(1, Math.round(second.ms / first.perStep)))}`);
  } catch (error) {
    say('status', error.name === 'AbortError' ? words.stopped : words.failed(error.message, error.hint));
  } finally {
    busy(false);
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!current || $('stop').disabled) run();
});
$('stop').addEventListener('click', () => current?.abort());
$('shuffle').addEventListener('click', () => {
  form.elements.namedItem('seed').value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
});
$('share').addEventListener('click', async () => {
  history && globalThis.history.replaceState(null, '', link());
  try {
    await navigator.clipboard.writeText(link());
    say('status', words.copied);
  } catch {
    location.hash = new URL(link()).hash;
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') current?.abort();
});

/* ---- The recorded run, then the live models ---- */

/** Plays a trace (sedd sample --trace) until the live model takes over. */
async function playRecorded(url, signal) {
  const trace = await (await fetch(url, { signal })).json();
  const text = (id) => (id === trace.maskId ? null : trace.texts[id] ?? '');
  history = new History(trace.initial.map(text), trace.initial.flatMap((id, i) => (id === trace.maskId ? [] : [i])));
  for (const event of trace.events) history.add(event.changed, event.ids.map(text));
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  for (let i = still ? history.steps.length - 1 : 0; i < history.steps.length && !signal.aborted; i++) {
    if (i === 0 || still) history.show(grid, i);
    else grid.step(history.steps[i].positions, history.steps[i].positions.map((p) => history.steps[i].texts[p]));
    await new Promise((resolve) => { setTimeout(resolve, 45); });
  }
  if (!signal.aborted) drawTimeline();
}

async function start() {
  restoreSettings();
  const recorded = new AbortController();
  playRecorded('models/sedd-nano/trace.json', recorded.signal).catch(() => {});
  form.addEventListener('submit', () => {
    recorded.abort();
    $('recorded').hidden = true;
  });
  const features = probe();
  const threads = features.threads ? Math.min(2, features.cores) : 1;
  say('environment', features.reasons.join(' '));
  try {
    const progress = (name) => ({ loaded, total }) => say('status', words.loading(name, total ? Math.round((100 * loaded) / total) : '…'));
    sedd = await loadSEDD('models/sedd-nano', { threads, onProgress: progress('SEDD') });
    gpt2 = await loadGPT2('models/gpt2-nano', { threads, onProgress: progress('GPT-2') });
    say('status', words.ready(Math.round(sedd.loadMs + gpt2.loadMs), sedd.kernels, sedd.threads));
    busy(false);
    document.body.dataset.ready = 'true';
  } catch (error) {
    say('status', words.failed(error.message, error.hint));
  }
}

start();
