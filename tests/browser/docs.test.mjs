// Every public function and method is documented with an example, and every example runs (in Chromium, against the served models).
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from './engines.mjs';

const WEB = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../web');
const FILES = [
  'client.js',
  'client/compare.js',
  'client/report.js',
  'prompt.js',
  'engine/features.js',
  'store/store.js',
];
const PUBLIC = [
  'probe',
  'plan',
  'loadSEDD',
  'loadGPT2',
  'compare',
  'report',
  'parsePrompt',
  'formatPrompt',
  'escapeText',
  'sedd.sample',
  'sedd.resume',
  'sedd.inspect',
  'sedd.bound',
  'sedd.selfTest',
  'sedd.tokenize',
  'sedd.detokenize',
  'sedd.dispose',
  'gpt2.generate',
  'gpt2.nll',
  'store.list',
  'store.delete',
  'store.estimate',
  'store.persist',
];

/** The code under each @example: the indented lines that follow. */
function examplesOf(file) {
  const found = [];
  for (const [, body] of readFileSync(path.join(WEB, file), 'utf8').matchAll(/@example\n((?:\s*\*(?: {3}.*)?\n)+)/g)) {
    found.push(
      body
        .split('\n')
        .map((line) => line.replace(/^\s*\* {0,3}/, ''))
        .join('\n')
        .trim(),
    );
  }
  return found.map((code) => ({ file, code }));
}

const examples = FILES.flatMap(examplesOf);
let engine;
before(async () => {
  engine = await openEngine('Chromium');
  await engine.goto('tests/browser/blank.html');
  await engine.evaluate('document.head.append(Object.assign(document.createElement("base"), { href: "/" }));');
});
after(() => engine?.close());

test('every public function has an example', async () => {
  const all = examples.map(({ code }) => code).join('\n');
  assert.deepEqual(
    PUBLIC.filter((name) => !all.includes(`${name}(`)),
    [],
  );
  const exported = await engine.evaluate(
    'const api = await import("/web/client.js"); return Object.keys(api).filter((name) => typeof api[name] === "function" && !/^[A-Z]/.test(name));',
  );
  assert.deepEqual(
    exported.filter((name) => !PUBLIC.includes(name)),
    [],
    'and none is missing in this list',
  );
});

for (const { file, code } of examples) {
  test(`${file}: ${code
    .split('\n')
    .find((line) => !line.startsWith('import'))
    .slice(0, 80)}`, async () => {
    const body = code.replace(/^import (\{.*\}) from 'sedd-web';$/gm, '');
    const said = await engine.evaluate(`
      const api = await import('/web/client.js');
      const { ${PUBLIC.filter((name) => !name.includes('.')).join(', ')}, store, SeddError } = api;
      const lines = [];
      const console = { log: (...values) => lines.push(values.map(String).join(' ')) };
      const models = globalThis.models ??= { sedd: await loadSEDD('models/sedd-nano'), gpt2: await loadGPT2('models/gpt2-nano') };
      if (${body.includes('dispose(')}) delete globalThis.models;
      await (async ({ sedd, gpt2 }) => { { ${body}\n } })(models);
      return lines;`);
    assert.ok(Array.isArray(said));
    assert.ok(said.length > 0 || !code.includes('console.log') || code.includes('if (!ok)'), 'it says something');
  });
}
