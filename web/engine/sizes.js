/**
 * Computes how much memory a model needs before it is loaded, and whether this device has it.
 */
import { SeddError } from '../errors.js';
import { readDefaults } from './defaults.js';

const MB = 2 ** 20;
export const WASM_MAX = 2048 * MB; // limit of the modules, whose addresses are signed 32-bit numbers
export const ROOM = 64 * MB; // for the page itself and for pieces in transit
const QUANTISE_FROM = 64 * MB; // bytes of float weights from which on 'auto' quantises
export const DTYPES = { auto: 0, f32: 1, q8: 2 };

/** Returns what config.json says, and how the model writes if a call does not say. */
function describe(engine, config, dtype, generation) {
  const { module } = engine;
  const loader = engine.scoped((scope) =>
    engine.check(module._wasm_loader_new(scope.data(config), config.length, DTYPES[dtype])),
  );
  try {
    const info = engine.json(module._wasm_loader_describe(loader));
    return { info, defaults: info.kind === 'sedd' ? readDefaults(engine, loader, generation) : {} };
  } finally {
    module._sedd_loader_free(loader);
  }
}

/** Returns the bytes of a session of the model's full length, slightly more than core/model/session.c allocates. */
function scratchOf({ kind, hiddenSize: h, blocks, length, states }) {
  const rows = kind === 'sedd' ? length : Math.min(length, 256);
  const cache = kind === 'sedd' ? 0 : 2 * blocks * length * h * 4;
  return rows * h * 44 + cache + 8 * states * 4 + 8 * MB;
}

const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

/**
 * Returns the sizes by config.json alone, and the model's own defaults. 'auto' keeps the types of the file, except that float matrices of 64 MB and
 * more become int8.
 * @param {import('./engine.js').Engine} engine @param {Uint8Array} config @param {'auto'|'f32'|'q8'} dtype
 * @param {Uint8Array|null} [generation] generation_config.json
 */
export function predict(engine, config, dtype, generation) {
  if (!(dtype in DTYPES)) throw new SeddError('argument', `dtype is "${dtype}"; expected auto, f32 or q8.`);
  const plain = describe(engine, config, dtype, generation);
  const chosen = dtype === 'auto' && plain.info.weightBytes >= QUANTISE_FROM ? 'q8' : dtype;
  const { info, defaults } = chosen === dtype ? plain : describe(engine, config, chosen, generation);
  const memory = info.weightBytes + scratchOf(info) + ROOM;
  return { info, defaults, dtype: chosen, memory, ...judge(engine, config, info, memory) };
}

/** Returns the memory for a tab, about half of the device's. Only Chromium tells the latter, in coarse steps up to 8 GB. */
function judge(engine, config, info, memory) {
  const device = (globalThis.navigator?.deviceMemory ?? Infinity) * 1024 * MB;
  const limit = Math.min(WASM_MAX, device / 2);
  if (memory <= limit) return { fits: true, advice: '' };
  const need = `This model needs ${megabytes(memory)} of memory; ${limit === WASM_MAX ? 'one tab can use' : 'on this device a tab should use at most'} ${megabytes(limit)}.`;
  if (info.dtype === 'q8')
    return { fits: false, advice: `${need} Choose a smaller model, such as louaaron/sedd-small (about 310 MB).` };
  const less = predict(engine, config, 'q8');
  return {
    fits: false,
    advice: `${need} ${less.fits ? `As int8 (dtype: 'q8') it takes ${megabytes(less.memory)}.` : less.advice.replace(/^[^.]*\. /, '')}`,
  };
}

/** Returns the most memory that this model can need. A shared memory must declare its maximum when it is made, and phones refuse a large one. */
export const sharedMaximum = (memory) =>
  Math.min(WASM_MAX, Math.ceil((memory * 1.25 + 128 * MB) / (16 * MB)) * 16 * MB);
