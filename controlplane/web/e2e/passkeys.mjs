/**
 * Passkeys, with a simulated authenticator against a real server: made, entered with alone and after a password, shown again
 * before a dangerous operation, refused, and removed. A passkey is of a host name, so the pages are opened by `localhost`.
 *
 * ATALAYA_URL    address of a running control plane on this machine (who logs in: see session.mjs)
 * ATALAYA_AGE    "stdin": prints the line AGE, and waits for a line on standard input after the caller has made every
 *                proof of who is there too old; "none": leaves that part out
 * ATALAYA_SHOTS  folder for a picture of the screen when something fails
 */
import { authenticator } from './authenticator.mjs'
import { openBrowser } from './browser.mjs'
import { accessible, prepare } from './check.mjs'
import { ask, get, leave, logIn, report, serverUrl, timeout } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const address = serverUrl()
const url = Object.assign(new URL(address), { hostname: 'localhost' }).origin
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 900 }, locale: 'es-PE', bypassCSP: true, reducedMotion: 'reduce' })
await prepare(context)
const page = context.pages()[0] ?? (await context.newPage())
const key = await authenticator(page)
const dialog = '.v-overlay--active .v-card'
const second = '[data-second-factor]'
const mine = '[data-passkeys] .grid__row'

// What a browser offers by itself is looked at apart; and a program may ask for less proof than the server wants.
await context.addInitScript(() => {
  const able = PublicKeyCredential.isConditionalMediationAvailable
  PublicKeyCredential.isConditionalMediationAvailable = async () => sessionStorage.getItem('test.in_field') === 'yes' && able.call(PublicKeyCredential)
  const get = navigator.credentials.get.bind(navigator.credentials)
  navigator.credentials.get = (asked) => {
    if (sessionStorage.getItem('test.lax') === 'yes') asked.publicKey.userVerification = 'discouraged'
    return get(asked)
  }
})
const put = (name, value) => page.evaluate(([name, value]) => sessionStorage.setItem(`test.${name}`, value), [name, value])

/** By the address of the machine there is no passkey to be had, and the pages say so. */
async function notByAddress() {
  await logIn(page, address)
  expect('no button on a page without a name', !(await page.locator('[data-action=passkey]').count()), 'one')
  await page.goto(`${address}/profile`)
  await page.waitForSelector('[data-obstacle]', { timeout })
  expect('nothing to press', await page.locator('[data-action=add-passkey]').isDisabled(), 'enabled')
}

async function add() {
  await logIn(page, url)
  await page.goto(`${url}/profile?do=passkey`)
  await page.waitForSelector(`${dialog} [name=name]`, { timeout })
  const suggested = await page.inputValue(`${dialog} [name=name]`)
  expect('a name that tells the machine', suggested.includes('Chrome') && !/\d/.test(suggested), suggested)
  await accessible(page, 'a new passkey')
  await page.fill(`${dialog} [name=name]`, 'Portátil de Rosa')
  await page.keyboard.press('Enter')
  await page.waitForSelector(`${dialog} [data-codes] li`, { timeout })
  const codes = await page.locator('[data-codes] li').allInnerTexts()
  expect('ten recovery codes', codes.length === 10, codes)
  await page.locator('[name=kept]').check()
  await page.click('[data-submit]')
  await page.waitForSelector(mine, { timeout })
  const row = await page.locator(mine).innerText()
  expect('its name and the host it is for', row.includes('Portátil de Rosa') && row.includes('localhost'), row)
  await accessible(page, 'the profile with a passkey')
  const kept = await key.credentials()
  expect('one that says whose it is', kept.length === 1 && kept[0].isResidentCredential && kept[0].rpId === 'localhost', kept)
}

/** What the browser refuses is said in words, and nothing is kept. */
async function addTwice() {
  await page.goto(`${url}/profile?do=passkey`)
  await page.waitForSelector(`${dialog} [name=name]`, { timeout })
  await page.click(`${dialog} [data-submit]`)
  await says(dialog, 'ya guarda una llave suya')
  await page.keyboard.press('Escape')
  const { items } = await get(page, '/me/passkeys')
  expect('one passkey as before', items.length === 1, items)
}

async function says(where, words) {
  const band = page.locator(`${where} [data-error]`)
  await band.filter({ hasText: words }).waitFor({ timeout })
}

async function enterAlone() {
  await leave(page)
  await accessible(page, 'the log-in')
  await page.click('.login [data-action=passkey]')
  await page.waitForSelector('.page-head', { timeout })
  const { user } = await get(page, '/session')
  expect('the person whose passkey it is', user.email === (process.env.ATALAYA_EMAIL ?? 'rosa@netandina.example'), user)
}

/** The finger of somebody else: the authenticator refuses; and one that does not look is refused by the server. */
async function enterUnverified() {
  await leave(page)
  await key.verifies(false)
  await page.click('.login [data-action=passkey]')
  await says('.login', 'no mostró ninguna llave')
  await put('lax', 'yes')
  await page.click('.login [data-action=passkey]')
  await says('.login', 'no aceptó esta llave')
  await put('lax', 'no')
  await key.verifies(true)
  expect('nobody to be in', (await get(page, '/session')).status === 401, 'somebody')
}

/** The browser offers it where the e-mail is typed: nothing is pressed on the page. */
async function enterInField() {
  await put('in_field', 'yes')
  await page.goto(`${url}/login`)
  await page.waitForSelector('.page-head', { timeout })
  await put('in_field', 'no')
}

async function afterPassword() {
  await leave(page)
  await logIn(page, url, { expects: `${second} [data-action=passkey]` })
  await accessible(page, 'a passkey as second step')
  await key.verifies(false)
  await put('lax', 'yes')
  await page.click(`${second} [data-action=passkey]`)
  await page.waitForSelector('.page-head', { timeout })
  await key.verifies(true)
  await put('lax', 'no')
  await until(page, 'the last use to be known', '/me/passkeys', ({ items }) => Boolean(items[0].last_used_at))
}

/** What is dangerous asks again who is there, and goes on once it is shown. */
async function remove() {
  await page.goto(`${url}/profile`)
  await page.locator(`${mine} [data-action=remove-passkey]`).click()
  await page.waitForSelector(`${dialog} [data-confirm]`, { timeout })
  const aged = process.env.ATALAYA_AGE === 'stdin'
  if (aged) await ask('AGE')
  await page.click(`${dialog} [data-confirm]`)
  if (aged) {
    await page.waitForSelector(`${dialog} [data-action=passkey]`, { timeout })
    await accessible(page, 'a proof by a passkey')
    await page.click(`${dialog} [data-action=passkey]`)
  }
  await page.waitForSelector(dialog, { state: 'detached', timeout })
  await page.waitForSelector('[data-passkeys] [data-empty]', { timeout })
  const security = await get(page, '/me/security')
  expect('no factor and no codes to be left', security.passkeys === 0 && security.recovery_codes_left === 0, security)
}

/** The authenticator still has it; the server knows it no more. */
async function enterRemoved() {
  await leave(page)
  await page.click('.login [data-action=passkey]')
  await says('.login', 'no aceptó esta llave')
  await logIn(page, url)
}

await report(async () => {
  const steps = {
    'none by an address': notByAddress,
    'add one, with recovery codes': add,
    'none twice in one place': addTwice,
    'enter by it alone': enterAlone,
    'not without its owner': enterUnverified,
    'offered in the field of the e-mail': enterInField,
    'after a password': afterPassword,
    'remove it, with a proof by it': remove,
    'not once it was removed': enterRemoved,
  }
  const count = await walk(steps, { passkeys: page })
  return `${count} steps of passkeys pressed`
}, close)
