// Tests the public module over a worker (a Node thread): runs, states, branches, queue, pause, abort, budget, traces.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadGPT2, loadSEDD } from '../../web/client.js';
import { readTrace } from '../../web/client/trace.js';
import { ROOT, filesOf, gpt2InNode, seddInNode } from './files.mjs';
import { NodeWorker } from './node-worker.mjs';

const native = (...flags) =>
  execFileSync(path.join(ROOT, 'build/native/sedd'), ['sample', 'models/sedd-nano', ...flags], {
    cwd: ROOT,
    encoding: 'utf8',
  });
const isAbort = (error) => error.name === 'AbortError';
let sedd;
let gpt2;
before(async () => {
  [sedd, gpt2] = await Promise.all([seddInNode(), gpt2InNode()]);
});
after(() => Promise.all([sedd.dispose(), gpt2.dispose()]));

test('a run reports its events, its seed and its timings, and writes the native text', async () => {
  const run = sedd.sample({ steps: 12, seed: 7 });
  const events = [];
  for await (const event of run) events.push(event);
  const result = await run.result;
  assert.equal(`${result.text}\n`, native('--steps', '12', '--seed', '7'));
  assert.ok(events[0].start && events[0].texts.every((text) => text === null) && events.length === 14);
  const [{ step, total, masked, positions, ids, held }] = events;
  assert.deepEqual(
    [step, total, masked, positions.length, ids.length, held],
    [0, events.at(-1).total, ids.length, ids.length, ids.length, []],
  );
  assert.deepEqual(positions, [...ids.keys()], 'the first event lists every position');
  const open = events
    .slice(1)
    .flatMap(({ positions, ids, texts }) => positions.map((place, i) => [place, ids[i], texts[i]]));
  for (const [place, id, text] of open) {
    assert.equal(result.ids[place], id);
    assert.equal(typeof text, 'string');
  }
  assert.equal(open.length, 128);
  assert.equal(result.seed, 7);
  assert.equal(result.timings.stepsMs.length, 13);
  assert.ok(result.timings.loadMs > 0 && result.timings.totalMs >= result.timings.stepsMs.reduce((a, b) => a + b, 0));
  assert.ok(result.kernels && result.threads === 1);
});

test('a random seed is reported and gives the same text again', async () => {
  const first = sedd.sample({ length: 16, steps: 4 });
  const { text, seed } = await first.result;
  assert.equal(first.seed, seed);
  assert.equal((await sedd.sample({ length: 16, steps: 4, seed }).result).text, text);
});

test('holes are written, the given text stays', async () => {
  const { text, ids } = await sedd.sample({ prompt: 'Once upon a time,{12} They were happy.', steps: 8, seed: 2 })
    .result;
  assert.match(text, /^Once upon a time,.* They were happy\.$/s);
  assert.equal(
    ids.length,
    (await sedd.tokenize('Once upon a time,')).ids.length + 12 + (await sedd.tokenize(' They were happy.')).ids.length,
  );
});

test('resume continues exactly, from any step, and keeps the options', async () => {
  const run = sedd.sample({ prompt: 'Once upon a time', length: 48, steps: 8, seed: 3, temperature: 0.8, topP: 0.9 });
  const { ids } = await run.result;
  for (const step of [0, 3, 7])
    assert.deepEqual((await sedd.resume(run.state(step)).result).ids, ids, `from step ${step}`);
  assert.deepEqual(
    (await sedd.resume(JSON.parse(JSON.stringify(run.state(3)))).result).ids,
    ids,
    'also after a trip through JSON',
  );
  assert.throws(
    () => sedd.resume(run.state(3)) && sedd.resume(null),
    (error) => error.code === 'argument',
  );
});

test('a branch differs only because of its edit', async () => {
  const run = sedd.sample({ length: 32, steps: 6, seed: 4 });
  const { ids } = await run.result;
  const state = run.state(3);
  const masked = state.ids.indexOf(sedd.info.maskId);
  const open = state.ids.findIndex((id) => id !== sedd.info.maskId);
  const edited = await sedd.resume(state, { edit: [[masked, 11]] }).result;
  assert.equal(edited.ids[masked], 11);
  const again = sedd.resume(state, { edit: [[open, null]] });
  assert.notEqual((await again.result).ids[open], sedd.info.maskId, 'a place that was opened again is written anew');
  assert.deepEqual((await sedd.resume(state, { edit: [] }).result).ids, ids);
  const branch = sedd.resume(state, { edit: [[masked, 11]] });
  await branch.result;
  assert.deepEqual((await sedd.resume(branch.state(4)).result).ids, edited.ids, 'a branch can be branched');
  const other = await sedd.resume(state, { seed: 99 }).result;
  assert.notDeepEqual(other.ids, ids);
  state.ids.forEach((id, i) => {
    if (id !== sedd.info.maskId) assert.equal(other.ids[i], id, 'what was open stays');
  });
  const finer = sedd.resume(state, { steps: 12 });
  await finer.result;
  assert.equal(finer.state(0 + 6).position, 6, 'half way of 6 is half way of 12');
  assert.throws(() => sedd.resume(state, { edit: [[32, 1]] }), /outside the window/);
});

test('calls queue in order; a paused run lets others through', async () => {
  const order = [];
  const note = (name) => (value) => {
    order.push(name);
    return value;
  };
  const run = sedd.sample({ length: 32, steps: 20, seed: 5 });
  const queued = [
    run.result.then(note('run')),
    sedd.tokenize('a').then(note('tokenize')),
    sedd.sample({ length: 8, steps: 2, seed: 1 }).result.then(note('second')),
  ];
  await Promise.all(queued);
  assert.deepEqual(order, ['run', 'tokenize', 'second']);
  const slow = sedd.sample({ length: 32, steps: 20, seed: 5 });
  for await (const event of slow) if (event.step === 3) break;
  slow.pause();
  const { ids } = await sedd.sample({ length: 128, steps: 2, seed: 1 }).result;
  assert.equal(ids.length, 128, 'a larger window while the other waits');
  await sedd.inspect(slow.state().ids, { sigma: 0.5, positions: [0] });
  slow.continue();
  assert.deepEqual((await slow.result).ids, (await run.result).ids, 'the pause changed nothing');
});

test('a paused run makes one step for each continue, even if the next pause arrives with it', async () => {
  const options = { length: 16, steps: 6, seed: 3 };
  const before = sedd.sample(options); // keeps the worker busy, so that the acts arrive together
  const run = sedd.sample(options);
  for (const act of ['pause', 'continue', 'pause', 'continue', 'pause']) run[act]();
  await before.result;
  const steps = [];
  for await (const { step, start } of run) {
    if (start) continue;
    steps.push(step);
    if (step === 2) break;
  }
  assert.equal((await sedd.tokenize('other calls have their turn')).ids.length > 0, true);
  assert.equal(run.state().position, 2, 'two steps and no more');
  run.continue();
  assert.deepEqual((await run.result).ids, (await before.result).ids);
});

test('GPT-2 pauses, too, and each run has its own cache', async () => {
  const options = { prompt: 'Once upon a time', tokens: 30, seed: 3 };
  const { text } = await gpt2.generate(options).result;
  const run = gpt2.generate(options);
  for await (const { index } of run) if (index === 5) break;
  run.pause();
  await gpt2.nll('Something else entirely.');
  run.continue();
  assert.equal((await run.result).text, text);
  assert.equal((await run.result).timings.stepsMs.length, 30);
});

test('an abort takes effect at once while a run is running, queued, paused or about to start', async () => {
  const running = sedd.sample({ steps: 5000, seed: 1 });
  for await (const event of running) if (event.step === 2) break;
  const queued = sedd.sample({ steps: 4, seed: 1 });
  const controller = new AbortController();
  const bySignal = sedd.bound('one two three', { signal: controller.signal });
  let rejected = 0;
  for (const promise of [running.result, queued.result, bySignal])
    promise.catch((error) => {
      rejected += isAbort(error);
    });
  queued.abort();
  controller.abort();
  running.abort();
  for (let i = 0; i < 20; i++) await null;
  assert.equal(rejected, 3, 'at once: before any message could come from the worker');
  await assert.rejects(sedd.tokenize('a', { signal: AbortSignal.abort() }), isAbort);
  const paused = sedd.sample({ length: 16, steps: 50, seed: 1 });
  paused.pause();
  paused.abort();
  await assert.rejects(
    (async () => {
      for await (const event of paused) assert.ok(event);
    })(),
    isAbort,
  );
  assert.equal((await sedd.tokenize('still here')).texts.join(''), 'still here');
});

test('if threads share memory, an abort ends the current evaluation and affects no other call', async () => {
  const many = await seddInNode({ threads: 2 });
  try {
    const options = { length: 1024, steps: 2, seed: 1 };
    const expected = await many.sample(options).result;
    const whole = expected.timings.stepsMs[0];
    const run = many.sample(options);
    for await (const event of run) if (event.start) break;
    await new Promise((resolve) => {
      setTimeout(resolve, whole / 8);
    });
    const begin = performance.now();
    run.abort();
    await assert.rejects(run.result, isAbort);
    await many.tokenize('a');
    assert.ok(performance.now() - begin < whole / 2, `${performance.now() - begin} ms of ${whole}`);
    const again = many.sample(options);
    const queued = many.sample({ steps: 4, seed: 1 });
    queued.abort();
    await assert.rejects(queued.result, isAbort);
    assert.equal((await again.result).text, expected.text);
  } finally {
    await many.dispose();
  }
});

test('a budget is kept, and the same steps and seed write the same text', async () => {
  const { timings } = await sedd.sample({ steps: 8, seed: 6 }).result;
  const step = timings.stepsMs.toSorted((a, b) => a - b)[4];
  const { budget, steps, text } = await sedd.sample({ steps: 400, seed: 6, budgetMs: 24 * step }).result;
  assert.ok(steps < 400 && steps >= 1 && budget.askedMs === 24 * step, JSON.stringify({ steps, budget }));
  assert.match(budget.reason, /One evaluation takes|Fewer steps after|The run took/);
  if (!budget.changes) assert.equal((await sedd.sample({ steps, seed: 6 }).result).text, text);
  const late = await seddInNode({ worker: new NodeWorker({ slowAfter: 100 }) });
  try {
    for (const positions of ['score', 'planned']) {
      const run = late.sample({ steps: 400, seed: 6, length: 64, budgetMs: 600, positions });
      const events = [];
      for await (const event of run) if (!event.start) events.push(event);
      const {
        budget: { changes, kept },
        ids,
      } = await run.result;
      const [first] = changes;
      const after = events.filter(({ step }) => step > first.after);
      assert.ok(kept && after.length > 3, JSON.stringify({ kept, first, after: after.length }));
      assert.ok(events.every(({ step }, i) => i === 0 || step > events[i - 1].step));
      assert.equal(events.at(-1).step, events.at(-1).total);
      assert.ok(
        Math.max(...after.map(({ positions: { length } }) => length)) <
          0.8 * after.reduce((sum, { positions: { length } }) => sum + length, 0),
        'spread, not all at once',
      );
      const last = changes.at(-1);
      assert.deepEqual(
        (await sedd.resume(run.state(last.after), { steps: last.steps, budgetMs: undefined }).result).ids,
        ids,
        'resume goes on as it did',
      );
    }
  } finally {
    await late.dispose();
  }
  const hopeless = await sedd.sample({ steps: 8, seed: 6, budgetMs: 0.01 }).result;
  assert.equal(hopeless.budget.kept, false);
  assert.match(hopeless.budget.reason, /one evaluation takes [\d.]+ ms here/);
  assert.ok(!hopeless.ids.includes(sedd.info.maskId), 'and the text is whole all the same');
  const enough = await sedd.sample({ length: 16, steps: 4, seed: 6, budgetMs: 60000 }).result;
  assert.deepEqual([enough.steps, enough.budget.kept, enough.budget.reason], [4, true, undefined]);
  await assert.rejects(sedd.sample({ budgetMs: -1 }).result, /budgetMs is -1/);
});

test('a trace holds the run, and the reader accepts it', async () => {
  const { trace, ids } = await sedd.sample({
    prompt: 'Once upon a time',
    length: 32,
    steps: 5,
    seed: 8,
    temperature: 0.9,
    trace: true,
  }).result;
  const read = readTrace(JSON.stringify(trace));
  const end = [...read.initial];
  for (const { changed, ids: now } of read.events)
    changed.forEach((place, i) => {
      end[place] = now[i];
    });
  assert.deepEqual(end, ids);
  assert.equal(read.temperature, 0.9);
  const asked = { positions: 'planned', order: 'spread', grid: 'cosine', context: 'known' };
  const planned = readTrace(
    (await sedd.sample({ ...asked, prompt: 'Once upon a time', length: 32, steps: 4, seed: 8, trace: true }).result)
      .trace,
  );
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sedd-client-'));
  execFileSync(
    path.join(ROOT, 'build/native/sedd'),
    [
      'sample',
      'models/sedd-nano',
      '--prompt',
      'Once upon a time',
      '--length',
      '32',
      '--steps',
      '4',
      '--seed',
      '8',
      ...Object.entries(asked).flatMap(([name, value]) => [`--${name}`, value]),
      '--trace',
      path.join(folder, 'run.json'),
    ],
    { cwd: ROOT },
  );
  const native = readTrace(readFileSync(path.join(folder, 'run.json'), 'utf8'));
  rmSync(folder, { recursive: true });
  for (const name of [
    'length',
    'steps',
    'seed',
    'sampler',
    'draw',
    ...Object.keys(asked),
    'denoise',
    'temperature',
    'topK',
    'topP',
    'held',
    'initial',
  ]) {
    assert.deepEqual(planned[name], native[name], name);
  }
  assert.equal(native.context, 'known');
  assert.equal((await sedd.sample({ length: 8, steps: 2 }).result).trace, undefined);
});

test('bound and nll equal the command line, report progress and stop in between', async () => {
  const { ids } = await sedd.tokenize(
    'Once upon a time there was a little girl. She liked to play in the park. '.repeat(12),
  );
  assert.ok(ids.length > sedd.info.length && ids.length > gpt2.info.length, 'more than one window');
  const asked = (command, folder, ...flags) =>
    JSON.parse(
      execFileSync(
        path.join(ROOT, 'build/native/sedd'),
        [command, folder, '--ids', ids.join(','), '--json', ...flags],
        { cwd: ROOT, encoding: 'utf8' },
      ),
    );
  const progress = [];
  const bound = await sedd.bound(ids, { samples: 5, seed: 3, onProgress: (event) => progress.push(event) });
  const native = asked('bound', 'models/sedd-nano', '--samples', '5', '--seed', '3');
  assert.ok(
    Math.abs(bound.natsPerToken - native.nats_per_token) < 1e-4 * native.nats_per_token,
    `${bound.natsPerToken} and ${native.nats_per_token}`,
  );
  assert.deepEqual(progress.at(-1), { done: progress.length, total: progress.length });
  assert.ok(bound.standardError > 0 && bound.parts.length === ids.length);
  assert.ok(Math.abs(bound.parts.reduce((a, b) => a + b) / ids.length - bound.natsPerToken) < 1e-9);
  const exact = await gpt2.nll(ids);
  const twin = asked('nll', 'models/gpt2-nano');
  assert.ok(
    Math.abs(exact.natsPerToken - twin.nats_per_token) < 1e-4 * twin.nats_per_token,
    `${exact.natsPerToken} and ${twin.nats_per_token}`,
  );
  const controller = new AbortController();
  await assert.rejects(
    sedd.bound(ids, { samples: 5000, signal: controller.signal, onProgress: () => controller.abort() }),
    isAbort,
  );
  const begin = performance.now();
  await sedd.tokenize('free again');
  assert.ok(performance.now() - begin < 1000, 'the worker did not go on with the bound');
});

test('tokens: texts, bytes that are part of a character, and back', async () => {
  const text = 'Zoë 🎈 said “hi”';
  const { ids, texts, bytes } = await sedd.tokenize(text);
  assert.equal(new TextDecoder().decode(Buffer.concat(bytes)), text);
  assert.ok(
    texts.some((piece) => piece.includes('\ufffd')),
    'an emoji is several tokens',
  );
  assert.equal(await sedd.detokenize(ids), text);
  await assert.rejects(sedd.detokenize([99999999]), (error) => error.code === 'argument');
});

test('wrong models, wrong options and a disposed model are refused with a sentence', async () => {
  await assert.rejects(
    loadGPT2(filesOf('models/sedd-nano'), { worker: new NodeWorker() }),
    (error) => error.code === 'unsupported' && /holds a SEDD/.test(error.message) && /loadSEDD/.test(error.hint),
  );
  await assert.rejects(
    sedd.sample({ steps: 0 }).result,
    (error) => error.code === 'argument' && /steps is 0/.test(error.message),
  );
  await assert.rejects(
    sedd.sample({ prompt: () => 1 }).result,
    (error) => error.code === 'argument' && /cannot be sent/.test(error.message),
  );
  await assert.rejects(sedd.inspect([1, 2], { sigma: 1, positions: [2] }), /position 2 is outside/);
  await assert.rejects(sedd.inspect('text', { sigma: 1 }), /list of at least one whole number/);
  await assert.rejects(gpt2.nll(''), /There is no text/);
  const other = await loadSEDD(filesOf('models/sedd-nano'), { worker: new NodeWorker() });
  const run = other.sample({ steps: 100 });
  await other.dispose();
  await assert.rejects(run.result, (error) => error.code === 'disposed');
  await assert.rejects(other.tokenize('a'), (error) => error.code === 'disposed');
});

test('the self-test passes, and names what differs', async () => {
  for (const [model, folder] of [
    [sedd, 'models/sedd-nano'],
    [gpt2, 'models/gpt2-nano'],
  ]) {
    const vectors = JSON.parse(readFileSync(path.join(ROOT, folder, 'selftest.json'), 'utf8'));
    const { ok, checks } = await model.selfTest({ vectors });
    assert.ok(
      ok,
      `${JSON.stringify(checks)}: if the weights or the kernels' bits were meant to change, run node scripts/selftest.mjs ${folder}`,
    );
    assert.equal(checks.length, 4);
    const other = {
      ...vectors,
      scores: vectors.scores.map((value, i) => (i === 3 ? value + 1 : value)),
      writing: vectors.writing.toSpliced(5, 1, 1),
    };
    const wrong = await model.selfTest({ vectors: other });
    assert.deepEqual(
      wrong.checks.map((check) => check.ok),
      [true, true, false, false],
    );
    assert.match(wrong.checks[2].detail, /number 3 is .* instead of/);
    assert.match(wrong.checks[3].detail, /token 5 is \d+ instead of 1$/);
    await assert.rejects(
      model.selfTest({ vectors: { format: 'other' } }),
      (error) => error.code === 'format' && /selftest\.json/.test(error.message),
    );
    assert.equal(
      (await model.selfTest()).checks.length,
      1,
      'without stored numbers the kernels are compared all the same',
    );
  }
});
