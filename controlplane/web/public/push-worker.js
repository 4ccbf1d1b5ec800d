/**
 * Shows the notices that are pushed to this browser, and opens the page that says more. It keeps nothing, fetches nothing and
 * stands between no page and its server: there is no `fetch` listener.
 *
 * A message is `{ lang, title, text, path, tag }`. A browser that was promised to show each one is shown each one: what cannot be
 * read is shown by name alone.
 */
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

function read(data) {
  try {
    const { title, ...rest } = data.json()
    return { title: String(title || 'Atalaya'), ...rest }
  } catch {
    return { title: 'Atalaya' }
  }
}

self.addEventListener('push', (event) => {
  const { title, text, lang, tag, path } = read(event.data)
  const icon = '/favicon.svg'
  event.waitUntil(self.registration.showNotification(title, { body: text ?? '', lang: lang ?? '', tag: tag ?? '', icon, data: { path } }))
})

/** A page of ours; the first one for whatever is none. */
function pageOf(path) {
  const url = new URL(typeof path === 'string' && path.startsWith('/') ? path : '/', self.location.origin)
  return url.origin === self.location.origin ? url.href : self.location.origin
}

/** A window that shows the page is brought to the front; any other is left as it is, with what somebody may be typing in it. */
async function open(page) {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const there = windows.find((one) => one.url === page)
  return there ? there.focus() : self.clients.openWindow(page)
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open(pageOf(event.notification.data?.path)))
})
