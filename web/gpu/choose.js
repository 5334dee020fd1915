/**
 * Chooses between the two kernels of the int8 product. Times both on this device with one of the network's matrices.
 */
import { PRODUCT_TILE, product } from './kernels/product.js';

const TIMES = 8; // dispatches per measurement
const ROWS = 128;

/** Measures one submission of TIMES dispatches, in milliseconds. */
async function time(network, operation, rows, out) {
  const { runner } = network;
  runner.begin();
  for (let i = 0; i < TIMES; i++)
    runner.dispatch(operation, 0, Math.ceil(out / PRODUCT_TILE.channels), Math.ceil(rows / PRODUCT_TILE.rows));
  const begin = performance.now();
  await runner.finish();
  return performance.now() - begin;
}

/**
 * Sets the device's feature `tiles` to true if tiles in workgroup memory are faster. A software renderer, on which
 * barriers are slow, keeps the direct kernel.
 * @param {import('./network.js').Network} network its weights must be uploaded
 */
export async function chooseProduct(network) {
  const { gpu, rows: most } = network;
  const weights = network.weights('block.0.mlpIn');
  if (gpu.alone || weights.dtype !== 'q8') return;
  const rows = Math.min(ROWS, most);
  network.writeSpans([{ rows }]);
  const times = [];
  for (const tiles of [false, true]) {
    const operation = await network.productBy(
      product('q8', { ...gpu.features, tiles }),
      network.hidden,
      weights,
      network.inner,
    );
    await time(network, operation, rows, weights.out); // the first run may include compilation
    times.push(
      Math.min(await time(network, operation, rows, weights.out), await time(network, operation, rows, weights.out)),
    );
  }
  gpu.features.tiles = times[1] < times[0];
}
