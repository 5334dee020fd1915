// Tests loading in Node from the kinds of servers and folders that occur in practice. They differ in what they answer
// and in which files they lack.
import { after, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { generate } from '../../scripts/generate.mjs';
import { official } from '../../scripts/generate/official.mjs';
import { Hub } from '../../scripts/hub.mjs';
import { loadGPT2, loadSEDD, plan } from '../../web/client.js';
import { placeOf } from '../../web/load/source.js';
import { ROOT } from './files.mjs';
import { NodeWorker } from './node-worker.mjs';

const TOOL = path.join(ROOT, 'build/native/sedd');
const NANO = path.join(ROOT, 'models/sedd-nano');
const PAGE = '<!DOCTYPE html><title>Not found</title>';
const shaOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

let folder;
let server;
let url;
/** @type {(request: import('node:http').IncomingMessage & {name: string}, response: import('node:http').ServerResponse) => boolean} true: it has answered */ let special;
let log;

const reply = (response, status, body = '', headers = {}) => {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(response.req.method === 'HEAD' ? '' : body);
  return true;
};

/** Starts a plain static server of `folder`, with ranges. */
function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  request.name = path.basename(pathname);
  log.push({ method: request.method, name: request.name, range: request.headers.range ?? '' });
  if (special(request, response)) return;
  let bytes;
  try {
    bytes = readFileSync(path.join(folder, pathname));
  } catch {
    reply(response, 404, 'not found');
    return;
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) reply(response, 200, bytes);
  else {
    const part = bytes.subarray(Number(first), Number(last) + 1);
    reply(response, 206, part, {
      'Content-Range': `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`,
    });
  }
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sedd-load-'));
  const tokenizer = (name) =>
    copyFileSync(path.join(NANO, 'tokenizer.json'), path.join(folder, name, 'tokenizer.json'));
  for (const [name, format] of [
    ['safe', 'safetensors'],
    ['torch', 'torch'],
  ]) {
    generate(path.join(folder, name), { shape: 'sedd-nano', dtype: 'f32', format });
    tokenizer(name);
  }
  official(path.join(folder, 'gpt2'), 'openai-community/gpt2', { narrow: true });
  official(path.join(folder, 'sedd-small'), 'louaaron/sedd-small', { narrow: true });
  server = createServer(answer);
  await new Promise((resolve) => {
    server.listen(0, 'localhost', resolve);
  });
  url = `http://localhost:${server.address().port}/`;
});

after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  special = () => false;
  log = [];
});

/** Returns the result of a load: the model's source, or the error. */
async function load(source, { with: from = loadSEDD, text = 'a', ...options } = {}) {
  try {
    const model = await from(source, { retries: 0, worker: new NodeWorker(), ...options });
    const said = { ...model.source, tokens: (await model.tokenize(text)).ids };
    await model.dispose();
    return said;
  } catch (error) {
    return { failed: `${error.code}: ${error.message}`, hint: error.hint };
  }
}

describe('servers', () => {
  for (const status of [400, 403, 404, 405, 501]) {
    test(`after HEAD answers ${status}, one byte is requested by GET`, async () => {
      special = ({ method }, response) => method === 'HEAD' && reply(response, status);
      const { failed, sha256 } = await load(`${url}safe`);
      assert.equal(failed, undefined);
      assert.equal(sha256, shaOf(path.join(folder, 'safe/model.safetensors')));
      assert.ok(log.some(({ name, range }) => name === 'model.safetensors' && range === 'bytes=0-0'));
    });
  }

  test('the length of a compressed response is not used', async () => {
    special = ({ name, method, headers }, response) => {
      if (name !== 'model.safetensors' || /identity/.test(headers['accept-encoding'] ?? '') || headers.range)
        return false;
      const bytes = gzipSync(readFileSync(path.join(folder, 'safe', name)), { level: 1 });
      return reply(response, 200, method === 'HEAD' ? bytes : bytes, { 'Content-Encoding': 'gzip' });
    };
    const { failed, sha256 } = await load(`${url}safe`);
    assert.equal(failed, undefined);
    assert.equal(sha256, shaOf(path.join(folder, 'safe/model.safetensors')));
  });

  for (const [name, status, type] of [
    ['a web page', 200, 'text/html'],
    ['a web page of no type', 200, ''],
    ['403', 403, 'application/xml'],
    ['404', 404, 'text/html'],
  ]) {
    test(`after ${name} for model.safetensors, pytorch_model.bin is tried`, async () => {
      special = (request, response) =>
        request.name === 'model.safetensors' && reply(response, status, PAGE, type ? { 'Content-Type': type } : {});
      const { failed, url: used, sha256 } = await load(`${url}torch`);
      assert.equal(failed, undefined);
      assert.equal(used, `${url}torch/pytorch_model.bin`);
      assert.equal(sha256, shaOf(path.join(folder, 'torch/pytorch_model.bin')));
    });

    test(`after ${name} for tokenizer.json, vocab.json and merges.txt are tried`, async () => {
      const { tokens } = await load(`${url}gpt2`, { with: loadGPT2 });
      special = (request, response) =>
        request.name === 'tokenizer.json' && reply(response, status, PAGE, type ? { 'Content-Type': type } : {});
      const other = await load(`${url}gpt2`, { with: loadGPT2 });
      assert.equal(other.failed, undefined);
      assert.deepEqual(other.tokens, tokens);
      assert.ok(log.some((request) => request.name === 'merges.txt'));
    });
  }

  test('if both files of weights are missing, the error names the first', async () => {
    special = ({ name }, response) => /safetensors|bin$/.test(name) && reply(response, 403);
    assert.match((await load(`${url}safe`)).failed, /^network: .*\/model\.safetensors refuses \(403\)/);
    special = ({ name }, response) => /safetensors|bin$/.test(name) && reply(response, 200, PAGE);
    assert.match((await load(`${url}safe`)).failed, /^content: .*\/model\.safetensors is a web page/);
  });

  test('a Git LFS pointer is named as one, not skipped', async () => {
    special = ({ name }, response) =>
      name === 'model.safetensors' &&
      reply(response, 200, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\n');
    assert.match((await load(`${url}torch`)).failed, /^content: .*model\.safetensors is a Git LFS pointer/);
  });

  test('added_tokens.json beside vocab.json is applied, as it is natively', async () => {
    const text = 'a <|user|> b';
    const own = path.join(folder, 'added');
    cpSync(path.join(folder, 'gpt2'), own, { recursive: true });
    rmSync(path.join(own, 'tokenizer.json'));
    const idsOf = (source) => load(source, { with: loadGPT2, text }).then(({ tokens, failed }) => failed ?? tokens);
    const plain = await idsOf(`${url}added`);
    writeFileSync(path.join(own, 'added_tokens.json'), JSON.stringify({ '<|user|>': 50257 }));
    writeFileSync(path.join(own, 'text'), text);
    const { stdout } = await promisify(execFile)(TOOL, ['tokenize', own, '--file', path.join(own, 'text')]);
    const expected = JSON.parse(stdout).ids;
    assert.ok(expected.includes(50257) && !plain.includes(50257));
    assert.deepEqual(await idsOf(`${url}added`), expected, 'a folder on a server');
    const names = ['config.json', 'model.safetensors', 'vocab.json', 'merges.txt', 'added_tokens.json'];
    const files = names.map((name) => new File([readFileSync(path.join(own, name))], name));
    assert.deepEqual(await idsOf(files), expected, 'a dropped folder');
    const [config, weights, tokenizer, merges, added] = files;
    assert.deepEqual(await idsOf({ config, weights, tokenizer, merges, added }), expected, 'files by their roles');
    assert.match(await idsOf({ config, weights, tokenizer, added }), /added tokens without merges|without merges\.txt/);
    special = ({ name }, response) => name === 'added_tokens.json' && reply(response, 200, '[1]');
    assert.match(await idsOf(`${url}added`), /^format: added_tokens\.json is not an object/);
  });

  test('vocab.json without merges.txt is named as that', async () => {
    special = ({ name }, response) => /^(tokenizer\.json|merges\.txt)$/.test(name) && reply(response, 404);
    assert.match((await load(`${url}gpt2`, { with: loadGPT2 })).failed, /vocab\.json is there without merges\.txt/);
  });

  test('a folder address with a query keeps both', async () => {
    special = (request, response) =>
      new URL(request.url, url).searchParams.get('token') !== 'a/b' && reply(response, 401);
    for (const address of [`${url}safe?token=a%2Fb`, `${url}safe/?token=a%2Fb#there`]) {
      const { failed, url: used, name } = await load(address);
      assert.equal(failed, undefined, address);
      assert.deepEqual([used, name], [`${url}safe/model.safetensors?token=a%2Fb`, 'safe']);
    }
  });

  test('`retries` counts for each request', async () => {
    const failed = new Set();
    special = ({ name, method }, response) => {
      const key = `${method} ${name}`;
      if (failed.has(key)) return false;
      failed.add(key);
      return reply(response, 503, '', { 'Retry-After': '0' });
    };
    assert.equal((await load(`${url}safe`, { retries: 1 })).failed, undefined);
    assert.ok(failed.size >= 4, [...failed].join());
    const asked = [];
    special = ({ name }, response) =>
      name === 'config.json' && asked.push(name) && reply(response, 503, '', { 'Retry-After': '0' });
    assert.match((await load(`${url}safe`, { retries: 2 })).failed, /answered 503/);
    assert.equal(asked.length, 3);
  });
});

describe('sharded weights are named as such', () => {
  const words = /^unsupported: .* in several parts \(shards\)/;
  const index = (name) => `${name}.index.json`;
  for (const weights of ['model.safetensors', 'pytorch_model.bin']) {
    test(`a folder with ${index(weights)}`, async () => {
      special = ({ name }, response) => {
        if (name === index(weights)) return reply(response, 200, '{"weight_map": {}}');
        return /safetensors|bin$/.test(name) && reply(response, 404);
      };
      assert.match((await load(`${url}safe`)).failed, words);
    });
  }

  test('dropped parts, single addresses', async () => {
    const names = [
      'config.json',
      'tokenizer.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
    ];
    assert.match((await load(names.map((name) => new File(['x'], name)))).failed, words);
    assert.match(
      (await load(['config.json', index('pytorch_model.bin')].map((name) => new File(['x'], name)))).failed,
      words,
    );
    const config = `${url}safe/config.json`;
    assert.match((await load({ config, weights: `${url}safe/${names[2]}`, tokenizer: config })).failed, words);
  });
});

describe('dropped folders', () => {
  const file = (name, size = 10) => new File([new Uint8Array(size)], name);
  const weightsOf = (...files) => placeOf([file('config.json'), file('tokenizer.json'), ...files], url).name;

  test("training's leftover files never take precedence over the model", () => {
    for (const name of [
      'training_args.bin',
      'optimizer.pt',
      'scheduler.pt',
      'rng_state.pth',
      'rng_state_0.pth',
      'scaler.pt',
      'optimizer.bin',
    ])
      assert.equal(weightsOf(file(name, 5000), file('checkpoint.pth', 1000)), 'checkpoint.pth', name);
    assert.equal(weightsOf(file('optimizer.safetensors', 5000), file('sedd.safetensors', 10)), 'sedd.safetensors');
    assert.equal(weightsOf(file('small.pt', 10), file('large.pt', 1000)), 'large.pt');
    assert.equal(weightsOf(file('training_args.bin'), file('pytorch_model.bin')), 'pytorch_model.bin');
    assert.throws(() => weightsOf(file('training_args.bin'), file('optimizer.pt')), /The source lacks weights/);
  });

  test('vocab.json without merges.txt is named as that', () => {
    const files = [file('config.json'), file('model.safetensors'), file('vocab.json')];
    assert.throws(() => placeOf(files, url), /vocab\.json is there without merges\.txt/);
    assert.equal(placeOf([...files, file('merges.txt')], url).roles.merges.name, 'merges.txt');
    const [config, weights, tokenizer] = ['config.json', 'model.safetensors', 'vocab.json'];
    assert.throws(() => placeOf({ config, weights, tokenizer }, url), /vocab\.json is there without merges\.txt/);
  });
});

describe('the hub', () => {
  let hub;
  const open = async (options) => {
    hub = await new Hub(
      { 'openai-community/gpt2': path.join(folder, 'gpt2'), 'louaaron/sedd-small': path.join(folder, 'sedd-small') },
      options,
    ).start();
  };

  for (const methodBound of [false, true]) {
    test(`old names and signed addresses, ${methodBound ? 'for GET alone' : 'for any method'}`, async () => {
      await open({ methodBound });
      try {
        const gpt2 = await load('hub:gpt2', { hub: hub.url, with: loadGPT2 });
        assert.equal(gpt2.failed, undefined);
        assert.match(gpt2.url, /\/openai-community\/gpt2\/resolve\/[0-9a-f]{40}\/model\.safetensors$/);
        const sedd = await load('hub:louaaron/sedd-small', { hub: hub.url });
        assert.equal(sedd.sha256, shaOf(path.join(folder, 'sedd-small/model.safetensors')));
        assert.deepEqual(sedd.tokens, gpt2.tokens, "with GPT-2's tokenizer, by its old name");
        hub.fail('model.safetensors', 'expired', 0, 1);
        const again = await load('hub:louaaron/sedd-small', { hub: hub.url });
        assert.equal(again.sha256, sedd.sha256, 'an expired address is asked for anew');
      } finally {
        await hub.close();
      }
    });
  }

  test('a model is recognised before it is downloaded', async () => {
    await open({ methodBound: true });
    try {
      const found = await plan('hub:gpt2', { hub: hub.url, worker: new NodeWorker() });
      assert.deepEqual([found.kind, found.size], ['gpt2', 15057064]);
      assert.ok(hub.sent('model.safetensors') <= 1);
    } finally {
      await hub.close();
    }
  });

  test('a name without an owner is a folder or a model on the hub, and an unknown one must be given with its owner', async () => {
    assert.deepEqual([placeOf('gpt2', url).kind, placeOf('gpt2', url).hub.id], ['either', 'hub:gpt2@main']);
    assert.equal(placeOf('https://example.org/gpt2', url).kind, 'folder');
    await open();
    try {
      const { failed, hint } = await load('hub:distilgpt9', { hub: hub.url });
      assert.match(failed, /401/);
      assert.match(hint, /owner\/distilgpt9/);
    } finally {
      await hub.close();
    }
  });
});
