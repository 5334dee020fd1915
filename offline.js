/**
 * The page without a network: a service worker that keeps the page's own files, by the list of the build
 * (offline-files.js), and answers nothing else. Weights are not among them: those are in the store. It lies beside
 * index.html because a service worker sees only its own folder. It asks the network first, so what it keeps is used
 * only where there is none. web/page/offline.js starts it, after the first model was loaded.
 */
importScripts('offline-files.js');

const CACHE = 'sedd-web-page'; // store.delete('all') deletes it
const WASM = /\bsedd-((?:simd|relaxed)(?:-threads)?)(?:-[0-9a-f]{8})?\.(?:js|wasm)$/;

/** The addresses of the files. An address with a query is another resource, and is not among them. */
const FILES = new Set(self.PAGE_FILES.map((name) => new URL(name, self.registration.scope).href));
const address = ({ url }) => url.replace(/#.*/, '');

/** Keeps the page's files and, of the wasm modules, the one that the page runs. @param {string} build its name */
async function keepAll(build) {
  const cache = await caches.open(CACHE);
  const wanted = new Set([...FILES].filter((url) => (WASM.exec(url)?.[1] ?? build) === build));
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request); // an earlier build's
  for (const url of wanted) {
    const response = await fetch(url, { cache: 'no-cache' }).catch(() => null);
    if (response?.status === 200) await cache.put(url, response).catch(() => {}); // a full disk: the page works online
  }
}

/** Replaces a file that is kept by what has just come. @param {string} url @param {Response} response */
async function refresh(url, response) {
  const cache = (await caches.has(CACHE)) && (await caches.open(CACHE));
  if (cache && (await cache.match(url))) await cache.put(url, response).catch(() => {});
  else await response.body?.cancel();
}

/** Answers from the network, and stores only afterwards; from what is kept where the network fails. @param {FetchEvent} event */
async function answer(event) {
  const url = address(event.request);
  try {
    const response = await fetch(event.request);
    if (response.status === 200) event.waitUntil(refresh(url, response.clone()));
    return response;
  } catch (error) {
    const kept = (await caches.has(CACHE)) && (await caches.match(url, { cacheName: CACHE }));
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', (event) => {
  const { data, ports } = event;
  if (typeof data?.keep === 'string') event.waitUntil(keepAll(data.keep).finally(() => ports[0]?.postMessage('kept')));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && !request.headers.has('range') && FILES.has(address(request)))
    event.respondWith(answer(event));
});
