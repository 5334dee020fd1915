/** Chooses between two forms of the int8 product by timing both on this device, on one of the network's own matrices. */
import { PRODUCT_TILE, product } from './kernels/product.js';

const TIMES = 8; // dispatches that are timed
const ROWS = 128;

/** Milliseconds of one submission of TIMES dispatches. */
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
 * Sets the device's feature `tiles`: true if tiles in workgroup memory are faster. A software renderer pays for barriers and keeps the
 * direct form.
 * @param {import('./network.js').Network} network whose weights are uploaded
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
    await time(network, operation, rows, weights.out); // the first run may still compile
    times.push(
      Math.min(await time(network, operation, rows, weights.out), await time(network, operation, rows, weights.out)),
    );
  }
  gpu.features.tiles = times[1] < times[0];
}
