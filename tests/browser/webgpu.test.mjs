// Tests models on WebGPU in Chromium, on its software renderer: numbers against wasm, whole runs, and every way in which a device fails.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { open } from './browser.mjs';
import { ready } from './page-helpers.mjs';

/** Calls a function of a module in the page. */
const callOf = (module, page, name, args) =>
  page.evaluate(
    async ([module, name, args]) => (await import(`/tests/browser/webgpu/${module}`))[name](...args),
    [module, name, args],
  );
const call = (page, name, ...args) => callOf('scenarios.js', page, name, args);

const withPage = async (work, options = { webgpu: true }) => {
  const site = await open('tests/browser/blank.html', options);
  try {
    await work(site);
  } finally {
    await site.close();
  }
};

const largest = (list) => list.reduce((worst, x) => Math.max(worst, Math.abs(x)), 0);

/**
 * The software renderer rounds every operation to nearest and fuses none, so its logits have the bits of wasm. Later
 * values differ because sums have another order. Sums over at most 2,048 weights, 256 at a time, have a relative error
 * of 264 u, which is 2e-5 in nats. An entropy also contains the mean of exponents, which are at most 20 wherever
 * weights count.
 *
 * A draw may differ only if its uniform is closer to the edge of the token's interval than the error of these sums.
 */
const LOG_SUM = 2e-5;
const ENTROPY = 21 * LOG_SUM;
const EDGE = 2 * LOG_SUM;
/** Largest share of draws that may differ. */
const DIFFERENT = 0.02;
/**
 * Number of dispatches of a step of sedd-nano on a software renderer: the embedding, ten for each of six blocks, a copy
 * of the drawn rows in the last block, and three for the head and the draw. In a browser, a dispatch costs 24 to 71
 * microseconds.
 */
const DISPATCHES = 1 + 10 * 6 + 1 + 3;

test('forced steps agree with wasm: the same bits before the draw, and the same draws but for near ties', async (t) => {
  let [draws, differ] = [0, 0];
  await withPage(async ({ page }) => {
    for (const [folder, options] of [
      ['sedd-nano', { length: 128, steps: 3, seed: 1, positions: 'planned' }],
      ['sedd-nano', { length: 96, steps: 3, seed: 2, positions: 'score', temperature: 0.8, topP: 0.9, topK: 40 }],
      ['sedd-nano-fast', { length: 96, steps: 4, seed: 3 }],
    ]) {
      await t.test(`${folder}, positions ${options.positions ?? 'of the model'}`, async (t) => {
        const { rows, different, ...found } = await callOf('forced.js', page, 'forcedSteps', [folder, options]);
        draws += rows;
        differ += different;
        t.diagnostic(`${rows} draws, ${different} differ; the furthest from an edge ${largest(found.edges)}`);
        for (const [name, bound] of Object.entries({ logSum: LOG_SUM, entropy: ENTROPY, confidence: LOG_SUM })) {
          t.diagnostic(`${name}: largest difference ${largest(found[name])}, allowed ${bound}`);
          assert.ok(largest(found[name]) <= bound, `${name} differs by ${largest(found[name])}`);
        }
        assert.ok(largest(found.edges) <= EDGE, `a draw differs ${largest(found.edges)} from an edge`);
        assert.ok(Math.max(...found.dispatches) <= DISPATCHES, `${found.dispatches} dispatches a step`);
      });
    }
  });
  assert.ok(draws >= 300, `${draws} draws were compared`);
  assert.ok(differ <= DIFFERENT * draws, `${differ} of ${draws} draws differ`);
});

test('models of every family run on the graphics device: MDLM, SDTT, RADD, DUO and the uniform SEDD', async (t) => {
  await withPage(async ({ page }) => {
    const absorb = [{}, { positions: 'planned', topK: 5 }, { draw: 'official' }];
    for (const [name, ways] of [
      ['mdlm', absorb],
      ['mdlm-time', [{}]],
      ['sdtt', [{ draw: 'official' }]],
      ['radd', [{}, { draw: 'official' }]],
      ['duo', [{}, { draw: 'official' }]],
      ['uniform', [{}]],
    ])
      await t.test(name, async (t) => {
        const found = await callOf('forced.js', page, 'family', [name, ways]);
        t.diagnostic(JSON.stringify(found));
        assert.ok(found.compared > 500, `${found.compared} logits were compared`);
        assert.ok(found.reference <= 1e-4, `logits differ by ${found.reference} from the reference's`);
        assert.ok(found.wasm <= 1e-4, `log-scores differ by ${found.wasm} from wasm's`);
        assert.ok(found.bound <= 1e-4, `the bound differs by ${found.bound}`);
        for (const [i, { same, evaluations }] of found.runs.entries()) {
          assert.ok(evaluations > 0, `run ${i} was evaluated on the device`);
          assert.ok(same, `run ${i} wrote what wasm writes`);
        }
      });
  });
});

test('a whole run of 16 steps on the graphics device', async (t) => {
  await withPage(async ({ page, errors }) => {
    const { result, device, start, last } = await call(page, 'wholeRun', 'sedd-nano', 'webgpu', { length: 48 });
    t.diagnostic(result.text);
    assert.equal(device.kind, 'webgpu', device.reason);
    assert.match(device.name, /swiftshader/);
    assert.equal(result.device, 'webgpu');
    assert.ok(start.masked > 20);
    assert.equal(last.masked, 0);
    assert.equal(result.trace.format, 'sedd-trace');
    assert.match(result.text, /^Once upon a time, there was a .* They were happy\.$/s);
    assert.deepEqual(errors, []);
  });
});

test('GPT-2 writes on the graphics device', async (t) => {
  await withPage(async ({ page }) => {
    const found = await call(page, 'writing', 'webgpu');
    t.diagnostic(found.text);
    assert.equal(found.opened.kind, 'webgpu', found.opened.reason);
    assert.equal(found.ids.length, 24);
    // Two runs that alternate share one cache, and each must still write its own text.
    const { alone, turns } = await call(page, 'twoGenerations');
    assert.deepEqual(turns, alone);
  });
});

test('without a usable device the run is what it is on wasm, and one sentence says why', async (t) => {
  await withPage(async ({ page }) => {
    const expected = await call(page, 'faultyRun', 'none', { device: 'wasm' });
    assert.deepEqual(expected.opened, { kind: 'wasm', name: '', reason: '' });
    for (const [fault, reason] of [
      ['absent', /no WebGPU/],
      ['adapter', /offers no graphics device/],
      ['blocked', /offers no graphics device/],
      ['refused', /refused the graphics device: no such feature/],
      ['limit', /allows a .* of 65536 bytes; the model needs/],
      ['memory', /memory/],
      ['compile', /did not compile/],
      ['wrong', /computes (other numbers|wrong)|is not a number|wrong/],
    ]) {
      await t.test(fault, async (t) => {
        const found = await call(page, 'faultyRun', fault);
        t.diagnostic(found.opened.reason);
        assert.equal(found.opened.kind, 'wasm');
        assert.match(found.opened.reason, reason);
        assert.deepEqual(found.ids, expected.ids);
        assert.equal(found.device, 'wasm');
      });
    }
    await t.test('auto refuses a software renderer', async () => {
      const found = await call(page, 'faultyRun', 'none', { device: 'auto' });
      assert.equal(found.opened.kind, 'wasm');
      assert.match(found.opened.reason, /software renderer/);
      assert.deepEqual(found.ids, expected.ids);
    });
    await t.test('an unknown device is refused', async () => {
      await assert.rejects(call(page, 'faultyRun', 'none', { device: 'cuda' }), /device is "cuda"; expected wasm/);
    });
  });
});

test('a device that is lost in the middle: the run goes on from the last step on wasm', async (t) => {
  await withPage(async ({ page, browser }) => {
    for (const kind of ['destroyed', 'crashed'])
      await t.test(kind, async () => {
        const running = call(page, 'lostRun', kind);
        if (kind === 'crashed') {
          await page.waitForFunction(() => globalThis.stepsDone >= 2);
          const session = await browser.newBrowserCDPSession();
          await session.send('Browser.crashGpuProcess').catch(() => {});
        }
        const { opened, now, told, steps, masked, device, next, reopened } = await running;
        assert.equal(opened.kind, 'webgpu', opened.reason);
        assert.equal(now.kind, 'wasm');
        assert.match(now.reason, /lost/);
        assert.deepEqual(told, [now]);
        assert.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert.equal(masked, 0);
        assert.equal(device, 'wasm');
        assert.deepEqual([next, reopened.kind], ['webgpu', 'webgpu'], reopened.reason);
      });
    await t.test('GPT-2 goes on after the tokens it has written', async () => {
      const { whole, found } = await call(page, 'lostGeneration');
      assert.equal(found.opened.kind, 'webgpu', found.opened.reason);
      assert.equal(found.now.kind, 'wasm');
      assert.equal(found.ids.length, 24);
      assert.equal(whole.length, 24);
      assert.equal(found.ids[0], whole[0]);
    });
  });
});

test('abort, disposal, two tabs and a hidden tab', async (t) => {
  await withPage(async ({ page, url }) => {
    await t.test('an abort ends within the step, and the next run is whole', async (t) => {
      const { name, ms, stepMs, masked } = await call(page, 'abortedRun');
      t.diagnostic(`${ms.toFixed(1)} ms after the abort; a step takes ${stepMs.toFixed(0)} ms`);
      assert.equal(name, 'AbortError');
      assert.ok(ms < stepMs, 'less than a step');
      assert.equal(masked, 0);
    });
    await t.test('disposed in the middle', async () => {
      assert.equal(await call(page, 'disposedRun'), 'disposed');
    });
    await t.test('two tabs at once, one of them hidden', async () => {
      const other = await page.context().newPage(); // the new tab is in the foreground
      await other.goto(`${url}tests/browser/blank.html`);
      const runs = await Promise.all(
        [page, other].map((one) => call(one, 'wholeRun', 'sedd-nano', 'webgpu', { length: 24, steps: 4 })),
      );
      for (const { device, last } of runs) {
        assert.equal(device.kind, 'webgpu', device.reason);
        assert.equal(last.masked, 0);
      }
      assert.deepEqual(runs[0].result.ids, runs[1].result.ids);
      await other.close();
    });
  });
});

test('the self-test compares the graphics device; inspection, bound, likelihood and official draws run there', async (t) => {
  await withPage(async ({ page }) => {
    const { checks, ok, wasm, webgpu, device } = await call(page, 'everyCall');
    assert.equal(device.kind, 'webgpu', device.reason);
    assert.ok(ok, JSON.stringify(checks));
    assert.ok(checks.some(({ name }) => /graphics device .* against wasm/.test(name)));
    assert.deepEqual(wasm.devices, Array(4).fill('wasm'));
    assert.deepEqual(webgpu.devices, Array(4).fill('webgpu'));
    assert.deepEqual(webgpu.sedd, wasm.sedd); // the logits have the same bits, and the same code follows
    const apart = largest(webgpu.nll.map((nats, i) => nats - wasm.nll[i]));
    t.diagnostic(`GPT-2's tokens: ${apart} nats apart`);
    assert.ok(webgpu.nll.length > 5 && apart <= 0.25, `${apart}`); // attention in floats, in another order
  });
});

test('a page without WebGPU fetches none of its code', async () => {
  await withPage(
    async ({ page, errors }) => {
      const asked = [];
      page.context().on('request', (request) => asked.push(request.url()));
      const { device, result } = await call(page, 'wholeRun', 'sedd-nano', undefined, { length: 24, steps: 4 });
      assert.deepEqual(device, { kind: 'wasm', name: '', reason: '' });
      assert.equal(result.device, 'wasm');
      assert.ok(asked.some((url) => url.endsWith('/worker.js')));
      assert.deepEqual(
        asked.filter((url) => /web\/(engine\/webgpu|gpu)\/|wasm\/webgpu/.test(url)),
        [],
      );
      assert.deepEqual(errors, []);
    },
    { webgpu: false },
  );
});

test('the element runs on the device that its attribute names', async () => {
  await withPage(async ({ page }) => {
    const { device, masked, said } = await call(page, 'elementRun');
    assert.equal(device, 'webgpu');
    assert.equal(masked, 0);
    assert.match(said, /It was asked for/);
  });
});

test('the page races and measures on the graphics device', async (t) => {
  const site = await open('index.html?model=sedd-nano&measure=1&rounds=6', { webgpu: true });
  try {
    const { page, errors } = site;
    const press = async (figure, device) => {
      await page.locator(`#${figure}-view`).scrollIntoViewIfNeeded();
      await page.locator(`select[name="${figure}-device"]`).selectOption(device);
      await page.locator(`#${figure}-start`).click();
    };
    await ready(page);
    await page.locator('#race').scrollIntoViewIfNeeded();
    await page.locator('select[name="race-device"]').waitFor({ state: 'visible' });
    await page.locator('input[name="race-steps"]').fill('1');
    await press('race', 'webgpu');
    const said = page.locator('#race-view [role="status"]');
    await said.filter({ hasText: /faster|times/ }).waitFor({ timeout: 240_000 });
    t.diagnostic(await said.textContent());
    assert.doesNotMatch(await said.textContent(), /runs on the processor/);
    await press('measure', 'webgpu');
    // Nine rounds of whole windows take minutes on a software renderer. The page therefore only starts them, and a
    // short comparison runs to its end.
    const progress = page.locator('#measure-view [role="status"]');
    await progress.filter({ hasText: 'Round 1 of 9' }).waitFor({ timeout: 240_000 });
    await page.locator('#measure-start').click();
    await progress.filter({ hasText: /stopped/i }).waitFor({ timeout: 60_000 });
    assert.deepEqual(errors, []);
    const { devices, steps, breakEven, gpt2Ms } = await call(page, 'shortComparison');
    t.diagnostic(`break-even at ${breakEven.toFixed(1)} steps; GPT-2 took ${gpt2Ms.toFixed(0)} ms`);
    assert.deepEqual(devices, ['webgpu', 'webgpu']);
    assert.deepEqual(steps, [1]);
    assert.ok(breakEven > 0 && gpt2Ms > 0);
  } finally {
    await site.close();
  }
});

test('the page offers a choice of devices where there is one', async () => {
  for (const webgpu of [true, false]) {
    const site = await open('index.html', { webgpu });
    try {
      const { page } = site;
      await page.locator('#race').scrollIntoViewIfNeeded();
      const list = page.locator('select[name="race-device"]');
      await list.waitFor({ state: 'attached' });
      if (webgpu) await list.waitFor({ state: 'visible' });
      else {
        await page.evaluate(() => navigator.gpu?.requestAdapter());
        assert.equal(await list.isVisible(), false);
      }
      assert.equal(await list.inputValue(), 'wasm');
    } finally {
      await site.close();
    }
  }
});
