// Serves the repository for development: plain files, COOP and COEP for threads, Range and ETag.
// usage: node scripts/serve.mjs [--port 8080] [--host localhost] [--no-isolation]
import { createServer } from 'node:http';
import { createReadStream, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** The strictest policy the page works under. */
export const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'";

/** Path of a file inside the root, or null. Hidden folders and build output stay inside. */
function locate(url) {
  let name;
  try {
    name = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null;
  }
  const file = path.join(ROOT, path.normalize(name.endsWith('/') ? `${name}index.html` : name));
  const inside = path.relative(ROOT, file);
  if (inside.startsWith('..') || inside.split(path.sep).some((part) => part.startsWith('.')) || name.includes('\0'))
    return null;
  return file;
}

function rangeOf(header, size) {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return null;
  const begin = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return begin <= end ? { begin, end } : { begin: -1, end: -1 };
}

function answer(request, response, { isolation, csp }) {
  const file = ['GET', 'HEAD'].includes(request.method) ? locate(request.url) : null;
  let stat = null;
  try {
    stat = file && statSync(file);
  } catch {
    /* there is none */
  }
  if (!stat?.isFile()) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found\n');
    return;
  }
  const headers = {
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'no-cache',
    ETag: `"${stat.size.toString(36)}-${Math.floor(stat.mtimeMs).toString(36)}"`,
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
  if (isolation)
    Object.assign(headers, {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
  if (csp) headers['Content-Security-Policy'] = csp === true ? CSP : csp;
  if (request.headers['if-none-match'] === headers.ETag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = rangeOf(request.headers.range, stat.size);
  if (range?.begin === -1) {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${stat.size}` }).end();
    return;
  }
  const { begin, end } = range ?? { begin: 0, end: stat.size - 1 };
  headers['Content-Length'] = end - begin + 1;
  if (range) headers['Content-Range'] = `bytes ${begin}-${end}/${stat.size}`;
  response.writeHead(range ? 206 : 200, headers);
  if (request.method === 'HEAD' || stat.size === 0) response.end();
  else
    createReadStream(file, { start: begin, end })
      .on('error', () => response.destroy())
      .pipe(response);
}

/** @returns {Promise<{url: string, close: () => Promise<void>}>} */
export function serve({ port = 0, host = 'localhost', isolation = true, csp = false } = {}) {
  const server = createServer((request, response) => answer(request, response, { isolation, csp }));
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

/** Options from the command line; shared with start.mjs. */
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
