/** Reads a network for a graphics device: its sizes, and its packed weights one by one, directly from wasm memory. */

/** @typedef {import('../../gpu/memory.js').Tensor} Tensor */

/** The order of the arrays in wasm_model_tensor. */
const OUTSIDE = ['embedding', 'positions', 'head', 'normFinal'];
const BLOCK = ['qkv', 'attnOut', 'mlpIn', 'mlpOut', 'norm1', 'norm2'];
const TABLES = ['embedding', 'positions'];
const NORMS = ['normFinal', 'norm1', 'norm2'];
const ACTIVATIONS = ['gelu_tanh', 'gelu', 'relu', 'silu']; // enum sedd_activation

/** Reads one struct tensor of wasm/exports_network.c: sizes and addresses. @param {import('../engine.js').Engine} engine */
function readTensor(engine, model, number) {
  const [rows, columns, padded, values, scale, sum, bias] = engine.ints(
    engine.module._wasm_model_tensor(model, number),
    7,
  );
  const word = (/** @type {number} */ address) => address >>> 0;
  return { rows, columns, padded, values: word(values), scale: word(scale), sum: word(sum), bias: word(bias) };
}

/** @param {import('../engine.js').Engine} engine @returns {Generator<Tensor>} */
function* tensorsOf(engine, model, named) {
  const { buffer } = engine.module.wasmMemory;
  for (const { name, kind, number } of named) {
    const { rows, columns, padded, values, scale, sum, bias } = readTensor(engine, model, number);
    const floats = (address, count) => (address ? new Float32Array(buffer, address, count) : null);
    const shape = /** @type {any} */ ({ name, kind, rows, columns, dtype: scale ? 'q8' : 'f32' });
    if (kind === 'vector') {
      yield { ...shape, values: floats(values, rows) };
      yield { ...shape, name: `${name}.bias`, values: floats(bias, rows) };
    } else if (kind === 'table') {
      const count = rows * columns;
      yield {
        ...shape,
        values: scale ? new Int8Array(buffer, values, count) : floats(values, count),
        scale: floats(scale, rows),
      };
    } else {
      const channels = 8 * Math.ceil(rows / 8);
      yield {
        ...shape,
        padded,
        panels: scale ? new Int8Array(buffer, values, channels * padded) : floats(values, channels * columns),
        scale: floats(scale, channels),
        sum: sum ? new Int32Array(buffer, sum, channels) : null,
        bias: floats(bias, channels),
      };
    }
  }
}

/**
 * @param {import('../engine.js').Engine} engine @param {number} model @param {number} session that names the ids it may
 *   write @param {any} info
 * @returns {{description: import('../../gpu/network.js').Description, tensors: () => Iterable<Tensor>, largest:
 *   number}} largest: size of the largest array in bytes
 */
export function networkOf(engine, model, session, info) {
  const { activation, ...network } = engine.json(engine.module._wasm_session_network(session));
  const names = [
    ...OUTSIDE.map((role) => ({ role, name: role })),
    ...Array.from({ length: info.blocks }, (_, b) =>
      BLOCK.map((role) => ({ role, name: `block.${b}.${role}` })),
    ).flat(),
  ];
  const kindOf = (role) => (TABLES.includes(role) ? 'table' : NORMS.includes(role) ? 'vector' : 'matrix');
  const named = names
    .map(({ role, name }, number) => ({ name, number, kind: kindOf(role) }))
    .filter(({ number }) => readTensor(engine, model, number).rows > 0);
  const bytes = named.map(({ number }) => {
    const { rows, columns, padded, scale } = readTensor(engine, model, number);
    return 8 * Math.ceil(rows / 8) * (scale ? padded : 4 * columns);
  });
  return {
    description: {
      ...network,
      activation: ACTIVATIONS[activation],
      attentionScales: Array.from({ length: info.blocks }, (_, b) =>
        engine.module._sedd_model_attention_scale(model, b),
      ),
      kind: info.kind,
      dtype: info.dtype,
      hidden: info.hiddenSize,
      heads: info.heads,
      blocks: info.blocks,
      tokens: info.tokens,
      states: info.states,
      maskId: info.maskId,
      positions: info.length,
      tied: info.kind === 'gpt2' && named[0].name !== 'embedding',
      integerAttention: info.kind === 'sedd' && info.dtype === 'q8',
    },
    tensors: () => tensorsOf(engine, model, named),
    largest: Math.max(...bytes),
  };
}
