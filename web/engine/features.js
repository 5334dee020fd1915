/**
 * Finds out what this browser can run, without a download. It validates tiny modules and checks one value of the
 * relaxed dot products, because some engines accept the opcode and compute a wrong result.
 */

/** Returns a module with one function, given its body, that has no parameters and returns an i32. */
const moduleOf = (body) =>
  new Uint8Array([
    0,
    97,
    115,
    109,
    1,
    0,
    0,
    0, // magic, version
    1,
    5,
    1,
    96,
    0,
    1,
    127, // type: () -> i32
    3,
    2,
    1,
    0, // one function of that type
    7,
    5,
    1,
    1,
    102,
    0,
    0, // exported as "f"
    10,
    body.length + 4,
    1,
    body.length + 2,
    0,
    ...body,
    11,
  ]);

const splat8 = (value) => [65, ...signed(value), 253, 15]; // i32.const value, i8x16.splat
const signed = (value) => (value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, (value >> 7) & 127]);
const lane0 = [253, 27, 0]; // i32x4.extract_lane 0
const zero = [65, 0, 253, 17]; // i32x4.splat 0

const SIMD = moduleOf([...zero, ...lane0]);
// i32x4.relaxed_dot_i8x16_i7x16_add_s(-3, 100, 0) = 4 * -300
const DOT = moduleOf([...splat8(-3), ...splat8(100), ...zero, 253, 147, 2, ...lane0]);
// i16x8.relaxed_dot_i8x16_i7x16_s(-3, 100) = 2 * -300 in each half of a 32-bit lane
const DOT16 = moduleOf([...splat8(-3), ...splat8(100), 253, 146, 2, ...lane0]);
// f32x4.relaxed_madd
const MADD = moduleOf([...zero, ...zero, ...zero, 253, 133, 2, ...lane0]);

/** Returns true if a content security policy blocks WebAssembly: the browser validates modules but compiles none. */
function forbidden() {
  if (!globalThis.WebAssembly?.validate(SIMD)) return false;
  try {
    new WebAssembly.Module(SIMD);
    return false;
  } catch {
    return true;
  }
}

const runs = (bytes, expected) => {
  try {
    if (!WebAssembly.validate(bytes)) return false;
    const { f } = /** @type {{f: () => number}} */ (
      /** @type {unknown} */ (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports)
    );
    return f() === expected;
  } catch {
    return false;
  }
};

/**
 * Returns what this browser can run, and the reasons if it cannot run everything. Downloads nothing.
 * @example
 *   const { wasm, threads, cores, reasons } = probe();
 *   console.log(wasm, threads, cores, reasons.join(' '));
 * @returns {{wasm: 'relaxed'|'simd'|null, threads: boolean, cores: number, reasons: string[]}}
 *   the best build, whether threads can be used, and why not more
 */
export function probe() {
  const reasons = [];
  const simd = runs(SIMD, 0);
  const relaxed = simd && runs(DOT, -1200) && runs(DOT16, (-600 << 16) | (-600 & 0xffff)) && runs(MADD, 0);
  if (forbidden())
    reasons.push("This page's content security policy forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src.");
  else if (!simd) reasons.push('This browser has no WebAssembly SIMD, which the engine needs.');
  else if (!relaxed)
    reasons.push('This browser has no relaxed SIMD (or computes it wrongly); the plain SIMD build runs.');
  const isolated = globalThis.crossOriginIsolated === true || typeof globalThis['process'] === 'object';
  const threads = isolated && typeof SharedArrayBuffer === 'function';
  if (!threads) reasons.push('The page is not cross-origin isolated (COOP and COEP headers), so one thread is used.');
  return {
    wasm: relaxed ? 'relaxed' : simd ? 'simd' : null,
    threads,
    cores: globalThis.navigator?.hardwareConcurrency ?? 1,
    reasons,
  };
}
