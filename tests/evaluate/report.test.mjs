// Makes the report from synthetic rows and checks the source of each figure, that text is escaped, and the card's fields.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { card } from '../../scripts/evaluate/report/cards.mjs';
import { html } from '../../scripts/evaluate/report/html.mjs';
import { markdown } from '../../scripts/evaluate/report/markdown.mjs';
import { sections } from '../../scripts/evaluate/report/sections.mjs';
import { dotChart, lineChart, ticks } from '../../scripts/evaluate/report/svg.mjs';
import { Results } from '../../scripts/evaluate/store.mjs';

const PAIR = { sedd: 'sedd-nano', twin: 'gpt2-nano', student: 'sedd-nano-fast', judge: null };
const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-report-'));
test.after(() => rmSync(folder, { recursive: true }));

const written = (ppl, entropy) => ({
  table: 'generation',
  judge: 'judge',
  texts: 8,
  length: 128,
  ppl,
  pplInterval: [ppl * 0.9, ppl * 1.1],
  nats: Math.log(ppl),
  error: 0.05,
  entropy,
  entropyError: 0.02,
  distinct: [0.2, 0.5, 0.8, 0.9],
  repetition: [0.3, 0.1, 0.05, 0.01],
  selfBleu: 0.3,
  divergence: [0.1, 0.3, 0.5, 0.6],
  against: 8,
  mauve: 0.7, // older rows have this field, which is no longer reported
});
const ROWS = [
  {
    table: 'perplexity',
    model: 'sedd-nano',
    sha256: 'a'.repeat(64),
    parameters: 4000000,
    corpus: 'stories',
    title: 'Stories <script>alert(1)</script>',
    estimator: 'kmask',
    nats: 2.8,
    error: 0.04,
    noise: 0.01,
    ppl: Math.exp(2.8),
    blocks: 128,
    tokens: 16384,
  },
  {
    table: 'perplexity',
    model: 'gpt2-nano',
    sha256: 'b'.repeat(64),
    parameters: 3000000,
    corpus: 'stories',
    title: 'Stories <script>alert(1)</script>',
    estimator: 'blocks',
    nats: 2.5,
    error: 0.04,
    noise: 0,
    ppl: Math.exp(2.5),
    blocks: 128,
    tokens: 16384,
  },
  {
    table: 'perplexity',
    model: 'sedd-small',
    sha256: 'c'.repeat(64),
    corpus: 'lambada',
    title: 'LAMBADA',
    estimator: 'reference',
    nats: 3.9,
    error: 0.1,
    noise: 0,
    ppl: 49.4,
    blocks: 3,
    tokens: 3072,
  },
  { ...written(10, 4.05), kind: 'held-out' },
  {
    ...written(60, 4.2),
    model: 'sedd-nano',
    sha256: 'a'.repeat(64),
    parameters: 4000000,
    kind: 'sedd',
    steps: 64,
    temperature: 1,
    twinPpl: 30,
  },
  {
    ...written(200, 4.4),
    model: 'sedd-nano',
    sha256: 'a'.repeat(64),
    parameters: 4000000,
    kind: 'sedd',
    steps: 8,
    temperature: 1,
  },
  {
    ...written(22, 4.1),
    model: 'gpt2-nano',
    sha256: 'b'.repeat(64),
    parameters: 3000000,
    kind: 'gpt2',
    temperature: 1,
  },
  {
    table: 'latency',
    model: 'sedd-nano',
    twin: 'gpt2-nano',
    length: 128,
    threads: 1,
    host: 'tool',
    kernels: 'avx2',
    rows: [
      { steps: 8, ms: 50, interval: [49, 51] },
      { steps: 64, ms: 400, interval: [390, 410] },
      { steps: null, ms: 60, interval: [59, 61] },
    ],
    breakEven: { steps: 9.6, interval: [9.4, 9.8] },
  },
];

/** Returns the rows of a student, which has its own way of sampling. */
const TAUGHT = { model: 'sedd-nano-fast', sha256: 'd'.repeat(64), parameters: 4000000, way: 'known' };
const STUDENT = [
  { ...written(70, 4.15), ...TAUGHT, kind: 'sedd', steps: 8, temperature: 1 },
  {
    table: 'latency',
    ...TAUGHT,
    twin: 'gpt2-nano',
    length: 128,
    threads: 1,
    host: 'tool',
    kernels: 'avx2',
    rows: [
      { steps: 8, ms: 20, interval: [19, 21] },
      { steps: null, ms: 60, interval: [59, 61] },
    ],
    breakEven: { steps: 24.1, interval: [23, 25] },
  },
];

function results(rows = ROWS) {
  const file = path.join(folder, 'rows.jsonl');
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return new Results(file);
}

test('rows replace those of the same measurement and are kept in a fixed order', () => {
  const list = results();
  list.add({ ...ROWS[0], nats: 2.7 });
  assert.equal(list.rows.size, ROWS.length);
  assert.equal(list.of('perplexity', { model: 'sedd-nano' })[0].nats, 2.7);
  const file = path.join(folder, 'again.jsonl');
  writeFileSync(file, list.text());
  assert.equal(new Results(file).text(), list.text());
});

test('Markdown marks figures as measured, published or not yet measured', () => {
  const text = markdown(sections(results(), PAIR), ['machine']);
  assert.match(text, /\| SEDD small, Lou, Meng & Ermon 2024 \| \*≤ 50.92\*/);
  assert.match(text, /\| SEDD small, this engine \| ≤ 49.40 \| not yet \|/);
  assert.match(text, /a gap of 12.0 %/);
  assert.match(text, /the times are equal at 9.6 steps /);
  assert.match(text, /With 8 steps, texts have a perplexity of 200 by the judge, and the twin’s own texts 22.0/);
  assert.match(text, /From 8 to 64 steps the entropy within a text goes from 4.40 to 4.20/);
  assert.match(text, /figures\/steps.svg/);
});

test('SEDD\u2019s exact value from left to right stands beside its bound', () => {
  const chain = { ...ROWS[0], estimator: 'chain', nats: 2.75, noise: 0, ppl: Math.exp(2.75) };
  const both = results([...ROWS, chain]);
  const text = markdown(sections(both, PAIR), ['machine']);
  assert.match(text, /2\.800 ± 0\.040 \(± 0\.010 by masks, perplexity 16\.4\) \| not yet \| 2\.750 ± 0\.040/);
  assert.match(text, /its exact value from left to right is 2\.750, and its twin/);
  assert.equal(card(both, 'sedd-nano', PAIR).chain.nats, 2.75);
});

test('an error that a single value cannot give is left out, and shown neither as 0 nor as NaN', () => {
  const alone = { ...ROWS[0], error: null, noise: null, pplInterval: [null, null] };
  const text = markdown(sections(results([alone, ...ROWS.slice(1)]), PAIR), ['machine']);
  assert.match(text, /\| 2\.800 \(perplexity 16\.4\) \|/);
  assert.match(text, /nats a token \(± – by windows and masks\)/);
  assert.doesNotMatch(text, /NaN|null|± 0\.000/);
});

test('without a twin its cells are empty, and no other model\u2019s rows take its place', () => {
  const text = markdown(sections(results(), { ...PAIR, twin: null }), ['machine']);
  assert.doesNotMatch(text, /GPT-2 twin, temperature|NaN|undefined/);
  assert.equal(card(results(), 'sedd-nano', { ...PAIR, twin: null }).twin, undefined);
});

test('a student stands beside its teacher', () => {
  const both = results([...ROWS, ...STUDENT]);
  const text = markdown(sections(both, PAIR), ['machine']);
  assert.match(text, /\| Student, 8 steps \| 70.0/);
  assert.match(text, /the times are equal at 9.6 steps .* and at 24.1 steps of the student\./);
  assert.match(
    text,
    /With 8 steps of the student, texts have a perplexity of 70.0 .* reads only the known tokens and the masks that are about to open/,
  );
  const { steps, breakEven, twin } = card(both, 'sedd-nano-fast', PAIR);
  assert.deepEqual([steps[0].ppl, steps[0].ms, breakEven.steps, twin.ms], [70, 20, 24.1, 60]);
  assert.equal(card(both, 'sedd-nano', PAIR).breakEven.steps, 9.6);
});

test('the page has neither scripts nor inline styles, and text is escaped', () => {
  const page = html(sections(results(), PAIR), ['<b>']);
  assert.doesNotMatch(page, /<script|\sstyle=|<style|\son\w+=/);
  assert.match(page, /Stories &lt;script&gt;/);
  assert.match(page, /<td class="published">≤ 50.92 <small>published<\/small>/);
  assert.match(page, /<td class="missing"> <small>not yet<\/small>/);
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.includes(target), target);
  for (const tag of ['table', 'figure', 'section', 'svg'])
    assert.equal(page.split(`<${tag}`).length, page.split(`</${tag}>`).length, tag);
});

test('a card has the documented fields', () => {
  const { steps, twin, heldOut, bound, breakEven, model, measured, ...rest } = card(results(), 'sedd-nano', PAIR);
  assert.deepEqual(model, { folder: 'sedd-nano', kind: 'sedd', parameters: 4000000, sha256: 'a'.repeat(64) });
  assert.deepEqual(
    steps.map(({ steps: count, ppl, entropy, ms }) => [count, ppl, entropy, ms]),
    [
      [8, 200, 4.4, 50],
      [64, 60, 4.2, 400],
    ],
  );
  assert.deepEqual([twin.folder, twin.ppl, twin.entropy, twin.nats, twin.ms], ['gpt2-nano', 22, 4.1, 2.5, 60]);
  assert.deepEqual(
    [heldOut.ppl, bound.nats, breakEven.steps, measured.judge, rest.format, rest.version],
    [10, 2.8, 9.6, 'judge', 'sedd-card', 1],
  );
  assert.equal(card(results(), 'unknown', PAIR), null);
});

test('charts place values where they belong', () => {
  const svg = lineChart({
    title: 'T',
    x: 'x',
    y: 'y',
    xLog: true,
    yLog: true,
    xTicks: [1, 10, 100],
    series: [
      {
        label: 'a & b',
        kind: 'sedd',
        points: [
          [1, 1],
          [10, 10],
          [100, 100],
        ],
      },
    ],
  });
  const dots = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  assert.ok(
    Math.abs(dots[1][0] - (dots[0][0] + dots[2][0]) / 2) < 0.2 &&
      Math.abs(dots[1][1] - (dots[0][1] + dots[2][1]) / 2) < 0.2,
    'decades lie evenly',
  );
  assert.ok(dots[0][1] > dots[2][1], 'more is higher');
  assert.match(svg, /a &amp; b/);
  assert.doesNotMatch(svg, /NaN|undefined/);
  assert.doesNotMatch(
    dotChart({
      title: 'T',
      x: 'x',
      rows: [{ label: 'r', chance: 25, dots: [{ kind: 'sedd', value: 30, interval: [20, 40] }] }],
    }),
    /NaN|undefined/,
  );
  assert.deepEqual(ticks(0, 10), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(3, 120, true), [5, 10, 20, 50, 100]);
});
