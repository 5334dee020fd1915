/**
 * Writes FlatBuffers. Parents come before their children, because offsets point forward. A vector may lie outside: after the
 * buffer, at a known distance, so that large data need not pass through here.
 */

/** A table's fields in the order of its schema; undefined fields are left out. */
export class Table {
  constructor(...fields) {
    this.fields = fields;
  }
}

/** A scalar of up to four bytes. */
class Scalar {
  constructor(method, value) {
    Object.assign(this, { method, value });
  }
}
export const byte = (value) => new Scalar('setUint8', value);
export const int = (value) => new Scalar('setInt32', value);
export const float = (value) => new Scalar('setFloat32', value);

/** A vector that begins `at` bytes after the end of the buffer. */
export class Outside {
  constructor(at) {
    this.at = at;
  }
}

const ALIGNMENT = 16; // of the buffer's length and of all vectors of bytes, because they hold tensors

class Writer {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;
  #outside = [];

  /** Reserves `size` bytes, of which byte `offset` is aligned. @returns {number} where they begin */
  #reserve(size, alignment, offset = 0) {
    const at = this.#size + (-(this.#size + offset) & (alignment - 1));
    this.#size = at + size;
    if (this.#size > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#size);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  #u32(at, value) {
    this.#view.setUint32(at, value, true);
  }

  /** Stores a field or an element at `at`: a scalar itself, anything else by its offset. */
  #put(at, value) {
    if (value instanceof Scalar) this.#view[value.method](at, value.value, true);
    else if (value instanceof Outside) this.#outside.push([at, value.at]);
    else this.#u32(at, this.#add(value) - at);
  }

  /** Appends a string, a vector (a typed array, or an array of objects) or a table. @returns {number} where it begins */
  #add(value) {
    if (value instanceof Table) return this.#table(value.fields);
    if (typeof value === 'string') {
      const text = new TextEncoder().encode(value);
      const at = this.#reserve(4 + text.length + 1, 4);
      this.#u32(at, text.length);
      this.#bytes.set(text, at + 4);
      return at;
    }
    if (ArrayBuffer.isView(value)) {
      const at = this.#reserve(4 + value.byteLength, value instanceof Uint8Array ? ALIGNMENT : 8, 4);
      this.#u32(at, value.length);
      this.#bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at + 4);
      return at;
    }
    const at = this.#reserve(4 + 4 * value.length, 4);
    this.#u32(at, value.length);
    for (const [i, item] of value.entries()) this.#put(at + 4 + 4 * i, item);
    return at;
  }

  /** Every field takes four bytes. The vtable comes before its table. */
  #table(fields) {
    const head = 4 + 2 * fields.length;
    const vtable = this.#reserve(head, 2);
    const present = fields.flatMap((field, i) => (field === undefined ? [] : [i]));
    const at = this.#reserve(4 + 4 * present.length, 4);
    this.#view.setUint16(vtable, head, true);
    this.#view.setUint16(vtable + 2, 4 + 4 * present.length, true);
    for (const [place, i] of present.entries()) this.#view.setUint16(vtable + 4 + 2 * i, 4 + 4 * place, true);
    this.#view.setInt32(at, at - vtable, true);
    for (const [place, i] of present.entries()) this.#put(at + 4 + 4 * place, fields[i]);
    return at;
  }

  finish(root, identifier) {
    const start = this.#reserve(8, 4);
    this.#bytes.set(new TextEncoder().encode(identifier), start + 4);
    this.#u32(start, this.#add(root) - start);
    const size = this.#reserve(0, ALIGNMENT);
    for (const [at, distance] of this.#outside) this.#u32(at, size + distance - at);
    return this.#bytes.slice(0, size);
  }
}

/** Returns the FlatBuffer of a root table. @param {Table} root @param {string} identifier four letters @returns {Uint8Array} */
export const flatbuffer = (root, identifier) => new Writer().finish(root, identifier);
