// Compares elements.d.ts with the elements: the same properties and methods, and the same words for each attribute that has a choice.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { SeddDemo } from '../../web/demo-element.js';
import { SeddPlayer } from '../../web/player-element.js';

const TYPES = readFileSync(new URL('../../web/elements.d.ts', import.meta.url), 'utf8');
const INHERITED = /^(constructor|translate|(connected|disconnected|attributeChanged)Callback)$/; // not public members

/** Returns the members that elements.d.ts declares for a class, each with its type if it is a property. */
function declared(name) {
  const [, body] = new RegExp(`export class ${name} extends HTMLElement \\{\\n(.*?)^\\}`, 'ms').exec(TYPES);
  const lines = body.matchAll(/^ {2}(?:readonly |get |set )?(\w+)(?:\(|: (.*);|<)/gm);
  return new Map([...lines].map(([, member, type]) => [member, type ?? '']));
}

/** Returns the public members of an element's class: the properties of its attributes, its accessors and methods. */
function members(Class) {
  return Object.getOwnPropertyNames(Class.prototype).filter((member) => !INHERITED.test(member));
}

for (const [name, Class] of Object.entries({ SeddDemo, SeddPlayer })) {
  test(`elements.d.ts has the members of ${name}`, () => {
    const types = declared(name);
    for (const listener of ['addEventListener', 'removeEventListener']) assert.ok(types.delete(listener), listener);
    assert.deepEqual([...types.keys()].sort(), members(Class).sort());
  });

  test(`elements.d.ts has the words of the attributes of ${name}`, () => {
    const types = declared(name);
    const choices = Object.entries(Class.fields).filter(([, { expected }]) => expected?.startsWith('"'));
    assert.ok(choices.length > 1);
    for (const [member, { expected }] of choices) {
      const type = types.get(member);
      if (type.startsWith('SampleOptions')) continue; // the module's own words
      assert.equal(type.replaceAll("'", '"').replaceAll(' | ', ' or '), expected, member);
    }
  });
}
