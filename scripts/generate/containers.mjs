/**
 * Writes the two containers of weights: model.safetensors, and the zip of torch.save (a pickle of the state
 * dict and one uncompressed entry for each tensor). Both take tensors as {name, size, dtype, count, bytes} and a
 * function that yields a tensor's data in pieces.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export function writeSafetensors(path, tensors, dataOf) {
  const header = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, size, dtype, bytes } of tensors) {
    header[name] = { dtype, shape: size, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, text);
  for (const tensor of tensors) for (const piece of dataOf(tensor)) writeSync(file, piece);
  closeSync(file);
}

/* ---- The pickle, protocol 2 ---- */

const number = (value) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x4a; // BININT
  bytes.writeInt32LE(value, 1);
  return bytes;
};

const text = (value) => {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(5);
  head[0] = 0x58; // BINUNICODE
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

const tuple = (...items) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
const global = (module, name) => Buffer.from(`c${module}\n${name}\n`);
const EMPTY_DICT = Buffer.concat([global('collections', 'OrderedDict'), Buffer.from(')R')]);
const FALSE = Buffer.from([0x89]);
const STORAGES = { F32: 'FloatStorage', I8: 'CharStorage' };

function tensorPickle({ size, dtype, count }, index) {
  const strides = size.map((_, i) => size.slice(i + 1).reduce((a, b) => a * b, 1));
  const storage = Buffer.concat([
    tuple(text('storage'), global('torch', STORAGES[dtype]), text(String(index)), text('cpu'), number(count)),
    Buffer.from('Q'),
  ]);
  return Buffer.concat([
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(storage, number(0), tuple(...size.map(number)), tuple(...strides.map(number)), FALSE, EMPTY_DICT),
    Buffer.from('R'),
  ]);
}

const statePickle = (tensors) =>
  Buffer.concat([
    Buffer.from([0x80, 2]),
    EMPTY_DICT,
    Buffer.from('('),
    ...tensors.flatMap((tensor, i) => [text(tensor.name), tensorPickle(tensor, i)]),
    Buffer.from('u.'),
  ]);

/* ---- The zip: stored entries, data at multiples of 64 as torch aligns it ---- */

const LOCAL = 30;
const CENTRAL = 46;
const ALIGN = 64;

/** Returns padding in an extra field that aligns the data after the header. */
function padding(place, name) {
  const behind = place + LOCAL + name.length + 4;
  const extra = Buffer.alloc(4 + ((ALIGN - (behind % ALIGN)) % ALIGN), 'Z');
  extra.write('FB');
  extra.writeUInt16LE(extra.length - 4, 2);
  return extra;
}

function localHeader({ name, size, crc, extra }) {
  const header = Buffer.alloc(LOCAL);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(size, 18);
  header.writeUInt32LE(size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, Buffer.from(name), extra]);
}

function centralHeader({ name, size, crc, place }) {
  const header = Buffer.alloc(CENTRAL);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(size, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(place, 42);
  return Buffer.concat([header, Buffer.from(name)]);
}

export function writeTorch(path, tensors, dataOf) {
  const file = openSync(path, 'w');
  const entries = [];
  let place = 0;
  const add = (name, size, pieces) => {
    const entry = { name, size, crc: 0, place, extra: padding(place, name) };
    let at = place + LOCAL + name.length + entry.extra.length;
    for (const piece of pieces) {
      entry.crc = crc32(piece, entry.crc);
      writeSync(file, piece, 0, piece.length, at);
      at += piece.length;
    }
    const header = localHeader(entry);
    writeSync(file, header, 0, header.length, place);
    entries.push(entry);
    place = at;
  };
  const pickle = statePickle(tensors);
  add('archive/data.pkl', pickle.length, [pickle]);
  tensors.forEach((tensor, i) => add(`archive/data/${i}`, tensor.bytes, dataOf(tensor)));
  add('archive/version', 2, [Buffer.from('3\n')]);
  const directory = Buffer.concat(entries.map(centralHeader));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(place, 16);
  writeSync(file, Buffer.concat([directory, end]), 0, directory.length + end.length, place);
  closeSync(file);
}
