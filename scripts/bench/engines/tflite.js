/**
 * Builds TensorFlow Lite graphs as LiteRT reads them. A graph has fixed shapes, so each length needs its own; the weights are the same.
 * A model file is therefore made of two parts: a head (the FlatBuffer of the graph, made here) and the weights (written once by
 * ../tflite.mjs), whose places follow from the shapes alone. Numbers are those of TensorFlow's schema.fbs.
 */
import { Outside, Table, byte, flatbuffer, float, int } from './flatbuffer.js';

const TYPES = { f32: 0, i32: 2, int8: 9 };
const OPERATORS = {
  ADD: 0,
  CONCATENATION: 2,
  DEQUANTIZE: 6,
  FULLY_CONNECTED: 9,
  LOGISTIC: 14,
  MUL: 18,
  RESHAPE: 22,
  SOFTMAX: 25,
  GATHER: 36,
  TRANSPOSE: 39,
  MEAN: 40,
  SUB: 41,
  SPLIT: 49,
  SLICE: 65,
  SIN: 66,
  RSQRT: 76,
  COS: 108,
  BATCH_MATMUL: 126,
  GELU: 150,
};
/** The numbers of an operator's options in the schema's union, for the operators whose options are not all defaults. */
const OPTIONS = {
  FULLY_CONNECTED: 8,
  SOFTMAX: 9,
  CONCATENATION: 10,
  RESHAPE: 17,
  REDUCER: 27,
  SPLIT: 35,
  BATCH_MATMUL: 101,
  GELU: 116,
};
const VERSIONS = { FULLY_CONNECTED: 12, GATHER: 2, DEQUANTIZE: 2 }; // others are 1

/** Bytes of one element of a vector of the weights, by the way it is stored (see Weights). */
const UNITS = { int8: 1, floats: 1, scales: 4, zeros: 8 };

/**
 * The places of all weights. An entry is a vector: its number of elements (4 bytes), then its data on a multiple of 16 bytes.
 * int8: a matrix as [out, in]; floats: floats as bytes; scales: floats, for a quantised tensor; zeros: its zero points.
 */
class Weights {
  entries = [];
  size = 0;
  #places = new Map();

  /** @param {'int8'|'floats'|'scales'|'zeros'} kind @param {number} length in elements of that kind @param {boolean} [transposed] whether the matrix is stored as [in, out] */
  place(kind, name, length, transposed = false) {
    const key = `${kind} ${name}`;
    if (!this.#places.has(key)) {
      const at = this.size + 12;
      this.entries.push({ kind, name, length, transposed, at });
      this.#places.set(key, new Outside(at));
      this.size = (at + 4 + length * UNITS[kind] + 15) & ~15;
    }
    return this.#places.get(key);
  }
}

const countOf = (shape) => shape.reduce((a, b) => a * b, 1);

export class Graph {
  weights = new Weights();
  #tensors = [];
  #shapes = [];
  #buffers = [new Table()];
  #operators = [];
  #codes = [];
  #inputs = [];
  #outputs = [];
  #small = new Map(); // small constants by their content

  /** Adds a tensor. @returns {number} its index */
  #tensor(shape, type = 'f32', data, quantization) {
    const buffer = data === undefined ? 0 : this.#buffers.push(new Table(data)) - 1;
    const name = `t${this.#tensors.length}`;
    this.#shapes.push(shape);
    return (
      this.#tensors.push(new Table(Int32Array.from(shape), byte(TYPES[type]), int(buffer), name, quantization)) - 1
    );
  }

  shape(tensor) {
    return this.#shapes[tensor];
  }

  input(name, shape, type) {
    const tensor = this.#tensor(shape, type);
    this.#inputs.push([name, tensor]);
    return tensor;
  }

  output(name, tensor) {
    this.#outputs.push([name, tensor]);
  }

  /** Adds a constant that lies in the head. @param {Float32Array|Int32Array} values */
  constant(values, shape = [values.length]) {
    const type = values instanceof Int32Array ? 'i32' : 'f32';
    const make = () => this.#tensor(shape, type, new Uint8Array(values.buffer));
    if (values.length > 8) return make();
    const key = `${type} ${shape}: ${values}`;
    if (!this.#small.has(key)) this.#small.set(key, make());
    return this.#small.get(key);
  }
  integers(...values) {
    return this.constant(Int32Array.from(values));
  }
  scalar(value) {
    return this.constant(Float32Array.of(value), [1]);
  }

  /** Adds float weights. */
  floats(name, shape, transposed) {
    return this.#tensor(shape, 'f32', this.weights.place('floats', name, 4 * countOf(shape), transposed));
  }

  /** Adds an int8 matrix [out, in] with a scale a row, or without scales. */
  int8(name, shape, { transposed, scaled = true } = {}) {
    const [rows] = shape;
    const quantization = scaled
      ? [this.weights.place('scales', name, rows), this.weights.place('zeros', `${rows}`, rows)]
      : [Float32Array.of(1), BigInt64Array.of(0n)];
    return this.#tensor(
      shape,
      'int8',
      this.weights.place('int8', name, countOf(shape), transposed),
      new Table(undefined, undefined, ...quantization, undefined, undefined, int(0)),
    );
  }

  /** Adds an operator with outputs of these shapes. @returns {number[]} the outputs */
  #operator(kind, inputs, shapes, options = [], optionsName = kind, type = 'f32', quantization = undefined) {
    const outputs = shapes.map((shape) => this.#tensor(shape, type, undefined, quantization));
    if (!this.#codes.includes(kind)) this.#codes.push(kind);
    this.#operators.push(
      new Table(
        int(this.#codes.indexOf(kind)),
        Int32Array.from(inputs),
        Int32Array.from(outputs),
        ...(OPTIONS[optionsName] ? [byte(OPTIONS[optionsName]), new Table(...options)] : []),
      ),
    );
    return outputs;
  }

  // ---- Operators --------------------------------------------------------------------------------

  /** Applies ADD, SUB or MUL; shapes are broadcast. */
  binary(kind, a, b) {
    const shapes = [this.shape(a), this.shape(b)].sort((x, y) => y.length - x.length);
    const shift = shapes[0].length - shapes[1].length;
    const shape = shapes[0].map((size, i) => Math.max(size, shapes[1][i - shift] ?? 1));
    return this.#operator(kind, [a, b], [shape])[0];
  }
  add = (a, b) => this.binary('ADD', a, b);
  multiply = (a, b) => this.binary('MUL', a, b);

  /** Applies LOGISTIC, SIN, COS or RSQRT. */
  unary(kind, x) {
    return this.#operator(kind, [x], [this.shape(x)])[0];
  }

  /** Applies GELU in its tanh form. */
  gelu(x) {
    return this.#operator('GELU', [x], [this.shape(x)], [byte(1)])[0];
  }

  /** Multiplies x [rows, in] by a matrix [out, in] and adds a bias [out], if there is one (-1: none). */
  fullyConnected(x, matrix, bias = -1) {
    const shape = [this.shape(x)[0], this.shape(matrix)[0]];
    const options = [byte(0), byte(0), byte(1), byte(1)]; // no activation, default format, same dimensions, asymmetric inputs
    return this.#operator('FULLY_CONNECTED', [x, matrix, bias], [shape], options)[0];
  }

  /** Multiplies [1, H, L, K] by [1, H, K, N], or by [1, H, N, K] when the second is `transposed`. */
  batchMatmul(a, b, transposed) {
    const [, , inner, columns] = this.shape(b);
    const shape = [...this.shape(a).slice(0, 3), transposed ? inner : columns];
    return this.#operator('BATCH_MATMUL', [a, b], [shape], [byte(0), byte(transposed ? 1 : 0)])[0];
  }

  softmax(x) {
    return this.#operator('SOFTMAX', [x], [this.shape(x)], [float(1)])[0];
  }

  /** Returns the mean over the last dimension, which becomes 1. */
  mean(x) {
    const shape = this.shape(x);
    return this.#operator(
      'MEAN',
      [x, this.integers(shape.length - 1)],
      [[...shape.slice(0, -1), 1]],
      [byte(1)],
      'REDUCER',
    )[0];
  }

  reshape(x, shape) {
    return this.#operator('RESHAPE', [x], [shape], [Int32Array.from(shape)])[0];
  }

  transpose(x, order) {
    const shape = order.map((i) => this.shape(x)[i]);
    return this.#operator('TRANSPOSE', [x, this.integers(...order)], [shape])[0];
  }

  /** Splits a dimension into equal parts. */
  split(x, count, axis) {
    const shape = this.shape(x).map((size, i) => (i === axis ? size / count : size));
    return this.#operator('SPLIT', [this.integers(axis), x], Array(count).fill(shape), [int(count)]);
  }

  /** Returns `size` values of the last dimension, from `begin`. */
  slice(x, begin, size) {
    const shape = this.shape(x).with(-1, size);
    const start = shape.map(() => 0).with(-1, begin);
    return this.#operator('SLICE', [x, this.integers(...start), this.integers(...shape)], [shape])[0];
  }

  /** Returns the last row of [rows, columns]. */
  lastRow(x) {
    const [rows, columns] = this.shape(x);
    return this.#operator('SLICE', [x, this.integers(rows - 1, 0), this.integers(1, columns)], [[1, columns]])[0];
  }

  concatenate(parts, axis) {
    const total = parts.reduce((sum, part) => sum + this.shape(part).at(axis), 0);
    const shape = this.shape(parts[0]).with(axis, total);
    return this.#operator('CONCATENATION', parts, [shape], [int(axis)])[0];
  }

  /** Gathers rows of a table [rows, columns] by ids [L]. @param {'f32'|'int8'} type of the table, which the result has, too */
  gather(table, ids, type = 'f32') {
    const quantization =
      type === 'int8' ? new Table(undefined, undefined, Float32Array.of(1), BigInt64Array.of(0n)) : undefined;
    const shape = [this.shape(ids)[0], this.shape(table)[1]];
    return this.#operator('GATHER', [table, ids], [shape], [], undefined, type, quantization)[0];
  }

  dequantise(x) {
    return this.#operator('DEQUANTIZE', [x], [this.shape(x)])[0];
  }

  // ---- The file ---------------------------------------------------------------------------------

  /** Returns the head of the model file. The weights follow it. @param {string} name of the graph's only signature */
  head(name) {
    const codes = this.#codes.map(
      (kind) =>
        new Table(byte(Math.min(OPERATORS[kind], 127)), undefined, int(VERSIONS[kind] ?? 1), int(OPERATORS[kind])),
    );
    const indices = (list) => Int32Array.from(list, ([, tensor]) => tensor);
    const names = (list) => list.map(([text, tensor]) => new Table(text, int(tensor)));
    const graph = new Table(this.#tensors, indices(this.#inputs), indices(this.#outputs), this.#operators, name);
    const signature = new Table(names(this.#inputs), names(this.#outputs), name, undefined, int(0));
    const model = new Table(int(3), codes, [graph], 'sedd-web bench', this.#buffers, undefined, undefined, [signature]);
    return flatbuffer(model, 'TFL3');
  }
}
