/**
 * Reads and writes recorded runs: JSON of the form that `sedd sample --trace` writes. A trace may come from anywhere, so
 * nothing in it is trusted. The result is a new object with the known fields, each checked against its range. The number
 * of masks that a step states must match the masks that are left. Invalid traces are refused with one sentence.
 *
 *   {"format":"sedd-trace","version":1,"length","steps","seed","sampler","temperature","topK","topP","maskId",
 *    "draw"?,"positions"?,"order"?,"grid"?,"context"?,"gamma"?,"denoise"?,
 *    "initial":[id a position],"events":[{"step","sigma","masked","changed":[position],"ids":[id],"ms"?,"confidence"?}],
 *    "texts":{"id":"text"},"model"?:{"name","sha256"?},"held"?:[position]}
 *
 * Traces made before the settings of the second line were recorded lack them; positions may be the old word "fixed".
 */
import { SeddError } from '../errors.js';
import { FORMAT, recordRun } from './record.js';
import { WORDS, currentWord } from './sampling.js';

const HINT = 'Record the run again with "sedd sample --trace", or export it from the page.';
const LIMITS = { size: 32 << 20, length: 1 << 16, steps: 1e6, id: 2 ** 31 - 1, text: 4096, seed: 2n ** 64n };

/**
 * @typedef {object} TraceEvent
 * @property {number} step
 * @property {number} sigma
 * @property {number} masked
 * @property {number[]} changed
 * @property {number[]} ids
 * @property {number} [ms]
 * @property {number[]} [confidence]
 */
/**
 * @typedef {object} Trace
 * @property {'sedd-trace'} format
 * @property {1} version
 * @property {number} length
 * @property {number} steps
 * @property {string} seed
 * @property {string} sampler
 * @property {string} [draw]
 * @property {string} [positions]
 * @property {string} [order]
 * @property {string} [grid]
 * @property {string} [context]
 * @property {number} [gamma]
 * @property {boolean} [denoise]
 * @property {number} temperature
 * @property {number} topK
 * @property {number} topP
 * @property {number} maskId
 * @property {number[]} initial
 * @property {TraceEvent[]} events
 * @property {Record<string, string>} texts
 * @property {{name: string, sha256?: string}} [model]
 * @property {number[]} [held]
 */

/** Returns a value for a message, at most 40 characters. */
function shown(value) {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value && typeof value === 'object') return 'an object';
  return JSON.stringify(value)?.slice(0, 40) ?? 'nothing';
}

/** Reads fields, and refuses invalid ones by name. */
class Reader {
  constructor(name) {
    this.name = name;
  }

  refuse(place, expected, value) {
    throw new SeddError('format', `${this.name}: ${place} should be ${expected}; found ${shown(value)}.`, {
      hint: HINT,
    });
  }

  number(value, place, low, high, kind = 'number') {
    const fits = kind === 'number' ? typeof value === kind : Number.isInteger(value);
    if (!fits || !(value >= low && value <= high)) this.refuse(place, `a ${kind} from ${low} to ${high}`, value);
    return value;
  }

  whole(value, place, low, high) {
    return this.number(value, place, low, high, 'whole number');
  }

  text(value, place, limit = LIMITS.text) {
    if (typeof value !== 'string' || value.length > limit)
      this.refuse(place, `text of at most ${limit} characters`, typeof value === 'string' ? value.length : value);
    return value;
  }

  word(value, place, words) {
    if (!words.includes(value)) this.refuse(place, words.join(' or '), value);
    return value;
  }

  object(value, place) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) this.refuse(place, 'an object', value);
    return value;
  }

  list(value, place, low, high) {
    if (!Array.isArray(value) || value.length < low || value.length > high) {
      this.refuse(place, low === high ? `a list of ${low}` : `a list of ${low} to ${high}`, value);
    }
    return value;
  }

  wholes(value, place, count, low, high) {
    return this.list(value, place, count, count).map((item, i) => this.whole(item, `${place}[${i}]`, low, high));
  }

  positions(value, place, length) {
    const found = this.wholes(this.list(value, place, 0, length), place, value.length, 0, length - 1);
    if (new Set(found).size !== found.length) this.refuse(place, 'a list without repetition', value);
    return found;
  }

  seed(value) {
    const digits =
      typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^\d{1,20}$/.test(value);
    if (!digits || BigInt(value) < 0n || BigInt(value) >= LIMITS.seed)
      this.refuse('seed', 'a whole number from 0 to 18446744073709551615', value);
    return String(value);
  }
}

function readEvent(read, value, index, { length, previous }) {
  const place = `events[${index}]`;
  const event = read.object(value, place);
  const changed = read.positions(event.changed, `${place}.changed`, length);
  const result = {
    step: read.whole(event.step, `${place}.step`, previous + 1, LIMITS.steps + 1),
    sigma: read.number(event.sigma, `${place}.sigma`, 0, 1e6),
    masked: read.whole(event.masked, `${place}.masked`, 0, length),
    changed,
    ids: read.wholes(event.ids, `${place}.ids`, changed.length, 0, LIMITS.id),
  };
  if (event.ms !== undefined) result.ms = read.number(event.ms, `${place}.ms`, 0, 1e9);
  if (event.confidence !== undefined) {
    result.confidence = read
      .list(event.confidence, `${place}.confidence`, changed.length, changed.length)
      .map((one, i) => read.number(one, `${place}.confidence[${i}]`, 0, 1));
  }
  return result;
}

/** Reads the events, and checks the number of masks after each. */
function readEvents(read, value, { length, maskId, initial }) {
  const ids = [...initial];
  let masked = ids.filter((id) => id === maskId).length;
  let previous = -1;
  return read.list(value, 'events', 0, LIMITS.steps + 1).map((one, index) => {
    const event = readEvent(read, one, index, { length, previous });
    previous = event.step;
    event.changed.forEach((position, i) => {
      masked += (event.ids[i] === maskId ? 1 : 0) - (ids[position] === maskId ? 1 : 0);
      ids[position] = event.ids[i];
    });
    if (event.masked !== masked)
      read.refuse(`events[${index}].masked`, `${masked}, the masks left after this step`, event.masked);
    return event;
  });
}

/** Returns the settings of the run that the trace names. */
function readSettings(read, data) {
  const settings = {
    sampler: read.text(data.sampler, 'sampler', 64),
    temperature: read.number(data.temperature, 'temperature', 0, 1000),
    topK: read.whole(data.topK, 'topK', 0, LIMITS.id),
    topP: read.number(data.topP, 'topP', 0, 1),
  };
  for (const name of ['draw', 'positions', 'order', 'grid', 'context']) {
    if (data[name] !== undefined) settings[name] = read.word(currentWord(data[name]), name, WORDS[name]);
  }
  if (data.gamma !== undefined) settings.gamma = read.number(data.gamma, 'gamma', 0, 1e9);
  if (data.denoise !== undefined) settings.denoise = read.word(data.denoise, 'denoise', [true, false]);
  return settings;
}

function readTexts(read, value) {
  const texts = {};
  for (const [id, text] of Object.entries(read.object(value, 'texts'))) {
    if (!/^\d{1,10}$/.test(id)) read.refuse('texts', 'keyed by token ids', id);
    texts[id] = read.text(text, `texts["${id}"]`);
  }
  return texts;
}

function parse(source, name) {
  if (typeof source !== 'string') return source;
  if (source.length > LIMITS.size)
    throw new SeddError('content', `${name} has more than ${LIMITS.size} characters, more than any trace.`);
  if (/^\s*<(!doctype|html)/i.test(source)) throw new SeddError('content', `${name} is a web page, not a trace.`);
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new SeddError('format', `${name} is not valid JSON: ${cause.message}.`, { hint: HINT, cause });
  }
}

/**
 * @param {string|object} source the file's text, or its parsed JSON
 * @param {string} [name] its name in messages
 * @returns {Trace} a checked copy
 */
export function readTrace(source, name = 'The trace') {
  const read = new Reader(name);
  const data = read.object(parse(source, name), 'the file');
  if (data.format !== FORMAT.format) read.refuse('format', `"${FORMAT.format}"`, data.format);
  if (data.version !== FORMAT.version) read.refuse('version', String(FORMAT.version), data.version);
  const length = read.whole(data.length, 'length', 1, LIMITS.length);
  const maskId = read.whole(data.maskId, 'maskId', -1, LIMITS.id); // -1: a graph without masks
  const initial = read.wholes(data.initial, 'initial', length, 0, LIMITS.id);
  /** @type {Trace} */
  const trace = {
    ...FORMAT,
    length,
    steps: read.whole(data.steps, 'steps', 1, LIMITS.steps),
    seed: read.seed(data.seed),
    ...readSettings(read, data),
    maskId,
    initial,
    events: readEvents(read, data.events, { length, maskId, initial }),
    texts: readTexts(read, data.texts),
  };
  if (data.held !== undefined) trace.held = read.positions(data.held, 'held', length);
  if (data.model !== undefined) {
    const { name: called, sha256 } = read.object(data.model, 'model');
    trace.model = { name: read.text(called, 'model.name') };
    if (sha256 !== undefined) {
      if (!/^[0-9a-f]{64}$/i.test(sha256)) read.refuse('model.sha256', '64 hexadecimal digits', sha256);
      trace.model.sha256 = sha256;
    }
  }
  return trace;
}

/** Returns the text of the file, with one line for each event. @param {Trace} trace @returns {string} */
export function writeTrace(trace) {
  const { initial, events, texts, ...head } = readTrace(trace);
  const begin = JSON.stringify(head).slice(0, -1);
  return `${begin},\n"initial":${JSON.stringify(initial)},\n"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n],\n"texts":${JSON.stringify(texts)}}\n`;
}

/**
 * Returns the trace of a run.
 * @param {import('../view/history.js').History} history with the run's settings
 * @param {{maskId: number, model?: {name: string, sha256?: string}}} about
 * @returns {Trace}
 */
export const traceOf = (history, { maskId, model }) =>
  readTrace(
    recordRun({ ...history.at(0), settings: history.settings, held: history.held }, history.events(), {
      info: { maskId },
      source: model,
    }),
  );

/**
 * Fetches and reads a trace.
 * @param {string} url absolute
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Trace>}
 */
export async function fetchTrace(url, { signal } = {}) {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new SeddError('network', `${url} answered ${response.status}.`, { url });
    return readTrace(await limited(response), url);
  } catch (cause) {
    if (cause.name === 'AbortError' || cause instanceof SeddError) throw cause;
    throw new SeddError('network', `${url} could not be fetched: ${cause.message}.`, {
      hint: 'Check the connection, and that the server allows this page (CORS).',
      url,
      cause,
    });
  }
}

/** Reads the body as text. Fails once it is longer than any trace, because it may have no end. */
async function limited(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ; ) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > LIMITS.size) {
      reader.cancel().catch(() => {});
      return text;
    }
  }
}
