// Writes a checkpoint of random weights with the official names and shapes, as safetensors or as torch saves it.
// usage: node scripts/generate.mjs DIR [--shape sedd-small|sedd-medium|gpt2|gpt2-medium|...] [--dtype f32|i8] [--format safetensors|torch] [--seed N]
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors, writeTorch } from './generate/containers.mjs';
import { SHAPES, configOf, tensorsOf } from './generate/shapes.mjs';

const PIECE = 1 << 20; // values written at a time
const FORMATS = { safetensors: ['model.safetensors', writeSafetensors], torch: ['pytorch_model.bin', writeTorch] };

/** Returns an int8 weight from -126 to 126 with standard deviation 37, the distribution of a trained matrix whose rows are scaled to their largest value. */
const bell = (bits) => (bits & 63) + ((bits >> 8) & 63) + ((bits >> 16) & 63) + ((bits >>> 24) & 63) - 126;

/** Returns a causal mask of `length` rows, with ones up to the diagonal. */
function* causal(length) {
  for (let row = 0; row < length; row++) yield new Uint8Array(new Float32Array(length).fill(1, 0, row + 1).buffer);
}

/** Yields the data of one tensor after another, from xorshift32, which is fast and gives the same numbers everywhere. */
function randomData(seed) {
  let state = seed >>> 0 || 1;
  const random32 = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return function* data({ count, dtype, centre, spread, mask }) {
    if (mask) return yield* causal(Math.sqrt(count));
    for (let first = 0; first < count; first += PIECE) {
      const size = Math.min(PIECE, count - first);
      const piece = dtype === 'I8' ? new Int8Array(size) : new Float32Array(size);
      for (let i = 0; i < size; i++)
        piece[i] = dtype === 'I8' ? bell(random32()) : centre + spread * (random32() / 2 ** 31 - 1);
      yield new Uint8Array(piece.buffer);
    }
  };
}

/** @returns {string} the path of the weights */
export function generate(folder, { shape = 'sedd-small', dtype = 'i8', format = 'safetensors', seed = 1 } = {}) {
  const [name, write] = FORMATS[format];
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'config.json'), `${JSON.stringify(configOf(shape), null, 1)}\n`);
  write(path.join(folder, name), tensorsOf(shape, dtype === 'i8'), randomData(seed));
  return path.join(folder, name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...flags] = process.argv.slice(2);
  const value = (flag, fallback) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : fallback);
  const options = {
    shape: value('--shape', 'sedd-small'),
    dtype: value('--dtype', 'i8'),
    format: value('--format', 'safetensors'),
    seed: Number(value('--seed', 1)),
  };
  if (
    !folder ||
    folder.startsWith('--') ||
    !(options.shape in SHAPES) ||
    !['f32', 'i8'].includes(options.dtype) ||
    !(options.format in FORMATS)
  ) {
    console.error(
      `usage: node scripts/generate.mjs DIR [--shape ${Object.keys(SHAPES).join('|')}] [--dtype f32|i8] [--format safetensors|torch] [--seed N]`,
    );
    process.exit(2);
  }
  console.log(
    `${folder}: ${options.shape}, ${options.dtype}, ${(statSync(generate(folder, options)).size / 1e6).toFixed(0)} MB`,
  );
}
