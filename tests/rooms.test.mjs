// Checks how the sources depend on each other. There is no circle among object files, headers or modules, and no room
// of core/ or web/ uses a room above it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const OBJECTS = path.join(ROOT, 'build/native/CMakeFiles');

/** The rooms of core/, lowest first. A file of the root is in `base`, except those named. */
const CORE = ['base', 'kernels', 'engine', 'model', 'files', 'text', 'diffusion', 'eval', 'golden', 'cli'];
const coreRoom = (file) => (file.includes('/') ? file.split('/')[0] : /^engine\b/.test(file) ? 'engine' : 'base');

/** The rooms of web/, lowest first. `base` and the modules that others address by name are files of the root. */
const WEB = ['base', 'strings', 'store', 'gpu', 'engine', 'load', 'worker', 'client', 'view', 'element', 'page'];
const WEB_ROOT = {
  base: ['errors.js', 'prompt.js', 'builds.js', 'spawn.js'],
  worker: ['worker.js', 'node-worker.js'],
  client: ['client.js', 'node.js'],
  element: ['define.js', 'demo-element.js', 'player-element.js'],
};
const webRoom = (file) =>
  file.includes('/')
    ? file.split('/')[0]
    : Object.keys(WEB_ROOT).find((room) => WEB_ROOT[/** @type {'base'} */ (room)].includes(file));

const below = (folder, pattern) =>
  readdirSync(path.join(ROOT, folder), { recursive: true })
    .map((name) => String(name).replaceAll(path.sep, '/'))
    .filter((name) => pattern.test(name));

/** Returns each circle of a graph, as the names along it. @param {Map<string, string[]>} graph */
function circles(graph) {
  const found = [];
  const done = new Set();
  const visit = (name, trail) => {
    if (trail.includes(name)) found.push([...trail.slice(trail.indexOf(name)), name].join(' -> '));
    if (done.has(name)) return;
    done.add(name);
    for (const next of graph.get(name) ?? []) visit(next, [...trail, name]);
  };
  for (const name of graph.keys()) visit(name, []);
  return found;
}

/** Returns the edges of a graph that lead to a room above their own. */
function upward(graph, rooms, roomOf) {
  const level = (name) => {
    const room = roomOf(name);
    assert.ok(rooms.includes(room), `${name} is in a room without a level; give it one in tests/rooms.test.mjs`);
    return rooms.indexOf(room);
  };
  return [...graph].flatMap(([from, names]) =>
    names.filter((to) => level(to) > level(from)).map((to) => `${from} -> ${to}`),
  );
}

/** Returns the object files of core/, each with those that define what it uses. */
function objectGraph() {
  const { stdout } = spawnSync('find', [OBJECTS, '-path', '*/core/*.o', '-not', '-path', '*/tests/*'], {
    encoding: 'utf8',
  });
  const defines = new Map();
  const uses = new Map();
  const listed = spawnSync('nm', ['-A', ...stdout.split('\n').filter(Boolean)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  for (const [, name, kind, symbol] of listed.stdout.matchAll(/\/core\/([^:]+)\.c\.o:[\da-f ]* (\w) (\w+)$/gm)) {
    if (!uses.has(name)) uses.set(name, []);
    if ('TDBR'.includes(kind)) defines.set(symbol, name);
    if (kind === 'U') uses.get(name).push(symbol);
  }
  const others = (name, symbols) =>
    [...new Set(symbols.map((symbol) => defines.get(symbol)))].filter((other) => other && other !== name);
  return new Map([...uses].map(([name, symbols]) => [name, others(name, symbols)]));
}

/** Returns the files of core/ with the files of core/ that they include. */
function includeGraph() {
  const names = below('core', /\.[ch]$/);
  const resolve = (from, name) => (names.includes(name) ? name : path.posix.join(path.posix.dirname(from), name));
  return new Map(
    names.map((name) => {
      const source = readFileSync(path.join(ROOT, 'core', name), 'utf8');
      const included = [...source.matchAll(/^#include "([^"]+)"/gm)].map(([, other]) => resolve(name, other));
      return [name, included.filter((other) => names.includes(other))];
    }),
  );
}

/** Returns the modules of web/ with the modules that they import, at their start or later. */
function importGraph() {
  const names = below('web', /^(?!wasm\/|vendor\/|examples\/).*\.js$/);
  return new Map(
    names.map((name) => {
      const source = readFileSync(path.join(ROOT, 'web', name), 'utf8').replace(/^ *(\*|\/\*\*).*$/gm, '');
      const imported = [...source.matchAll(/(?:\bfrom|\bimport\(?)\s*'(\.[^']+)'/g)].map(([, other]) =>
        path.posix.join(path.posix.dirname(name), other),
      );
      return [name, imported.filter((other) => names.includes(other))];
    }),
  );
}

test('no two object files of core/ use each other, directly or through others', { skip: !existsSync(OBJECTS) }, () => {
  const graph = objectGraph();
  assert.ok(graph.size > 50 && [...graph.values()].flat().length > 100, 'the object files were read');
  assert.deepEqual(circles(graph), []);
  assert.deepEqual(upward(graph, CORE, coreRoom), []);
});

test('no file of core/ includes itself through others, or a file of a room above its own', () => {
  const graph = includeGraph();
  assert.ok([...graph.values()].flat().length > 100, 'the includes were read');
  assert.deepEqual(circles(graph), []);
  assert.deepEqual(upward(graph, CORE, coreRoom), []);
});

test('no module of web/ imports itself through others, or one of a room above its own', () => {
  const graph = importGraph();
  assert.ok([...graph.values()].flat().length > 150, 'the imports were read');
  assert.deepEqual(circles(graph), []);
  assert.deepEqual(upward(graph, WEB, webRoom), []);
});

test('a circle and an upward edge are found', () => {
  const graph = new Map([
    ['model/a.h', ['kernels/b.h']],
    ['kernels/b.h', ['model/a.h']],
  ]);
  assert.deepEqual(circles(graph), ['model/a.h -> kernels/b.h -> model/a.h']);
  assert.deepEqual(upward(graph, CORE, coreRoom), ['kernels/b.h -> model/a.h']);
});
