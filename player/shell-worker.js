/* The player's service worker: the shell only. The build writes its version and the files it keeps. */
const CACHE = 'segue-shell-__VERSION__'
const FILES = __FILES__
const ROOT = new URL('./', self.location.href)

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(['./', ...FILES].map((file) => new Request(new URL(file, ROOT), { cache: 'no-cache' }))))
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name.startsWith('segue-shell-') && name !== CACHE).map((name) => caches.delete(name))),
      )
      .then(() => self.clients.claim()),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== ROOT.origin || !url.pathname.startsWith(ROOT.pathname)) return
  const path = url.pathname.slice(ROOT.pathname.length)
  if (/^(api|rest|v1|1|2\.0|authorize|healthz|readyz|metrics)(\/|$)/.test(path)) return
  if (request.mode === 'navigate') {
    // The server's page wins while it answers; without it, the kept one routes by itself.
    event.respondWith(fetch(request).catch(() => caches.match(new URL('./', ROOT), { cacheName: CACHE })))
  } else if (FILES.includes(path)) {
    event.respondWith(caches.match(url.href, { cacheName: CACHE }).then((kept) => kept ?? fetch(request)))
  }
})
