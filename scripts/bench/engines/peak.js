/** Measures the processor's limits in wasm (peak.c) on one thread. For more threads, run several workers. */
import { read } from './files.js';

const ROWS = [4, 5, 6]; // rows of a tile
const OPERATIONS = 2 * 8 * 768; // of one row in one round
export const SIZES = { l1: 16 << 10, l2: 1 << 20, llc: 8 << 20, memory: 256 << 20 };
export const KERNELS = [
  'f32_simd128',
  'f32_relaxed',
  'int8_simd128',
  'int8_relaxed',
  'int8_relaxed16',
  ...Object.keys(SIZES),
];
const SLICES = 5; // the best one counts: a limit is a rate without disturbance

/** Returns the highest rate of `run(rounds)`, in units a nanosecond, over slices of about `ms`. Early calls run unoptimised and are too slow to count. */
function fastest(run, amount, ms) {
  let rounds = 1;
  let best = 0;
  for (let slice = 0; slice < SLICES; ) {
    const begin = performance.now();
    run(rounds);
    const took = performance.now() - begin;
    if (took < ms / 2) {
      rounds = Math.max(rounds + 1, Math.min(rounds * 8, Math.ceil((rounds * ms) / Math.max(took, 0.05))));
    } else {
      best = Math.max(best, (rounds * amount) / took / 1e6);
      slice++;
    }
  }
  return best;
}

class Peak {
  kernels = 'peak';
  threads = 1;

  constructor(exports) {
    this.exports = exports;
  }

  /** Returns giga-operations, or gigabytes read, a second. @param {string} name one of KERNELS @param {number} ms of each slice */
  rate(name, ms) {
    if (SIZES[name]) return fastest((rounds) => this.exports.read(rounds, SIZES[name]), SIZES[name], ms);
    return Math.max(...ROWS.map((rows) => fastest(this.exports[`${name}_${rows}`], rows * OPERATIONS, ms)));
  }
}

export async function open({ file }) {
  const { instance } = await WebAssembly.instantiate(await read(file), {});
  instance.exports.fill();
  return new Peak(instance.exports);
}
