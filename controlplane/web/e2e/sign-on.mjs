/**
 * Log-in by an identity provider, against a real server and a double of an issuer: the issuer is tried and added, refused where it
 * cannot be used, an account is allowed, linked and entered with, cancelled and refused in plain words, switched off and removed.
 *
 * ATALAYA_URL              address of a running control plane that may ask issuers of this machine (who logs in: see session.mjs)
 * ATALAYA_ISSUER           address of the issuer, where the person is logged in with the same e-mail
 * ATALAYA_ISSUER_CLIENT    client id and
 * ATALAYA_ISSUER_SECRET    secret there
 * ATALAYA_AGE              "stdin": prints the line AGE, and waits for a line on standard input after the caller has made every
 *                          proof of who is there too old; "none": leaves that part out
 * ATALAYA_SHOTS            folder for a picture of the screen when something fails
 */
import { openBrowser } from './browser.mjs'
import { accessible, prepare } from './check.mjs'
import { ask, get, leave, logIn, report, serverUrl, timeout } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const url = serverUrl()
const { ATALAYA_ISSUER: issuer, ATALAYA_ISSUER_CLIENT: client, ATALAYA_ISSUER_SECRET: secret } = process.env
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 900 }, locale: 'es-PE', bypassCSP: true, reducedMotion: 'reduce' })
await prepare(context)
const page = context.pages()[0] ?? (await context.newPage())
const dialog = '.v-overlay--active .v-card'
const button = '[data-providers] button'
const mine = '[data-accounts] .grid__row'
const name = 'Cuenta de la empresa'

/** What an issuer answered, as the dialog says it. */
async function verdict(expected) {
  await page.click(`${dialog} [data-action=check]`)
  await page.waitForSelector(`${dialog} [data-verdict-of-issuer=${expected}]`, { timeout })
  return page.locator(`${dialog} [data-verdict-of-issuer]`).innerText()
}

async function empty() {
  await logIn(page, url)
  await page.goto(`${url}/profile`)
  await page.waitForSelector('[data-passkeys]', { timeout })
  expect('nothing of accounts where there is no provider', !(await page.locator('[data-accounts]').count()), 'a list')
  await page.goto(`${url}/settings/sign_on`)
  await page.waitForSelector('[data-empty]', { timeout })
  const uri = await page.locator('[data-redirect-uri] pre').innerText()
  expect('the address to come back to, to be copied', uri === `${url}/login/return`, uri)
  await accessible(page, 'identity providers, none')
}

/** Google wants no address; of another issuer it is tried first, and what is wrong with it is said. */
async function tried() {
  await page.click('[data-action=create]')
  await page.waitForSelector(`${dialog} [name=client_id]`, { timeout })
  expect('no address to be typed for Google', !(await page.locator(`${dialog} input[name=issuer]`).count()), 'a field')
  await accessible(page, 'a new provider at Google')
  await page.locator(`${dialog} .v-select`).first().click()
  await page.getByRole('option', { name: 'Otro emisor de OpenID Connect', exact: true }).click()
  const field = page.locator(`${dialog} input[name=issuer]`)
  await field.fill('https://10.0.0.1')
  const inside = await verdict('not_allowed')
  expect('plain words about an address inside', inside.includes('no consulta esa dirección'), inside)
  await field.fill(`${issuer}/nothing`)
  await verdict('wrong')
  await field.fill(issuer)
  const good = await verdict('usable')
  expect('where people would go', good.includes(`${issuer}/authorize`), good)
  await accessible(page, 'a new provider that was tried')
}

async function added() {
  await page.fill(`${dialog} [name=name]`, name)
  await page.fill(`${dialog} [name=client_id]`, client)
  await page.fill(`${dialog} [name=client_secret]`, secret)
  await page.fill(`${dialog} [name=allowed_domains]`, '@netandina.example, otra.example')
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector(dialog, { state: 'detached', timeout })
  const { items } = await until(page, 'one provider', '/identity-providers', ({ items }) => items.length === 1)
  expect('its domains', items[0].allowed_domains.join() === 'netandina.example,otra.example' && items[0].issuer === issuer, items)
  await page.locator('.grid__row').filter({ hasText: name }).waitFor({ timeout })
  await accessible(page, 'identity providers, one')
}

/** Goes to the issuer, answers there, and comes back. */
async function visits(answer) {
  await page.locator(button).filter({ hasText: `Entrar con ${name}` }).click()
  await page.waitForURL(`${issuer}/authorize?**`, { timeout })
  await page.getByRole('button', { name: answer, exact: true }).click()
}

async function refused() {
  await page.getByRole('alert').filter({ hasText: 'No se pudo entrar con esa cuenta' }).waitFor({ timeout })
  expect('nothing of the issuer in the address', new URL(page.url()).search === '', page.url())
  expect('nobody to be in', (await get(page, '/session')).status === 401, 'somebody')
}

/** Nobody allowed the account: the right e-mail alone opens nothing. */
async function notAllowed() {
  await leave(page)
  await page.waitForSelector(button, { timeout })
  await accessible(page, 'a log-in with a provider')
  await visits('Continue')
  await refused()
  await accessible(page, 'a log-in that was refused')
  await page.getByRole('link', { name: 'Empezar de nuevo' }).click()
  await page.waitForSelector(button, { timeout })
  await visits('Cancel')
  await refused()
}

async function allowed() {
  await logIn(page, url)
  await page.goto(`${url}/profile`)
  await page.waitForSelector('[data-accounts]', { timeout })
  await page.click('[data-action=allow-account]')
  await page.locator(mine).filter({ hasText: 'permitida' }).waitFor({ timeout })
  expect('one to wait at a time', await page.locator('[data-action=allow-account]').isDisabled(), 'enabled')
  await accessible(page, 'the profile with an account that was allowed')
}

/** To the issuer and back, to the page that was asked for. */
async function entered() {
  await leave(page)
  await page.goto(`${url}/login?next=%2Fprofile`)
  await page.waitForSelector(button, { timeout })
  await visits('Continue')
  await page.waitForURL(`${url}/profile`, { timeout })
  await page.locator(mine).filter({ hasText: 'vinculada' }).waitFor({ timeout })
  await accessible(page, 'the profile with an account that is linked')
}

/** What somebody else would have the browser open after the log-in is not opened. */
async function notElsewhere() {
  await leave(page)
  await page.goto(`${url}/login?next=${encodeURIComponent('//evil.example/')}`)
  await page.waitForSelector(button, { timeout })
  await visits('Continue')
  await page.waitForSelector('.page-head', { timeout })
  expect('the home page', page.url() === `${url}/`, page.url())
}

/** The issuer's word is no fresh proof: what is dangerous asks for one, and goes on. */
async function switchedOff() {
  await page.goto(`${url}/settings/sign_on`)
  await page.locator('[data-action=turn]').click()
  await page.waitForSelector(`${dialog} [name=password]`, { timeout })
  await page.fill(`${dialog} [name=password]`, process.env.ATALAYA_PASSWORD ?? 'atalaya-demo-2026')
  await page.keyboard.press('Enter')
  await until(page, 'it to be off', '/identity-providers', ({ items }) => items[0].enabled === false)
  await page.locator('.grid__row').filter({ hasText: 'apagado' }).waitFor({ timeout })
  const { items } = await get(page, `/session/identity-providers?tenant=${process.env.ATALAYA_TENANT ?? 'netandina'}`)
  expect('no button', items.length === 0, items)
}

async function edited() {
  await page.locator('[data-action=edit]').click()
  await page.waitForSelector(`${dialog} [name=client_id]`, { timeout })
  expect('a secret that is not shown', (await page.inputValue(`${dialog} [name=client_secret]`)) === '', 'something')
  await accessible(page, 'an identity provider')
  await page.fill(`${dialog} [name=allowed_domains]`, '')
  await page.keyboard.press('Control+Enter')
  await until(page, 'no domains', '/identity-providers', ({ items }) => items[0].allowed_domains.length === 0)
}

/** How many it concerns is said before; the proof is asked for, and then it goes on. */
async function removed() {
  const aged = process.env.ATALAYA_AGE === 'stdin'
  if (aged) await ask('AGE')
  await page.locator('[data-action=remove]').click()
  await page.waitForSelector(`${dialog} [data-confirm]`, { timeout })
  const said = await page.locator(dialog).innerText()
  expect('how many it concerns', said.includes('1 cuenta vinculada deja de abrir su ingreso'), said)
  await accessible(page, 'the removal of an identity provider')
  await page.click(`${dialog} [data-confirm]`)
  if (aged) {
    await page.waitForSelector(`${dialog} [name=password]`, { timeout })
    await page.fill(`${dialog} [name=password]`, process.env.ATALAYA_PASSWORD ?? 'atalaya-demo-2026')
    await page.keyboard.press('Enter')
  }
  await page.waitForSelector('[data-empty]', { timeout })
  const { items } = await get(page, '/me/identities')
  expect('no account to be left', items.length === 0, items)
  await leave(page)
  expect('no button', !(await page.locator(button).count()), 'one')
}

await report(async () => {
  const steps = {
    'none yet, and the address to copy': empty,
    'an issuer is tried': tried,
    'and added': added,
    'who was not allowed is refused in plain words': notAllowed,
    'an account is allowed': allowed,
    'enter with it': entered,
    'no way elsewhere': notElsewhere,
    'switch it off, with a proof': switchedOff,
    'edit it': edited,
    'remove it, with a proof': removed,
  }
  const count = await walk(steps, { sign_on: page })
  return `${count} steps of identity providers pressed`
}, close)
