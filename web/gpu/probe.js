/**
 * Checks a device with known values before it is used: the rounding and the exponential that the kernels rely on, the
 * packed dot product (which WebKit has without listing it), and sums over subgroups. Also measures how long an empty
 * submission takes.
 */
import { GPUFault } from './fault.js';
import { EXP, MEETING, sums } from './kernels/shared.js';

const COPY_SRC = 4;
const STORAGE = 128;
const COPY_DST = 8;
const MAP_READ = 1;

const arithmetic = {
  name: 'probe',
  bindings: 'w',
  code: `${EXP}
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) i: u32) {
  let x = f32(i) * 0.5 - 1.5;
  y[i] = round(x);
  y[8u + i] = exponential(8.0 * x);
}
`,
};

const packed = {
  name: 'packed probe',
  bindings: 'w',
  code: `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) i: u32) {
  y[i] = f32(dot4I8Packed(0x7f017f00u + i, 0x8081ff7fu - 0x01000000u * i));
}
`,
};

const meeting = MEETING.subgroups;
/**
 * Computes sums and maxima over the threads of a workgroup. They are correct only if the threads of a subgroup are
 * neighbours.
 */
const subgroups = {
  name: 'subgroups probe',
  bindings: 'w',
  code: `${meeting.enable}
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
${sums('subgroups')}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32${meeting.argument}) {
  ${meeting.keep}
  y[lane] = sum_of(f32(lane * lane), lane);
  let largest = max_of(vec2(f32((lane * 37u) % 64u), -f32(lane)), lane);
  y[64u + lane] = largest.x - largest.y;
}
`,
};
const SUM_OF_SQUARES = 85344; // 0 + 1 + ... + 63 * 63
const LARGEST = 63;

/** Returns the dot product of two words of four signed bytes. @param {number} a @param {number} b */
function dot4(a, b) {
  const byte = (/** @type {number} */ word, /** @type {number} */ i) => (word << (24 - 8 * i)) >> 24;
  return [0, 1, 2, 3].reduce((sum, i) => sum + byte(a, i) * byte(b, i), 0);
}

/** Runs one workgroup of a kernel that writes `count` floats. */
async function values(gpu, kernel, count) {
  const { device } = gpu;
  const pipeline = await gpu.compiler.pipeline(kernel);
  const y = device.createBuffer({ size: 4 * count, usage: STORAGE | COPY_SRC });
  const copy = device.createBuffer({ size: 4 * count, usage: COPY_DST | MAP_READ });
  const group = device.createBindGroup({
    layout: gpu.compiler.layout(kernel.bindings),
    entries: [{ binding: 0, resource: { buffer: y } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(y, 0, copy, 0, 4 * count);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(MAP_READ);
  const got = new Float32Array(copy.getMappedRange().slice(0));
  y.destroy();
  copy.destroy();
  gpu.check();
  return [...got];
}

/** Returns true if a kernel compiles here and computes these values. @param {(i: number) => number} expected */
async function computes(gpu, kernel, count, expected) {
  try {
    return (await values(gpu, kernel, count)).every((value, i) => value === expected(i));
  } catch (error) {
    if (!(error instanceof GPUFault) || error.reason !== 'compile') throw error;
    return false;
  }
}

/** Sets the features and the latency of the device. @param {import('./device.js').Gpu} gpu */
export async function probe(gpu) {
  const got = await values(gpu, arithmetic, 16);
  const rounded = [-2, -1, 0, 0, 0, 1, 2, 2]; // -1.5, -1, ... 2: a half rounds to the even neighbour
  got.forEach((value, i) => {
    const expected = i < 8 ? rounded[i] : Math.exp(8 * ((i - 8) / 2 - 1.5));
    if (!(Math.abs(value - expected) <= 1e-6 * Math.abs(expected)))
      throw new GPUFault('wrong', `The graphics device computes ${value} where ${expected} is right.`);
  });
  gpu.features.dot4 = await computes(gpu, packed, 8, (i) => dot4(0x7f017f00 + i, 0x8081ff7f - 0x01000000 * i));
  gpu.features.subgroups =
    gpu.device.features.has('subgroups') &&
    (await computes(gpu, subgroups, 128, (i) => (i < 64 ? SUM_OF_SQUARES : LARGEST)));
  const start = performance.now();
  gpu.device.queue.submit([]);
  await gpu.device.queue.onSubmittedWorkDone();
  gpu.latency = performance.now() - start;
}
