/**
 * Times whole texts of 128 tokens, in turns: a GPT-2 with its cache, this engine's and the peer's, and a SEDD of the same size in a few steps.
 * The SEDD writes in three ways: as published; with planned positions, where the last block and the head compute only the rows that open; and
 * with the known context, where the network reads only those rows and the known tokens. Each time is that of a whole call, not a sum of steps.
 */
import { idsFor } from './check.mjs';
import { watch, quiet } from './machine.mjs';
import { Contender, Turns } from './run.mjs';
import { TEXT_PEERS, TEXT_STEPS, TEXT_TOKENS, TEXT_WRITER, TEXTS, WAYS } from './works.mjs';

const SEED = 1;
const PROMPT = 'A'; // a single token in every vocabulary here

/** Writes a text with this engine's GPT-2. It reads the prompt within its time, so it makes as many evaluations as the text has tokens. */
const ownTwin = (contender) => (seed) => contender.call('write', { prompt: PROMPT, tokens: TEXT_TOKENS, seed });
/** Writes a text with a peer's GPT-2. It has read the prompt before; a cache of 128 positions then holds one token less. */
const peerTwin = (contender) => async () =>
  (await contender.call('decode', idsFor(contender.model, 1), TEXT_TOKENS - 1)).ms * TEXT_TOKENS;
const denoise = (contender, steps, way) => (seed) =>
  contender.call('write', { length: TEXT_TOKENS, steps, seed, ...WAYS[way] });

/**
 * Returns results {name, engine, dtype, kernels, threads, writer, steps?, way?, times, ...}; the times of round i are at index i in each.
 * @param {keyof typeof TEXTS} name
 * @param {{peers: boolean, rounds?: number, quietSeconds: number, log: (line: string) => void}} options
 */
export async function* runTexts(host, name, threads, options) {
  const { sedd, gpt2, rounds } = TEXTS[name];
  const open = (model, item) => new Contender(host, model, item, threads, TEXT_TOKENS);
  const twin = open(gpt2, TEXT_WRITER);
  const denoiser = open(sedd, TEXT_WRITER);
  const peers = (options.peers ? TEXT_PEERS : []).map((item) => open(gpt2, item));
  const writers = [
    ...peers.map((contender) => ({ contender, about: { writer: 'gpt2' }, write: peerTwin(contender) })),
    { contender: twin, about: { writer: 'gpt2' }, write: ownTwin(twin) },
    ...Object.keys(WAYS).flatMap((way) =>
      TEXT_STEPS.map((steps) => ({
        contender: denoiser,
        about: { writer: 'sedd', way, steps },
        write: denoise(denoiser, steps, way),
      })),
    ),
  ].map((writer) => ({ ...writer, turns: new Turns(writer.contender, { ...options, budget: Infinity }) }));
  try {
    for (const { turns, write } of writers) await turns.guard(() => write(SEED)); // warm-up
    const before = options.quietSeconds ? await quiet(0.2, options.quietSeconds) : null;
    const stop = watch();
    for (let round = 0; round < (options.rounds ?? rounds); round++) {
      for (const { turns, write } of writers) await turns.take(() => write(SEED + 1 + round));
    }
    const others = stop();
    options.log(
      `${name}, ${threads} threads: ${writers.map(({ turns, about }) => `${about.writer} ${about.way ?? ''} ${about.steps ?? ''} ${turns.failed || Math.min(...turns.times).toPrecision(4)}`).join(', ')}`,
    );
    yield writers.map(({ contender: { engine, dtype, kernels, threads: count }, about, turns }) => ({
      name,
      engine,
      dtype,
      kernels,
      threads: count,
      times: turns.times,
      failed: turns.failed,
      others,
      before,
      more: about,
    }));
  } finally {
    for (const contender of [twin, denoiser, ...peers]) await contender.drop();
  }
}
