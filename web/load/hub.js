/**
 * The hub: models by "owner/name". One request lists a repository's files with their sizes and, for
 * large ones, their sha256; the files themselves are at OWNER/NAME/resolve/COMMIT/FILE, which redirects
 * to wherever they are kept. A place without that list (a plain mirror) is asked file by file.
 */
import { SeddError } from '../errors.js';
import { fetchWhole } from './requests.js';

/** Where hub ids point; the option `hub` replaces it, for mirrors and tests. */
export const HUB = 'https://huggingface.co/';
/** Where the tokenizer is when a repository has none: SEDD was trained on GPT-2's tokens. */
export const TOKENIZER_REPOSITORY = 'gpt2';
export const WEIGHTS = ['model.safetensors', 'pytorch_model.bin'];

const NAME = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;

export class Repository {
  /** @param {string} name @param {{hub?: string, revision?: string}} [options] */
  constructor(name, { hub = HUB, revision = 'main' } = {}) {
    if (!NAME.test(name))
      throw new SeddError('argument', `"${name}" is no name of a model on the hub; expected owner/name.`);
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

  /** Reads the list of files; from then on all come from one commit. @param {import('./requests.js').RetryPolicy} retryPolicy */
  async list(retryPolicy) {
    const url = `${this.hub}api/models/${this.name}/revision/${encodeURIComponent(this.revision)}?blobs=true`;
    let answer;
    try {
      answer = JSON.parse(new TextDecoder().decode(await fetchWhole(url, retryPolicy)));
    } catch (error) {
      if (error.status === 404 || error.code === 'content' || error instanceof SyntaxError) return; // a mirror without lists
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
  }

  has(file) {
    return this.files?.has(file);
  }

  /** The name of the file of weights, or undefined where there is no list. */
  weights() {
    if (!this.files) return undefined;
    const found = WEIGHTS.find((file) => this.files.has(file));
    if (found) return found;
    const parts = [...this.files.keys()].some((file) => file.endsWith('.index.json'));
    throw new SeddError(
      'unsupported',
      parts
        ? `${this.name} has its weights in several parts; models of one file are read.`
        : `${this.name} has neither model.safetensors nor pytorch_model.bin.`,
      { hint: 'Convert it with "sedd convert" and give the folder.', url: `${this.hub}${this.name}` },
    );
  }
}
