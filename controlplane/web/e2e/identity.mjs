/**
 * Who somebody is, pressed on the pages against a real server: invited by a link, forced to add an authenticator app, in
 * again with its code and with a recovery code, another password; and a key of a program, used and revoked.
 *
 * ATALAYA_URL    address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_SHOTS  folder for a picture of the screen when something fails
 */
import { readFile } from 'node:fs/promises'
import { openBrowser } from './browser.mjs'
import { accessible, prepare } from './check.mjs'
import { change, get, leave, logIn, report, serverUrl, timeout, version } from './session.mjs'
import { expect, walk } from './steps.mjs'
import { totp } from './totp.mjs'

const url = serverUrl()
const look = { viewport: { width: 1366, height: 900 }, locale: 'es-PE', acceptDownloads: true, bypassCSP: true, reducedMotion: 'reduce' }
const admin = await openBrowser(look)
const guest = await openBrowser(look)
await Promise.all([admin, guest].map(({ context }) => prepare(context)))
const owner = admin.context.pages()[0] ?? (await admin.context.newPage())
const page = guest.context.pages()[0] ?? (await guest.context.newPage())
const dialog = '.v-overlay--active .v-card'
const email = `carmen-${Date.now().toString(36)}@netandina.example`
const passwords = ['cuatro palabras de prueba', 'otras cuatro palabras mas']
/** What the pages have asked the network for: a link's token must be in no address. */
const asked = []
page.on('request', (request) => asked.push(request.url()))

const focused = (at) => at.evaluate(() => document.activeElement?.getAttribute('name'))

/** What is on its way is said in words, and the turning circle has a name, until `sent` is answered. */
async function whileItTurns(press, sent) {
  let release = () => {}
  const held = new Promise((go) => (release = go))
  await owner.route(sent, (route) => (route.request().method() === 'POST' ? held.then(() => route.continue()) : route.continue()))
  await press()
  await owner.waitForSelector(`${dialog} .v-btn--loading [role=progressbar][aria-label]`, { timeout })
  const words = await owner.locator(`${dialog} [data-busy]`).innerText()
  expect('words while it is on its way', words.length > 3, words)
  await accessible(owner, 'a dialog that is being sent')
  release()
}

async function invite() {
  await owner.goto(`${url}/settings/users?do=create`)
  await owner.fill(`${dialog} [name=name]`, 'Carmen Flores')
  await owner.fill(`${dialog} [name=email]`, email)
  await whileItTurns(() => owner.click(`${dialog} [data-submit]`), '**/api/v1/users')
  await owner.waitForSelector('[data-link-address] pre', { timeout })
  const link = (await owner.locator('[data-link-address] pre').innerText()).trim()
  expect('a link of this server', link.startsWith(`${url}/set-password#`), link)
  return link
}

async function setPassword(link) {
  const token = link.split('#')[1]
  await page.goto(link)
  await page.waitForSelector('[data-link=good]', { timeout })
  const traces = await page.evaluate(() => [location.href, JSON.stringify(history.state), JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join(' '))
  expect('no trace of the token in address, history or storage', !traces.includes(token) && !traces.includes('#'), traces)
  await accessible(page, 'the page of a link')
  await page.fill('[name=password]', 'corta')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.field__note--error', { timeout })
  await page.fill('[name=password]', passwords[0])
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-link=done] input[name=password]', { timeout })
  expect('the token in no address that was asked for', !asked.some((one) => one.includes(token)), asked)
  const again = await guest.context.newPage()
  await again.goto(link)
  await again.waitForSelector('[data-link=worthless]', { timeout })
  await again.close()
}

async function demandFactor() {
  const { id, roles } = (await get(owner, '/users')).items.find((one) => one.email === email)
  expect('the new user to only read', roles.join() === 'read_only', roles)
  await change(owner, 'PATCH', '/tenant', { second_factor_roles: ['read_only'] }, await version(owner, '/tenant'))
  return id
}

/** From the log-in under the link's page: what the role demands comes first. */
async function enrol() {
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'password', undefined, { timeout })
  await page.keyboard.type(passwords[0])
  await page.keyboard.press('Enter')
  await page.waitForSelector(`${dialog} [data-secret] pre`, { timeout })
  expect('nothing but the profile', new URL(page.url()).pathname === '/profile', page.url())
  await page.waitForSelector('[data-factor-missing]', { timeout })
  expect('a picture of the secret', (await page.locator('.qr path').getAttribute('d')).length > 1000, 'none')
  await accessible(page, 'the enrolment of an app')
  const secret = (await page.locator('[data-secret] pre').innerText()).trim()
  await page.fill('[name=code]', String((Number(totp(secret)) + 1) % 1_000_000).padStart(6, '0'))
  await page.keyboard.press('Enter')
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await page.fill('[name=code]', totp(secret))
  await page.keyboard.press('Enter')
  await page.waitForSelector(`${dialog} [data-codes] li`, { timeout })
  const codes = await page.locator('[data-codes] li').allInnerTexts()
  expect('ten codes', codes.length === 10, codes)
  await accessible(page, 'the recovery codes')
  await page.keyboard.press('Escape')
  await page.waitForSelector('[data-codes]', { timeout })
  const [file] = await Promise.all([page.waitForEvent('download', { timeout }), page.click('[data-action=download]')])
  const saved = await readFile(await file.path(), 'utf8')
  expect('every code in the file', codes.every((code) => saved.includes(code)), saved)
  expect('no way on without keeping them', await page.locator('[data-submit]').isDisabled(), 'enabled')
  await page.locator('[name=kept]').check()
  await page.click('[data-submit]')
  await page.waitForSelector('[data-nav=customers]', { timeout })
  await page.waitForSelector('[data-codes]', { state: 'detached', timeout })
  return { secret, codes }
}

/** The first step; the page then waits for a code, with the focus on it. */
async function passwordStep(password) {
  await logIn(page, url, { email, password, expects: '[data-second-factor] [name=code]' })
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'code', undefined, { timeout })
}

async function typeCode(code) {
  await page.keyboard.type(code)
  await page.keyboard.press('Enter')
}

async function codeOfApp(secret) {
  await passwordStep(passwords[0])
  const hint = await page.locator('[name=code]').getAttribute('autocomplete')
  expect('a field that telephones fill in', hint === 'one-time-code', hint)
  await accessible(page, 'the second step of a log-in')
  await typeCode('000000')
  await page.waitForSelector('.field__note--error', { timeout })
  expect('the focus to stay on the code', (await focused(page)) === 'code', await focused(page))
  // The code of the enrolment was taken: the next one is, a step early.
  await typeCode(totp(secret, 1))
  await page.waitForSelector('.page-head', { timeout })
}

async function codeOfPaper([first, second]) {
  await passwordStep(passwords[0])
  await page.click('[data-action=other-code]')
  await typeCode(first)
  await page.waitForSelector('.page-head', { timeout })
  await leave(page)
  await passwordStep(passwords[0])
  await page.click('[data-action=other-code]')
  await typeCode(first)
  await page.waitForSelector('.field__note--error', { timeout })
  await typeCode(second)
  await page.waitForSelector('.page-head', { timeout })
  const { recovery_codes_left: left } = await get(page, '/me/security')
  expect('eight codes to be left', left === 8, left)
}

async function otherPassword(third) {
  await page.goto(`${url}/profile?do=password`)
  await page.fill(`${dialog} [name=current]`, 'no es la mia')
  await page.fill(`${dialog} [name=password]`, passwords[1])
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await page.fill(`${dialog} [name=current]`, passwords[0])
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector(dialog, { state: 'detached', timeout })
  await leave(page)
  await passwordStep(passwords[1])
  await page.click('[data-action=other-code]')
  await typeCode(third)
  await page.waitForSelector('.page-head', { timeout })
}

async function losesApp(id) {
  await owner.goto(`${url}/settings/users`)
  const row = owner.locator(`[data-row="${id}"]`)
  await row.locator('[data-menu=access]').click()
  await owner.locator('[data-action=app]:visible').click()
  await owner.click(`${dialog} [data-confirm]`)
  await owner.waitForSelector(dialog, { state: 'detached', timeout })
  await page.goto(`${url}/customers`)
  await page.waitForSelector('[data-factor-missing]', { timeout })
  expect('the profile before anything else', new URL(page.url()).pathname === '/profile', page.url())
}

const asProgram = (token, path) => fetch(`${url}/api/v1${path}`, { headers: { Authorization: `Bearer ${token}` } }).then((answer) => answer.status)

async function keyOfProgram() {
  await owner.goto(`${url}/settings/keys?do=create`)
  const name = `Contabilidad ${Date.now().toString(36)}`
  await owner.fill(`${dialog} [name=name]`, name)
  await owner.click(`${dialog} [data-submit]`)
  await owner.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await owner.check(`${dialog} input[value="customer.read"]`)
  await owner.click(`${dialog} [data-submit]`)
  await owner.waitForSelector('[data-token] pre', { timeout })
  const token = (await owner.locator('[data-token] pre').innerText()).trim()
  const before = [await asProgram(token, '/customers?limit=1'), await asProgram(token, '/invoices?limit=1')]
  expect('the one right and no other', before.join() === '200,403', before)
  await owner.click(`${dialog} [data-submit]`)
  await owner.waitForSelector(dialog, { state: 'detached', timeout })
  expect('the token to be gone from the page', !(await owner.content()).includes(token), 'it is there')
  const row = owner.locator('.grid__row', { hasText: name })
  await row.locator('[data-action=revoke]').click()
  await owner.click(`${dialog} [data-confirm]`)
  await row.locator('[data-action=revoke]').waitFor({ state: 'detached', timeout })
  const after = await asProgram(token, '/customers?limit=1')
  expect('a key that opens nothing', after === 401, after)
}

await report(
  async () => {
    const known = {}
    await logIn(owner, url)
    const steps = {
      'invite by a link': async () => (known.link = await invite()),
      'a role that demands a factor': async () => (known.id = await demandFactor()),
      'set a password by the link, once': () => setPassword(known.link),
      'add the app that is demanded': async () => Object.assign(known, await enrol()),
      'log in with a code of the app': () => leave(page).then(() => codeOfApp(known.secret)),
      'log in with a recovery code, once': () => leave(page).then(() => codeOfPaper(known.codes)),
      'another password': () => otherPassword(known.codes[2]),
      'the app of somebody who lost it': () => losesApp(known.id),
      'a key of a program': keyOfProgram,
    }
    const count = await walk(steps, { 'identity-guest': page, 'identity-owner': owner })
    return `${count} steps of identity pressed`
  },
  async () => {
    await admin.close()
    await guest.close()
  },
)
