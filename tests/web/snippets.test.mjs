// Type-checks every JavaScript snippet of the documentation under strict, as a reader with TypeScript would paste it, and checks that
// every other fenced block is in its language. tests/browser/docs.test.mjs runs the snippets.
import { before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { readTrace } from '../../web/client/trace.js';
import { types } from '../../scripts/package/types.mjs';
import { ROOT, examples, fenced, indented } from '../browser/snippets.mjs';

const WORK = path.join(ROOT, 'build/snippets');
const FUNCTIONS =
  'probe plan loadSEDD loadGPT2 compare report parsePrompt formatPrompt escapeText store SeddError'.split(' ');
const OPTIONS = {
  strict: true,
  target: 'es2022',
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['es2022', 'dom', 'dom.iterable'],
  types: [],
  noEmit: true,
  paths: {
    'sedd-web': [path.join(ROOT, 'types/client.d.ts')],
    'sedd-web/element': [path.join(ROOT, 'web/elements.d.ts')],
  },
};

before(() => types());

/**
 * Makes a module of a snippet. Declares what examples in doc comments assume: the models and the module's functions.
 */
function moduleOf({ file, code }) {
  const body = code.replaceAll(/'\.\/web\/client\.js'/g, "'sedd-web'");
  const lines = ["import 'sedd-web/element';"];
  if (file.endsWith('.js')) {
    for (const [name, type] of [
      ['sedd', 'SEDD'],
      ['gpt2', 'GPT2'],
    ])
      if (!new RegExp(`\\b(const|using) ${name}\\b`).test(body))
        lines.push(`declare const ${name}: import('sedd-web').${type};`);
    const missing = FUNCTIONS.filter((name) => !new RegExp(`import \\{[^}]*\\b${name}\\b`).test(body));
    if (missing.length) lines.push(`import { ${missing.join(', ')} } from 'sedd-web';`);
  }
  return `${lines.join(' ')}\n${body}\nexport {};\n`;
}

/** Compiles modules by name. Returns the compiler's messages. */
function compile(modules) {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  const names = Object.keys(modules);
  for (const name of names) writeFileSync(path.join(WORK, name), modules[name]);
  writeFileSync(path.join(WORK, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, files: names }));
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', WORK], { cwd: WORK, encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

test('every snippet of a README and of a doc comment type-checks under strict', () => {
  const snippets = [...fenced().filter(({ language }) => language === 'js'), ...examples()];
  assert.ok(snippets.length > 25, `${snippets.length} snippets`);
  const modules = snippets.map((one) => [
    `${one.file.replaceAll(/\W/g, '-')}-${one.line}.ts`,
    `// ${one.file}:${one.line}\n${moduleOf(one)}`,
  ]);
  assert.equal(compile(Object.fromEntries(modules)), '');
});

test('runs, comparisons and events have types of their own', () => {
  const source = `
    import 'sedd-web/element';
    import { compare, loadGPT2, loadSEDD, report, type GPT2, type SEDD, type SampleEvent } from 'sedd-web';
    await using sedd = await loadSEDD('a');
    using gpt2 = await loadGPT2('b');
    const plain: [SEDD, GPT2] = [sedd, gpt2];
    const run = sedd.sample({ onStep: (event: SampleEvent) => event.positions.length });
    for await (const event of run) {
      console.log(event.step, event.total, event.masked, event.positions, event.ids, event.texts);
      if (event.start) console.log(event.held.length);
      else console.log(event.ms.toFixed(1));
    }
    const result = await compare(sedd, gpt2, { steps: [1] }).result;
    console.log(result.sedd[0].perStepMs, result.gpt2.perTokenMs, report(result, 'csv').length, plain);
    // @ts-expect-error a field that a result does not have
    result.nothing;
    // @ts-expect-error not a result
    report({ format: 'sedd-comparison' });
    // @ts-expect-error a field that the model's description does not have
    sedd.info.nothing;
    const demo = document.querySelector('sedd-demo')!;
    demo.addEventListener('sedd-done', ({ detail }) => detail.sample.text);
    demo.addEventListener('sedd-step', function ({ detail }) { return this.steps + detail.ms; });
    demo.addEventListener('click', ({ clientX }) => clientX);
    // @ts-expect-error a demo's event has no text
    demo.addEventListener('sedd-done', ({ detail }) => detail.text);
    document.querySelector('sedd-player')!.addEventListener('sedd-done', ({ detail }) => detail.text);
    for (const place of [document, window, document.body]) {
      place.addEventListener('sedd-error', (event) => (event as CustomEvent).detail);
    }
    document.addEventListener('sedd-error', ({ detail }) => detail.error.hint);
    window.addEventListener('sedd-select', ({ detail }) => detail.position);
    document.body.addEventListener('sedd-done', ({ detail }) => ('sample' in detail ? detail.sample.text : detail.text));
    const loaded: Promise<void> = demo.load();
    export { loaded };`;
  assert.equal(compile({ 'types.ts': source }), '');
});

test('every fenced block names its language', () => {
  const languages = new Set(fenced().map(({ language }) => language));
  assert.deepEqual([...languages].sort(), ['css', 'html', 'js', 'json']);
  const coded = indented().filter(({ code }) =>
    /^(import .* from|const |let |await |for await|<\w|sedd-\w+(::| \{))/m.test(code),
  );
  assert.deepEqual(
    coded.map(({ file, line }) => `${file}:${line}`),
    [],
    'code that is not fenced is not run',
  );
});

test('JSON blocks are JSON, and a trace among them is one', () => {
  const blocks = fenced().filter(({ language }) => language === 'json');
  assert.ok(blocks.length >= 2);
  const values = blocks.map(({ code }) => JSON.parse(code));
  assert.equal(values.filter(({ format }) => format === 'sedd-trace').map((trace) => readTrace(trace)).length, 1);
});
