/**
 * The page without a network: a service worker that keeps the page's own files (never weights: those are in the
 * store, checked piece by piece). It lies beside index.html because a service worker sees no further than its own
 * folder. It asks the network first, so that what it keeps is only ever used where there is none.
 * web/page/offline.js starts it, after the first model was loaded.
 */
const CACHE = 'sedd-web-page';
const SCOPE = new URL(self.registration.scope);
const WEIGHTS = /\.(safetensors|bin|pth)$/;
const REFERENCES = [
  /<(?:script|link|img)\b[^>]*?(?:src|href)="([^"#]+)"/g, // HTML
  /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g,
  /new URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g, // modules and workers
  /url\(\s*['"]?(\.[^'")]+)/g, // styles
];

const own = (url) =>
  url.origin === SCOPE.origin && url.pathname.startsWith(SCOPE.pathname) && !WEIGHTS.test(url.pathname);
/** The wasm modules: the page says which one it runs. */
const chosen = (url) => !url.pathname.includes('/wasm/');
const bare = (url) => Object.assign(new URL(url), { search: '', hash: '' });

async function keep(cache, url) {
  const response = await fetch(url, { cache: 'no-cache' });
  if (!response.ok) return '';
  await cache.put(bare(url), response.clone());
  return /html|javascript|css/.test(response.headers.get('content-type') ?? '') ? response.text() : '';
}

/** Keeps these files and all they refer to. @param {string[]} names */
async function keepAll(names) {
  const cache = await caches.open(CACHE);
  const found = new Set(names.map((name) => bare(new URL(name, SCOPE)).href));
  for (const name of found) {
    // grows while it is walked
    const url = new URL(name);
    const text = await keep(cache, url).catch(() => '');
    for (const pattern of REFERENCES) {
      for (const [, reference] of text.matchAll(pattern)) {
        const next = bare(new URL(reference, url));
        if (own(next) && chosen(next)) found.add(next.href);
      }
    }
  }
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.status === 200) await cache.put(bare(new URL(request.url)), response.clone()).catch(() => {}); // a full disk is no reason to fail
    return response;
  } catch (error) {
    const kept = await cache.match(bare(new URL(request.url)));
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', (event) => {
  const { data, ports } = event;
  const names = (Array.isArray(data?.keep) ? data.keep : []).filter((name) => own(new URL(name, SCOPE)));
  event.waitUntil(keepAll(['./', ...names]).finally(() => ports[0]?.postMessage('kept')));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && !request.headers.has('range') && own(new URL(request.url)))
    event.respondWith(answer(request));
});
