// Evaluates the same states on wasm and on the graphics device, for tests/browser/webgpu.test.mjs.
import { Engine } from '/web/engine/engine.js';
import { Model } from '/web/engine/model.js';
import { advanceOn } from '/web/engine/webgpu/logits.js';
import { openWebGPU } from '/web/engine/webgpu/open.js';
import { requestOf } from '/web/engine/webgpu/step.js';
import { readSafetensors } from '../gpu-models.js';

async function openModel(folder, dtype = 'auto') {
  const read = async (path) => {
    const response = await fetch(path);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  };
  const golden = folder.startsWith('/tests/golden/'); // golden folders have no tokenizer, and small vocabularies
  const tokenizer = golden ? '/models/sedd-nano' : folder;
  const model = await Model.load(
    await Engine.create(),
    {
      config: await read(`${folder}/config.json`),
      weights: [await read(`${folder}/model.safetensors`)],
      tokenizer: await read(`${tokenizer}/tokenizer.json`),
      generation: await read(`${folder}/generation_config.json`),
    },
    { dtype },
  );
  const tokenize = model.tokenize.bind(model);
  if (golden) model.tokenize = (text) => tokenize(text).map((id) => id % model.info.tokens);
  return model;
}

/**
 * Opens a model on the graphics device. `evaluations` counts its evaluations, and `last` has the logits that the core
 * read last.
 */
async function openOnDevice(folder) {
  const model = await openModel(folder);
  const device = await openWebGPU(model, { auto: false, onLost: () => {} });
  const seen = { model, device, evaluations: 0, last: new Float32Array(0) };
  const { logits, step } = device.network;
  device.network.logits = async (request) => {
    seen.evaluations++;
    return (seen.last = await logits.call(device.network, request));
  };
  device.network.step = (request) => {
    seen.evaluations++;
    return step.call(device.network, request);
  };
  return seen;
}

/**
 * Runs a sampler on wasm and evaluates each of its states on the graphics device.
 * @returns differences in nats (graphics device minus wasm); `edges`: where draws differ, the distance of the uniform to the
 *   nearest edge of its token's interval
 */
export async function forcedSteps(folder, options) {
  const { model, device } = await openOnDevice(`/models/${folder}`);
  const run = model.startRun(options);
  const found = { rows: 0, different: 0, logSum: [], entropy: [], confidence: [], edges: [], dispatches: [] };
  try {
    while (!run.done) {
      const { ids } = run;
      const request = requestOf(run);
      const rows = [...request.rows];
      if (rows.length > 0) {
        const result = await device.network.step({ ...request, cancelled: () => false });
        found.dispatches.push(device.network.dispatches);
        if (!request.read) {
          const { positions } = model.inspect(ids, { sigma: request.sigma, positions: rows, topK: 1 });
          positions.forEach(({ scoreSum }, i) =>
            found.logSum.push(result.logSum[i] - request.shift - Math.log(scoreSum)),
          );
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

const never = () => false;

/** Returns the core's log-scores of one window. The logits come from the device on which the run is advanced. */
function scoring({ engine, pointer, info }, ids, sigma) {
  const { module } = engine;
  const session = engine.check(module._wasm_session_new(engine.pointer, pointer, ids.length, 0));
  return {
    engine,
    session,
    advance: () =>
      engine.scoped((scope) => {
        const out = scope.allocate(4 * ids.length * info.states);
        engine.checkStatus(module._wasm_score(session, ids.length, scope.list(ids), sigma, out));
        return engine.floats(out, ids.length * info.states).slice();
      }),
    free: () => module._sedd_session_free(session),
  };
}

const worstOf = (got, want) =>
  want.reduce((worst, value, i) => (got[i] === value ? worst : Math.max(worst, Math.abs(got[i] - value))), 0);

/** Compares the logits and log-scores of a golden folder with the reference's and with those of wasm. */
async function compareForwards({ model, device, ...seen }, folder) {
  const { forward } = await (await fetch(`${folder}/golden.json`)).json();
  const expected = readSafetensors(new Uint8Array(await (await fetch(`${folder}/golden.safetensors`)).arrayBuffer()));
  const found = { reference: 0, wasm: 0, compared: 0 };
  for (const { x, sigma, logits, logscore } of forward) {
    const { values } = expected[logits ?? logscore];
    const size = values.length / x.length;
    for (const [b, ids] of x.entries()) {
      const run = scoring(model, ids, sigma?.[b] || 0.5);
      let scores;
      try {
        scores = await advanceOn(device.network, run, never);
        found.wasm = Math.max(found.wasm, worstOf(scores, run.advance()));
      } finally {
        run.free();
      }
      found.reference = Math.max(
        found.reference,
        worstOf(logits ? seen.logits() : scores, values.subarray(b * size, (b + 1) * size)),
      );
      found.compared += size;
    }
  }
  return found;
}

/** Returns the ids of a complete run on the graphics device or on wasm. */
async function idsOf(model, options, advance) {
  const run = model.startRun(options);
  try {
    while (!run.done) await advance(run);
    return run.ids;
  } finally {
    run.free();
  }
}

/** Compares a golden model of any family on the graphics device with wasm and with the reference code. */
export async function family(name, ways) {
  const folder = `/tests/golden/${name}`;
  const seen = await openOnDevice(folder);
  const { model, device } = seen;
  try {
    const forwards = await compareForwards({ model, device, logits: () => seen.last }, folder);
    const runs = [];
    for (const way of ways) {
      const options = { length: 12, steps: 3, seed: 3, ...way };
      const before = seen.evaluations;
      const ids = await idsOf(model, options, (run) => device.advance(run, never));
      const wasm = await idsOf(model, options, (run) => run.advance());
      runs.push({ same: ids.every((id, i) => id === wasm[i]), evaluations: seen.evaluations - before });
    }
    const bound = async (advance) => {
      const run = model.startBound([3, 4, 5, 6, 7, 8], { samples: 4, seed: 1, estimator: 'reference' });
      try {
        while (!run.done) await advance(run);
        return run.value.natsPerToken;
      } finally {
        run.free();
      }
    };
    const bounds = [await bound((run) => device.advance(run, never)), await bound((run) => run.advance())];
    return { ...forwards, runs, bound: Math.abs(bounds[0] - bounds[1]) };
  } finally {
    device.destroy();
  }
}
