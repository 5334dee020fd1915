// Measures a new visitor's first minute: when the first paint, the recorded run, the live model and the visitor's first run appear, on a slow phone's processor and 4G.
// usage: node scripts/first-minute.mjs [--cpu 4] [--mbit 9] [--rtt 170] [--runs 3]     (--cpu 1 --mbit 0 measures this machine as it is; needs npm run build)
//
// It slows the processor by stopping Chromium's renderer for all but one part in --cpu of the time. This slows page and worker alike; the
// debugger's own throttle leaves workers out. A proxy delays all connections and limits their common rate; a new connection costs two more
// round trips (TCP, TLS). Files travel uncompressed, as scripts/serve.mjs sends them.
import { createServer, connect } from 'node:net';
import { chromium } from 'playwright-core';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHROMIUM } from './chromium.mjs';
import { serve } from './serve.mjs';
import { quantile } from '../web/client/statistics.js';

const SLICE_MS = 4; // the renderer runs for this long at a time

function parseArguments(args) {
  const options = { cpu: 4, mbit: 9, rtt: 170, runs: 3 };
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    const value = Number(args[i + 1]);
    if (!(name in options) || !(value >= 0))
      throw new Error(`${args[i]} ${args[i + 1] ?? ''}: expected --cpu, --mbit, --rtt or --runs with a number`);
    options[name] = value;
  }
  return options;
}

/** Starts a proxy in front of a port that carries `mbit` per second with a round trip of `rtt` ms. */
function line(port, { mbit, rtt }) {
  let free = 0; // the time at which all bytes so far will have passed
  const pass = (from, to, rate) => {
    from.on('data', (bytes) => {
      const begin = Math.max(performance.now(), rate ? free : 0);
      const end = begin + (rate ? (bytes.length * 8) / (rate * 1000) : 0);
      if (rate) free = end;
      if (rate && end - performance.now() > 50) {
        from.pause();
        setTimeout(() => from.resume(), end - performance.now() - 50);
      }
      setTimeout(() => to.writable && to.write(bytes), end - performance.now() + rtt / 2);
    });
    from.on('end', () => setTimeout(() => to.end(), Math.max(0, free - performance.now()) + rtt / 2));
    from.on('error', () => to.destroy());
  };
  const server = createServer(async (client) => {
    client.pause();
    await sleep(2 * rtt);
    const upstream = connect(port, 'localhost', () => client.resume());
    pass(client, upstream, 0);
    pass(upstream, client, mbit);
  });
  return new Promise((resolve) => {
    server.listen(0, 'localhost', () => resolve({ port: server.address().port, close: () => server.close() }));
  });
}

/** Slows a browser's renderers by `rate`. */
async function slow(browser, rate) {
  if (rate <= 1) return () => {};
  const session = await browser.newBrowserCDPSession();
  let ended = false;
  const signal = (ids, name) =>
    ids.forEach((id) => {
      try {
        process.kill(id, name);
      } catch {
        /* the renderer has ended */
      }
    });
  const loop = (async () => {
    for (let ids = [], turn = 0; !ended; turn++) {
      if (turn % 50 === 0) {
        const { processInfo } = await session.send('SystemInfo.getProcessInfo');
        ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
      }
      signal(ids, 'SIGSTOP');
      await sleep(SLICE_MS * (rate - 1));
      signal(ids, 'SIGCONT');
      await sleep(SLICE_MS);
    }
  })();
  return async () => {
    ended = true;
    await loop;
  };
}

/** Runs in the page. Notes when each part first appears. */
function noteFirstTimes() {
  const seen = {};
  globalThis.firstMinute = seen;
  const note = (name, there) => {
    if (there && !(name in seen)) seen[name] = performance.now();
  };
  setInterval(() => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    if (paint) seen.paint ??= paint.startTime;
    note('recorded', document.querySelectorAll('#cells .sedd-cell').length > 0);
    const ready = document.body?.dataset.ready === 'true';
    if (ready && !('ready' in seen)) document.getElementById('run').click();
    note('ready', ready);
    note(
      'token',
      document.getElementById('origin')?.textContent !== 'recorded run' &&
        document.querySelectorAll('#cells .sedd-cell:not(.mask)').length > 8,
    );
    note('own', /seed \d+\./.test(document.getElementById('status')?.textContent ?? ''));
  }, 10);
}

async function visitOnce(url, options) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await page.addInitScript(noteFirstTimes);
  const stop = await slow(browser, options.cpu);
  try {
    await page.goto(`${url}?lang=en`, { timeout: 90000 });
    await page.waitForFunction(() => 'own' in globalThis.firstMinute, null, { timeout: 90000 });
    return await page.evaluate(() => globalThis.firstMinute);
  } finally {
    await stop();
    await browser.close();
  }
}

const NAMES = {
  paint: 'first paint',
  recorded: 'the recorded run plays',
  ready: 'the live model is ready',
  token: "first tokens of the reader's own run",
  own: "that run is done (128 tokens, the page's own settings)",
};
const middle = (values) => quantile(values, 0.5);

try {
  const options = parseArguments(process.argv.slice(2));
  const server = await serve();
  const proxy = await line(Number(new URL(server.url).port), options);
  const runs = [];
  try {
    for (let i = 0; i < options.runs; i++) runs.push(await visitOnce(`http://localhost:${proxy.port}/`, options));
  } finally {
    proxy.close();
    await server.close();
  }
  const speed = options.mbit ? `${options.mbit} Mbit/s, ${options.rtt} ms` : `${options.rtt} ms, no limit`;
  console.log(`processor ${options.cpu} times slower, line ${speed}, medians of ${runs.length}:\n`);
  for (const [key, name] of Object.entries(NAMES)) {
    const values = runs.map((run) => run[key]);
    console.log(
      `- ${(middle(values) / 1000).toFixed(2)} s: ${name} (${values.map((value) => (value / 1000).toFixed(2)).join(', ')})`,
    );
  }
  process.exit(0);
} catch (error) {
  console.error(`first-minute: ${error.message}`);
  process.exit(1);
}
