// Tests that every public function and method is documented with an example, and runs every example and every snippet of a README in
// Chromium with the served models.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openEngine } from './engines.mjs';
import { examples as documented, fenced } from './snippets.mjs';

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

const examples = documented();
const blocks = (language) => fenced().filter((block) => block.language === language);
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

/** Turns a snippet of a README into the body of a function, in which models of this folder take the place of the hub's. */
const runnable = (code) =>
  code
    .replace(
      /^import (\{.*\}) from '(?:sedd-web|\.\/web\/client\.js)';$/gm,
      "const $1 = await import('/web/client.js');",
    )
    .replaceAll('hub:louaaron/sedd-small', 'models/sedd-nano');

for (const { file, line, code } of blocks('js')) {
  test(`${file}:${line} runs`, async () => {
    const said = await engine.evaluate(`
      const lines = [];
      const console = { log: (...values) => lines.push(values.map(String).join(' ')) };
      if (!document.querySelector('sedd-demo')) {
        await import('/web/define.js');
        document.body.innerHTML = '<sedd-demo model="models/sedd-nano" length="24"></sedd-demo>';
      }
      ${runnable(code)}
      return lines;`);
    assert.ok(said.length > 0, 'it says something');
  });
}

for (const { file, line, code } of blocks('html')) {
  test(`${file}:${line} shows what it says`, async () => {
    const markup = JSON.stringify(code.replaceAll('run.trace.json', 'models/sedd-nano/trace.json'));
    const { scripts, states, errors } = await engine.evaluate(`
      const errors = [];
      addEventListener('sedd-error', (event) => errors.push(event.detail.error.message));
      document.body.innerHTML = ${markup};
      const scripts = await Promise.all([...document.scripts].map(async ({ src }) => [src, typeof (await import(src))]));
      await import('/web/define.js');
      const states = [];
      for (const element of document.querySelectorAll('sedd-player, sedd-demo')) {
        if (element.localName === 'sedd-player') await element.load();
        else await element.run({ steps: 2 });
        states.push(element.text ?? element.sample.text);
      }
      document.body.replaceChildren();
      return { scripts, states, errors };`);
    assert.deepEqual(errors, []);
    assert.ok(
      scripts.every(([, kind]) => kind === 'object') && states.length > 0 && states.every((text) => text !== undefined),
    );
  });
}

for (const { file, line, code } of blocks('css')) {
  test(`${file}:${line} is CSS whose tokens and parts exist`, async () => {
    const rules = await engine.evaluate(`
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(${JSON.stringify(code)});
      return [...sheet.cssRules].map(({ cssText }) => cssText);`);
    assert.equal(rules.length, code.match(/\{/g).length);
    assert.ok(
      rules.every((rule) => !/\{ *\}/.test(rule)),
      'no rule lost its declarations',
    );
  });
}
