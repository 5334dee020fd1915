/**
 * Builds ONNX graphs and writes them as protobuf. Field numbers are those of onnx.proto (IR version 8).
 * It covers only what the graphs of graphs.mjs need.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

export const FLOAT = 1;
export const INT8 = 3;
export const INT32 = 6;
export const INT64 = 7;

// ---- Protobuf: a message is a list of byte pieces, so that large tensors are never copied ----

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

const sizeOf = (pieces) => pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
const whole = (field, value) => [varint(field << 3), varint(value)];
const message = (field, pieces) => [varint((field << 3) | 2), varint(sizeOf(pieces)), ...pieces];
const text = (field, string) => message(field, [new TextEncoder().encode(string)]);
const float = (field, value) => [varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)];

const bytesOf = (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function attribute(name, value) {
  const head = text(1, name);
  if (Array.isArray(value)) return [...head, ...value.flatMap((item) => whole(8, item)), ...whole(20, 7)];
  return Number.isInteger(value)
    ? [...head, ...whole(3, value), ...whole(20, 2)]
    : [...head, ...float(2, value), ...whole(20, 1)];
}

function valueInfo(field, { name, type, shape }) {
  const dimensions = shape.flatMap((size) => message(1, typeof size === 'number' ? whole(1, size) : text(2, size)));
  return message(field, [...text(1, name), ...message(2, message(1, [...whole(1, type), ...message(2, dimensions)]))]);
}

// ---- Graphs ------------------------------------------------------------------------------------

export class Graph {
  #nodes = [];
  #initializers = [];
  #inputs = [];
  #outputs = [];
  #count = 0;

  #name(kind) {
    return `${kind}_${++this.#count}`;
  }

  input(name, type, shape) {
    this.#inputs.push(valueInfo(11, { name, type, shape }));
    return name;
  }
  output(name, type, shape) {
    this.#outputs.push(valueInfo(12, { name, type, shape }));
    return name;
  }

  /** Adds a constant tensor. @returns {string} its name */
  constant(values, shape = [values.length]) {
    const type = values instanceof Float32Array ? FLOAT : values instanceof Int8Array ? INT8 : INT64;
    const name = this.#name('constant');
    this.#initializers.push(
      message(5, [
        ...shape.flatMap((size) => whole(1, size)),
        ...whole(2, type),
        ...text(8, name),
        ...message(9, [bytesOf(values)]),
      ]),
    );
    return name;
  }

  integers(...values) {
    return this.constant(BigInt64Array.from(values.map(BigInt)));
  }
  scalar(value) {
    return this.constant(Float32Array.of(value), []);
  }

  /** Adds a node with `outputs` outputs and returns their names. */
  node(kind, inputs, outputs, attributes = {}, domain = '') {
    this.#nodes.push(
      message(1, [
        ...inputs.flatMap((name) => text(1, name)),
        ...outputs.flatMap((name) => text(2, name)),
        ...text(3, this.#name('node')),
        ...text(4, kind),
        ...Object.entries(attributes).flatMap(([name, value]) => message(5, attribute(name, value))),
        ...text(7, domain),
      ]),
    );
  }

  /** Adds a node with one output. @returns {string} the output's name */
  op(kind, inputs, attributes = {}, domain = '') {
    const name = this.#name(kind);
    this.node(kind, inputs, [name], attributes, domain);
    return name;
  }

  /** Splits an axis (the last by default) into equal parts. @returns {string[]} */
  split(input, sizes, axis) {
    const names = sizes.map(() => this.#name('part'));
    this.node('Split', [input, this.integers(...sizes)], names, { axis });
    return names;
  }

  /** Writes the model file. */
  write(file, name) {
    const graph = [...this.#nodes, text(2, name), ...this.#initializers, ...this.#inputs, ...this.#outputs].flat();
    const opset = (domain, version) => message(8, [...text(1, domain), ...whole(2, version)]);
    const out = openSync(file, 'w');
    for (const piece of [...whole(1, 8), ...message(7, graph), ...opset('', 17), ...opset('com.microsoft', 1)]) {
      for (let at = 0; at < piece.byteLength; ) at += writeSync(out, piece, at);
    }
    closeSync(out);
  }
}
