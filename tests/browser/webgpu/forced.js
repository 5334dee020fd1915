// The same states on wasm and on the graphics device, for tests/browser/webgpu.test.mjs.
import { Engine } from '/web/engine/engine.js';
import { Model } from '/web/engine/model.js';
import { openWebGPU } from '/web/engine/webgpu/open.js';
import { requestOf } from '/web/engine/webgpu/step.js';

async function openModel(folder, dtype = 'auto') {
  const read = async (name) => {
    const response = await fetch(`/models/${folder}/${name}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  };
  return Model.load(
    await Engine.create(),
    {
      config: await read('config.json'),
      weights: [await read('model.safetensors')],
      tokenizer: await read('tokenizer.json'),
      generation: await read('generation_config.json'),
    },
    { dtype },
  );
}

/** ln of the sum of scores of single positions. */
const logSums = (model, ids, sigma, positions) =>
  model.inspect(ids, { sigma, positions, topK: 1 }).positions.map(({ scoreSum }) => Math.log(scoreSum));

/**
 * Wasm goes through a run, and the graphics device evaluates each of its states.
 * @returns differences in nats (graphics device minus wasm); `exact`: wasm minus the same weights in floats; `edges`: where draws differ,
 *   the distance of the uniform to the nearest edge of its token's interval
 */
export async function forcedSteps(folder, options) {
  const model = await openModel(folder);
  const floats = await openModel(folder, 'f32');
  const device = await openWebGPU(model, { auto: false, onLost: () => {} });
  const run = model.startRun(options);
  const found = {
    rows: 0,
    different: 0,
    logSum: [],
    exact: [],
    entropy: [],
    confidence: [],
    edges: [],
    dispatches: [],
  };
  try {
    while (!run.done) {
      const { ids } = run;
      const request = requestOf(run);
      const rows = [...request.rows];
      if (rows.length > 0) {
        const result = await device.network.step({ ...request, cancelled: () => false });
        found.dispatches.push(device.network.dispatches);
        if (!request.read) {
          const sums = logSums(model, ids, request.sigma, rows);
          const exact = logSums(floats, ids, request.sigma, rows);
          sums.forEach((sum, i) => {
            found.logSum.push(result.logSum[i] - request.shift - sum);
            found.exact.push(sum - exact[i]);
          });
        }
        compareDraws(found, rows, result, run.advance());
      } else run.advance();
    }
    return found;
  } finally {
    run.free();
    device.destroy();
  }
}

function compareDraws(found, rows, result, step) {
  step.positions.forEach((place, i) => {
    const row = rows.indexOf(place);
    found.rows++;
    found.entropy.push(result.entropy[row] - step.entropy[i]);
    if (result.token[row] === step.ids[i]) found.confidence.push(Math.log(result.confidence[row] / step.confidence[i]));
    else {
      found.different++;
      found.edges.push(result.edge[row]);
    }
  });
}
