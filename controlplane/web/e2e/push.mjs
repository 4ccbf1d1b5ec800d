/**
 * Notices in a browser, against a real server and a double of a push service: switched on in the profile, listed, shown by the
 * worker, opened by a click, switched off; and what the page says where it cannot be.
 *
 * Chromium subscribes at a service of its maker, which is not here: `PushManager` is told what the double would have given. The
 * worker, its registration and its policy are the real ones; messages reach it as events that are made in it, and
 * beside that the server pushes to the double what the test then hands to the worker.
 *
 * ATALAYA_URL    address of a running control plane on this machine (who logs in: see session.mjs)
 * ATALAYA_PUSH   folder of the double: a line of JSON in `messages` for each message, and `port`
 * ATALAYA_SHOTS  folder for a picture of the screen when something fails
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser } from './browser.mjs'
import { accessible, prepare } from './check.mjs'
import { change, get, logIn, report, serverUrl, timeout } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const address = serverUrl()
// Browsers offer it by https, and on this very machine.
const url = Object.assign(new URL(address), { hostname: 'localhost' }).origin
const double = process.env.ATALAYA_PUSH
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 900 }, locale: 'es-PE', reducedMotion: 'reduce', bypassCSP: true })
await prepare(context)
const page = context.pages()[0] ?? (await context.newPage())
const section = '[data-push]'
const toggle = `${section} [data-push-here] input`
const rows = `${section} .grid__row`
const path = '/me/push-subscriptions'

/** What `PushManager` gives from now on: nothing of it is ours but where messages go. */
async function subscribesAt(browser) {
  await context.addInitScript((browser) => {
    const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0)).buffer
    const mark = 'test.subscribed'
    const subscription = (applicationServerKey) => ({
      endpoint: browser.endpoint,
      options: { applicationServerKey, userVisibleOnly: true },
      getKey: (name) => bytes(browser[name]),
      unsubscribe: async () => (localStorage.removeItem(mark), true),
    })
    const key = () => localStorage.getItem(mark)
    PushManager.prototype.getSubscription = async () => (key() ? subscription(bytes(key())) : null)
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
      if (!userVisibleOnly) throw new DOMException('each one is shown', 'NotAllowedError')
      const text = btoa(String.fromCharCode(...new Uint8Array(applicationServerKey)))
      localStorage.setItem(mark, text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, ''))
      return subscription(applicationServerKey)
    }
  }, browser)
}

async function messages() {
  const text = await readFile(join(double, 'messages'), 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line))
}

/** The first message at the double that is as wanted. */
async function pushed(what, holds) {
  const deadline = Date.now() + timeout
  for (;;) {
    const found = (await messages()).find(holds)
    if (found) return found.said
    if (Date.now() > deadline) throw new Error(`expected ${what}; found ${JSON.stringify(await messages())}`)
    await page.waitForTimeout(100)
  }
}

/** By an address without https a browser offers nothing, and where somebody forbade it nothing is to be pressed. */
async function barred() {
  const plain = await context.newPage()
  await plain.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }))
  await plain.goto(`${url}/profile`)
  const said = await plain.locator(`${section} [data-obstacle]`).innerText({ timeout })
  expect('that it wants https', said.includes('https'), said)
  expect('nothing to switch', await plain.locator(toggle).isDisabled(), 'enabled')
  await plain.close()
  const without = await context.newPage()
  await without.addInitScript(() => delete window.PushManager)
  await without.goto(`${url}/profile`)
  await without.locator(`${section} [data-obstacle]`, { hasText: 'no muestra avisos' }).waitFor({ timeout })
  await without.close()
  const forbidden = await context.newPage()
  await forbidden.addInitScript(() => Object.defineProperty(Notification, 'permission', { get: () => 'denied' }))
  await forbidden.goto(`${url}/profile`)
  await forbidden.locator(`${section} [data-obstacle]`, { hasText: 'prohibidas' }).waitFor({ timeout })
  await accessible(forbidden, 'the profile of a browser that forbids notices')
  await forbidden.close()
}

/** Whoever answers the browser’s question with no, or not at all, has nothing switched on and is told why. */
async function asked() {
  await page.goto(`${url}/profile`)
  await page.waitForSelector(`${toggle}:enabled`, { timeout })
  await page.evaluate(() => (Notification.requestPermission = async () => 'default'))
  await page.locator(toggle).click()
  await page.locator(section, { hasText: 'No respondió a la pregunta' }).waitFor({ timeout })
  await page.waitForSelector(`${toggle}:not(:checked)`, { timeout })
  expect('no worker', await page.evaluate(async () => !(await navigator.serviceWorker.getRegistration())), 'one')
}

/** With the keyboard alone; the list says which browser it is, and the choice of kinds has one more way. */
async function switchOn() {
  await page.goto(`${url}/profile`)
  await page.waitForSelector(`${toggle}:enabled`, { timeout })
  await page.focus(toggle)
  await page.keyboard.press('Space')
  await page.waitForSelector(rows, { timeout })
  const { items } = await until(page, 'one browser', path, (found) => found.items.length === 1)
  expect('a name that tells the machine', items[0].name.includes('Chrome'), items[0].name)
  await page.locator(rows, { hasText: 'este' }).waitFor({ timeout })
  expect('the switch on', await page.locator(toggle).isChecked(), 'off')
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active.state === 'activated', undefined, { timeout })
  const script = await page.evaluate(async () => (await navigator.serviceWorker.ready).active.scriptURL)
  expect('the worker', script === `${url}/push-worker.js`, script)
  const policy = (await context.request.get(script)).headers()['content-security-policy'] ?? ''
  expect('a worker that may do nothing beside', policy.startsWith("default-src 'none'"), policy)
  await page.waitForSelector('[data-choice=security] [data-channel=push] input', { timeout })
  await accessible(page, 'the profile with a browser')
}

const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body, tag, lang, data }) => ({ title, body, tag, lang, data })))

const workerOf = async () => context.serviceWorkers().find((one) => one.url().endsWith('/push-worker.js')) ?? (await context.waitForEvent('serviceworker', { timeout }))

/** Hands the worker a message as the browser does. The browser's own tools were seen to let one fall on a busy machine. */
async function show(data, count) {
  await (await workerOf()).evaluate(async (data) => {
    const waits = []
    const event = new PushEvent('push', { data })
    Object.defineProperty(event, 'waitUntil', { value: (work) => waits.push(work) })
    self.dispatchEvent(event)
    await Promise.all(waits)
  }, data)
  const deadline = Date.now() + timeout
  for (;;) {
    const found = await shown()
    if (found.length === count) return found
    if (Date.now() > deadline) throw new Error(`expected ${count} notices shown; found ${JSON.stringify(found)}`)
    await page.waitForTimeout(100)
  }
}

/** What the server pushes when a key is made is shown, once however often it comes; what cannot be read is shown by name. */
async function notice() {
  await change(page, 'POST', '/api-keys', { name: 'Planillas', permissions: ['customer.read'] })
  const said = await pushed('what is said of a key', (message) => message.said.text.includes('Planillas'))
  const [first] = await show(JSON.stringify(said), 1)
  expect('what the server said', first.title === said.title && first.body === said.text && first.data.path === '/profile' && first.lang === 'es-419', first)
  await show(JSON.stringify(said), 1)
  const both = await show('no es JSON', 2)
  expect('its name at least', both.some(({ title }) => title === 'Atalaya'), both)
}

/** A click leads to a window that shows the page, or to a new one; never out of the app. */
async function click() {
  await page.goto(`${url}/`)
  const worker = await workerOf()
  const press = (path) =>
    worker.evaluate(async (path) => {
      const opened = []
      const { openWindow, matchAll } = self.clients
      self.clients.openWindow = async (page) => void opened.push(page)
      self.clients.matchAll = async () => (await matchAll.call(self.clients, { type: 'window', includeUncontrolled: true })).map((one) => ({ url: one.url, focus: async () => void opened.push(`focus ${one.url}`) }))
      const waits = []
      const event = new NotificationEvent('notificationclick', { notification: (await self.registration.getNotifications())[0] })
      Object.defineProperty(event, 'notification', { value: { data: { path }, close: () => opened.push('closed') } })
      Object.defineProperty(event, 'waitUntil', { value: (work) => waits.push(work) })
      self.dispatchEvent(event)
      await Promise.all(waits)
      Object.assign(self.clients, { openWindow, matchAll })
      return opened
    }, path)
  for (const [path, wanted] of [
    ['/notices', `${url}/notices`],
    ['/', `focus ${url}/`],
    ['https://evil.example/', `focus ${url}/`],
    ['//evil.example/', url],
    [undefined, `focus ${url}/`],
  ]) {
    const opened = await press(path)
    expect(`a click to ${path}`, opened.join() === `closed,${wanted}`, opened)
  }
}

/** One kind is not wanted in the browser; then the browser is switched off, at the server and in itself. */
async function switchOff() {
  await page.goto(`${url}/profile`)
  await page.locator('[data-choice=approval] [data-channel=push] input').click()
  const refused = (one) => one.kind === 'approval' && one.channel === 'push' && !one.wanted
  await until(page, 'no approvals in the browser', '/me/notices', ({ choices }) => choices.some(refused))
  await page.locator(`${rows} [data-action=remove-browser]`).click()
  await page.waitForSelector(`${section} [data-empty=nothing]`, { timeout })
  await until(page, 'no browser', path, (found) => !found.items.length)
  await page.waitForFunction(async () => !(await navigator.serviceWorker.getRegistration()), undefined, { timeout })
  expect('the switch off', !(await page.locator(toggle).isChecked()), 'on')
}

await report(
  async () => {
    if (!double) throw new Error('ATALAYA_PUSH must name the folder of a double of a push service')
    await context.grantPermissions(['notifications'], { origin: url })
    await logIn(page, url)
    const { public_key: key } = await get(page, '/me/push-key')
    const port = (await readFile(join(double, 'port'), 'utf8')).trim()
    const made = await fetch(`http://127.0.0.1:${port}/browsers`, { method: 'POST', body: JSON.stringify({ key }) })
    await subscribesAt(await made.json())
    const steps = {
      'say what stands in the way': barred,
      'leave the question unanswered': asked,
      'switch a browser on': switchOn,
      'show a notice': notice,
      'open its page': click,
      'switch it off': switchOff,
    }
    return `${await walk(steps, { push: page })} steps of notices in a browser`
  },
  close,
)
