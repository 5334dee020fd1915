// Serves the repository for development, or another folder, as plain files with COOP and COEP for threads, Range and ETag.
// usage: node scripts/serve.mjs [--port 8080] [--host localhost] [--no-isolation]
import { createServer } from 'node:http';
import { createReadStream, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { byteRange } from './byte-range.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.md': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** The strictest content security policy under which the page works. */
export const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'";

/** Pages that the build of the site makes. In development they are made on request. */
const MADE = {
  'results.html': async () => (await import('./evaluate/report/index.mjs')).shippedResultsPage(),
};

/** Returns the path of a file inside the root, or null where there is none or it lies in a hidden folder. */
function locate(root, url) {
  let name;
  try {
    name = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null;
  }
  const file = path.join(root, path.normalize(name.endsWith('/') ? `${name}index.html` : name));
  const inside = path.relative(root, file);
  if (inside.startsWith('..') || inside.split(path.sep).some((part) => part.startsWith('.')) || name.includes('\0'))
    return null;
  return file;
}

/** Returns the headers of every response. */
function common({ isolation, csp }) {
  return {
    'Cache-Control': 'no-cache',
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...(isolation && { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }),
    ...(csp && { 'Content-Security-Policy': csp === true ? CSP : csp }),
  };
}

async function answer(request, response, options) {
  const { root } = options;
  const file = ['GET', 'HEAD'].includes(request.method) ? locate(root, request.url) : null;
  const stat = file && statSync(file, { throwIfNoEntry: false });
  const make = root === ROOT && file && !stat ? MADE[path.relative(root, file)] : null;
  if (make) {
    response.writeHead(200, { 'Content-Type': TYPES['.html'], ...common(options) }).end(await make());
    return;
  }
  if (!stat?.isFile()) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found\n');
    return;
  }
  const headers = {
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    ETag: `"${stat.size.toString(36)}-${Math.floor(stat.mtimeMs).toString(36)}"`,
    ...common(options),
  };
  if (request.headers['if-none-match'] === headers.ETag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = byteRange(request.headers.range, stat.size);
  if (range && range.begin >= range.end) {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${stat.size}` }).end();
    return;
  }
  const { begin, end } = range ?? { begin: 0, end: stat.size };
  headers['Content-Length'] = end - begin;
  if (range) headers['Content-Range'] = `bytes ${begin}-${end - 1}/${stat.size}`;
  response.writeHead(range ? 206 : 200, headers);
  if (request.method === 'HEAD' || stat.size === 0) response.end();
  else
    createReadStream(file, { start: begin, end: end - 1 })
      .on('error', () => response.destroy())
      .pipe(response);
}

/** Serves `root`. @returns {Promise<{url: string, close: () => Promise<void>}>} */
export function serve({ port = 0, host = 'localhost', isolation = true, csp = false, root = ROOT } = {}) {
  const server = createServer((request, response) => {
    answer(request, response, { isolation, csp, root }).catch((error) => {
      if (!response.headersSent) response.writeHead(500, { 'Content-Type': 'text/plain' });
      response.end(`${error.message}\n`);
    });
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, host, () =>
      resolve({
        url: `http://${host}:${server.address().port}/`,
        close: () =>
          new Promise((done) => {
            server.closeAllConnections();
            server.close(done);
          }),
      }),
    );
  });
}

/** Reads options from the command line, for this script and start.mjs. */
export function serverOptions(args) {
  const value = (flag, fallback) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : fallback);
  const port = Number(value('--port', '8080'));
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`--port expects 0 to 65535, not ${value('--port')}`);
  return { port, host: value('--host', 'localhost'), isolation: !args.includes('--no-isolation') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(serverOptions(process.argv.slice(2)));
  console.log(`serving ${url}`);
}
