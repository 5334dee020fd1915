// Makes the Node worker in which the tests load models.
import { NodeWorker as ProductWorker } from '../../web/node-worker.js';

export class NodeWorker extends ProductWorker {
  /** @param {{slowAfter?: number}} [options] `slowAfter`: how often its clock is asked before it goes slower (slow-clock.mjs) */
  constructor({ slowAfter } = {}) {
    super({ setup: slowAfter ? new URL(`./slow-clock.mjs?${slowAfter}`, import.meta.url).href : null });
  }
}
