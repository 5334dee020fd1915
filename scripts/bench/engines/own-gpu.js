/** Runs this repository's engine on a graphics device as a contender: the same model, whose network is evaluated there. */
import { advanceOn } from '../../../web/engine/webgpu/logits.js';
import { openWebGPU } from '../../../web/engine/webgpu/open.js';
import { thin } from './files.js';
import { Own } from './own.js';

const never = () => false;

class OwnGPU extends Own {
  async step(length) {
    const run = this.model.startRun({ length, steps: 4000 });
    const begin = performance.now();
    await this.device.advance(run, never);
    const ms = performance.now() - begin;
    run.free();
    return ms;
  }

  async prefill(ids) {
    const { network } = this.device;
    network.reset();
    const begin = performance.now();
    await network.append({ ids: Int32Array.from(ids) });
    return performance.now() - begin;
  }

  async decode(ids, count) {
    await this.prefill(ids);
    const { network } = this.device;
    const written = [];
    const begin = performance.now();
    for (let left = count; left > 0; ) {
      const part = Math.min(left, 16);
      const uniforms = new Float32Array(part);
      written.push(...(await network.generate({ count: part, uniforms, greedy: true })).token);
      this.tokens = part;
      left -= part;
    }
    return { ms: (performance.now() - begin) / count, ids: written };
  }

  /** Returns the dispatches of the last step or token, and the bytes on the device and of wasm memory. */
  counts() {
    const { network, name } = this.device;
    const dispatches = network.dispatches / (this.tokens ?? 1);
    return { dispatches, bytes: network.bytes, wasm: this.engine.memorySize, name };
  }

  async scores(ids, sigma) {
    const { engine, model, session, device } = this;
    const { kind, states } = model.info;
    if (kind === 'gpt2') return thin((await device.network.logits({ ids: Int32Array.from(ids) })).slice(-states));
    const advance = () =>
      engine.scoped((scope) => {
        const out = scope.allocate(4 * ids.length * states);
        engine.checkStatus(engine.module._wasm_score(session, ids.length, scope.list(ids), sigma, out));
        return thin(engine.floats(out, ids.length * states));
      });
    return advanceOn(device.network, { engine, session, advance }, never);
  }
}

/** @param {import('../../../web/engine/engine.js').Engine} engine @param {import('../../../web/engine/model.js').Model} model */
export async function openOnDevice(engine, model, rows) {
  const contender = new OwnGPU(engine, model, rows);
  contender.device = await openWebGPU(model, { auto: false, onLost: () => {} });
  contender.kernels = 'webgpu';
  return contender;
}
