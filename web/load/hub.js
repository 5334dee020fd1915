/**
 * Reads models from the hub by "owner/name". One request lists a repository's files with their sizes and, for
 * large ones, their sha256. The files themselves are at OWNER/NAME/resolve/COMMIT/FILE, which redirects to their
 * storage. A plain mirror has no such list, so each file is requested by its name.
 */
import { SeddError } from '../errors.js';
import { fetchWhole } from './requests.js';

/** The address of the hub. The option `hub` replaces it, for mirrors and tests. */
export const HUB = 'https://huggingface.co/';
/** The repository of the tokenizer for models that come without one. SEDD was trained on GPT-2's tokens. */
export const TOKENIZER_REPOSITORY = 'gpt2';
export const WEIGHTS = ['model.safetensors', 'pytorch_model.bin'];

/** Names of the indexes of weights in several parts. */
export const PART = /-\d{5}-of-\d{5}\.\w+$|\.(safetensors|bin)\.index\.json$/;

/** Returns the error for weights in several parts (shards). */
export const partsError = (name, url = '') =>
  new SeddError(
    'unsupported',
    `${name} has its weights in several parts (shards); the engine reads models whose weights are in one file.`,
    {
      hint: 'Save it again in one file (save_pretrained with a large max_shard_size), or join the parts.',
      url,
    },
  );

export const NAME = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;
/** A name, and optionally a branch, tag or commit after an @. */
export const ID = /^([A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)?)(?:@([\w./-]+))?$/;

/** Repositories with one model per branch, and the branch that is used if none is named. */
const BRANCHES = { 'jdeschena/sdtt': 'baselines_kld_step_70000' };

/** SDTT's students of distillation round r write in 1024 / 2^r steps. The branch names the round. */
const ROUND = /_step_([1-7])0000$/;

/** Returns how a published model is meant to write, in the words of generation_config.json, which its repository lacks. @param {{name: string, revision: string}} repository */
function writingOf({ name, revision }) {
  if (name === 's-sahoo/duo-distilled') return { steps: 32 };
  if (name !== 'jdeschena/sdtt') return null;
  if (revision.startsWith('teacher_')) return { steps: 64 };
  const round = ROUND.exec(revision)?.[1];
  return round ? { steps: Math.max(32, 1024 >> Number(round)) } : null;
}

export class Repository {
  /** @param {string} name @param {{hub?: string, revision?: string}} [options] */
  constructor(name, { hub = HUB, revision = BRANCHES[name] ?? 'main' } = {}) {
    if (!NAME.test(name))
      throw new SeddError('argument', `"${name}" is not the name of a model on the hub; expected owner/name.`);
    this.name = name;
    this.hub = hub.replace(/\/?$/, '/');
    this.revision = revision;
    this.commit = revision;
    /** @type {Map<string, {size: number, sha256: string}> | null} null: unknown */
    this.files = null;
  }

  url(file) {
    return `${this.hub}${this.name}/resolve/${encodeURIComponent(this.commit)}/${file}`;
  }

  /** Reads the list of files. From then on, all files come from one commit. @param {import('./requests.js').RetryPolicy} retryPolicy */
  async list(retryPolicy) {
    const url = `${this.hub}api/models/${this.name}/revision/${encodeURIComponent(this.revision)}?blobs=true`;
    let answer;
    try {
      answer = JSON.parse(new TextDecoder().decode(await fetchWhole(url, retryPolicy)));
    } catch (error) {
      if (error.status === 404 || error.code === 'content' || error instanceof SyntaxError) return; // a mirror without lists
      if (error.status === 401 && !this.name.includes('/'))
        throw Object.assign(error, { hint: `Give the owner as well, as in owner/${this.name}.` });
      throw error;
    }
    if (!Array.isArray(answer?.siblings)) return;
    this.files = new Map(
      answer.siblings.map(({ rfilename, size, lfs }) => [
        String(rfilename),
        {
          size: Number(lfs?.size ?? size) || 0,
          sha256: /^[0-9a-f]{64}$/.test(lfs?.sha256) ? lfs.sha256 : '',
        },
      ]),
    );
    if (/^[0-9a-f]{7,64}$/.test(answer.sha)) this.commit = answer.sha;
    if (NAME.test(answer.id)) this.name = answer.id; // an old name was redirected
  }

  /** A generation_config.json for a model whose repository has none, or null. */
  get generation() {
    const writing = writingOf(this);
    return writing && new TextEncoder().encode(JSON.stringify(writing));
  }

  has(file) {
    return this.files?.has(file);
  }

  /** Returns the name of the file of weights, or undefined if the hub gave no list. */
  weights() {
    if (!this.files) return undefined;
    const found = WEIGHTS.find((file) => this.files.has(file));
    if (found) return found;
    const place = `${this.hub}${this.name}`;
    if ([...this.files.keys()].some((file) => PART.test(file))) throw partsError(this.name, place);
    throw new SeddError('unsupported', `${this.name} has neither model.safetensors nor pytorch_model.bin.`, {
      hint: 'Convert it with "sedd convert" and give the folder.',
      url: place,
    });
  }
}
