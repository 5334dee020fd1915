/** Writes the weights of the TensorFlow Lite models, in the order and at the places that engines/tflite.js gives them. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { dequantise, transpose } from './checkpoint.mjs';
import { decodeGraph, seddGraph } from './engines/tflite-graphs.js';

const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/** Returns the data of one entry. @param {import('./checkpoint.mjs').Checkpoint} checkpoint */
function dataOf(checkpoint, { kind, name, length, transposed }) {
  const matrix = () => (transposed ? transpose(checkpoint.matrix(name)) : checkpoint.matrix(name));
  if (kind === 'zeros') return new BigInt64Array(length);
  if (kind === 'scales') return checkpoint.matrix(name).scales;
  if (kind === 'int8') return matrix().values;
  const { values } = checkpoint.tensor(name);
  return values instanceof Int8Array ? dequantise(matrix()) : values;
}

/** @param {import('./checkpoint.mjs').Checkpoint} checkpoint @param {'sedd'|'gpt2'} kind @param {'f32'|'int8'} dtype */
export function writeWeights(file, checkpoint, kind, dtype) {
  const { weights } = (kind === 'sedd' ? seddGraph : decodeGraph)(checkpoint.config, dtype, 1);
  const out = openSync(file, 'w');
  let at = 0;
  const write = (bytes) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(out, bytes, done);
    at += bytes.length;
  };
  for (const entry of weights.entries) {
    write(new Uint8Array(entry.at - at));
    write(bytesOf(Uint32Array.of(entry.length)));
    write(bytesOf(dataOf(checkpoint, entry)));
  }
  write(new Uint8Array(weights.size - at));
  closeSync(out);
}
