/**
 * How an ISP stands with the installation, pressed on the pages against a real server: what was given up is tried again or
 * discarded; tabs of the settings have addresses; an operator makes a plan and an ISP, lets one look only, enters it, and is
 * seen and shown out by its owner.
 *
 * ATALAYA_URL       address of a running control plane with something given up (who logs in: see session.mjs)
 * ATALAYA_OPERATOR  e-mail of an operator of the installation
 * ATALAYA_SHOTS     folder for a picture of the screens when something fails
 */
import { openBrowser } from './browser.mjs'
import { get, logIn, operator, report, serverUrl, timeout } from './session.mjs'
import { expect, until, walk } from './steps.mjs'
import { totp } from './totp.mjs'

const url = serverUrl()
const look = { viewport: { width: 1366, height: 900 }, locale: 'es-PE', reducedMotion: 'reduce' }
const first = await openBrowser(look)
const second = await openBrowser(look)
const owner = first.context.pages()[0] ?? (await first.context.newPage())
const page = second.context.pages()[0] ?? (await second.context.newPage())
const dialog = '.v-overlay--active .v-card'
const mark = Date.now().toString(36)
const reason = 'Caso 4711: la corrida de corte no empieza'
const waiting = async () => (await get(owner, '/dead-letters')).items
const closed = (at) => at.waitForSelector(dialog, { state: 'detached', timeout })

/** How many wait stands beside their page in the navigation, wherever somebody is. */
async function counted() {
  const many = (await waiting()).length
  await owner.goto(url)
  await owner.waitForSelector(`[data-nav=dead-letters] [data-dead-letters]:has-text("${many}")`, { timeout })
}

/** One is tried again from the side view: it waits for nobody any more, and the audit says who did it. */
async function replay() {
  const [letter] = (await waiting()).filter((one) => one.kind === 'delivery')
  await owner.goto(`${url}/dead-letters`)
  await owner.locator(`[data-row="${letter.id}"] .grid__cell--first`).click()
  await owner.waitForSelector('[data-peek] h2', { timeout })
  expect('its last error', (await owner.locator('[data-peek] pre').innerText()).includes(letter.last_error), letter)
  await owner.click('[data-peek] [data-action=replay]')
  await until(owner, 'one less', '/dead-letters', ({ items }) => !items.some((one) => one.id === letter.id))
  await owner.waitForSelector(`[data-row="${letter.id}"]`, { state: 'detached', timeout })
  const [done] = (await get(owner, '/audit?action=dead_letter.replay&limit=1')).items
  expect('an audit row of the owner', done?.entity_id === letter.id && done.actor_kind === 'user', done)
}

/** One is given up, and only with a reason; the rest is ticked and tried again together. */
async function discard() {
  await owner.goto(`${url}/dead-letters?kind=job`)
  await owner.waitForSelector('.grid__row', { timeout })
  const kinds = new Set((await waiting()).filter((one) => one.kind === 'job').map((one) => one.id))
  const shown = await owner.locator('.grid__row').evaluateAll((rows) => rows.map((row) => row.dataset.row))
  expect('jobs alone', shown.length === kinds.size && shown.every((id) => kinds.has(id)), shown)
  await owner.locator('[data-pick]').first().check()
  await owner.click('[data-action=discard-many]')
  await owner.click(`${dialog} [data-confirm]`)
  await owner.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await owner.fill(`${dialog} [name=reason]`, 'La corrida ya se hizo a mano')
  await owner.click(`${dialog} [data-confirm]`)
  await until(owner, 'the job to be gone', '/dead-letters', ({ items }) => !items.some((one) => one.id === shown[0]))
  const [row] = (await get(owner, '/audit?action=dead_letter.discard&limit=1')).items
  expect('the reason in the audit', row?.reason === 'La corrida ya se hizo a mano', row)
  await closed(owner)
  await owner.goto(`${url}/dead-letters`)
  await owner.locator('.grid__head input').check()
  await owner.click('[data-action=replay-many]')
  await until(owner, 'nothing left', '/dead-letters', ({ items }) => !items.length)
  await owner.waitForSelector('[data-empty=nothing]', { timeout })
  await owner.waitForSelector('[data-dead-letters]', { state: 'detached', timeout })
}

/** What was done to one thing, by one kind of actor, until today; and how far the trail is sealed. */
async function trail() {
  const [row] = (await get(owner, '/audit?action=dead_letter.discard&limit=1')).items
  await owner.goto(`${url}/audit`)
  await owner.waitForSelector('[data-seal]', { timeout })
  await owner.selectOption('[data-filter=action]', 'dead_letter.discard')
  await owner.selectOption('[data-filter=actor_kind]', 'user')
  await owner.fill('[data-filter=entity_id]', row.entity_id)
  await owner.press('[data-filter=entity_id]', 'Enter')
  await owner.waitForFunction((id) => new URLSearchParams(location.search).get('entity_id') === id, row.entity_id, { timeout })
  await owner.waitForFunction(() => document.querySelectorAll('.grid__row').length === 1, undefined, { timeout })
  await owner.click('.grid__cell--first')
  await owner.waitForSelector('[data-peek] [data-sealed]', { timeout })
  await owner.click('[data-seal] summary')
  const line = JSON.parse(await owner.locator('[data-seal] pre').innerText())
  expect('the end of the chain, to be kept', line.position > 0 && /^[0-9a-f]{64}$/.test(line.chain), line)
  await owner.selectOption('[data-filter=actor_kind]', 'agent')
  await owner.waitForSelector('[data-empty=no_match]', { timeout })
}

/** The operator has a copy made; the ISP is told that there is one, that its restore was rehearsed, and no more. */
async function copy() {
  await owner.goto(`${url}/settings/backups`)
  await owner.waitForSelector('[data-backup-verdict]', { timeout })
  const before = (await get(page, '/platform/backups')).items.length
  await page.goto(`${url}/platform/backups`)
  await page.click('[data-action=backup]')
  await until(page, 'one more copy, rehearsed', '/platform/backups', ({ items }) => items.length > before && items[0].state === 'good')
  await page.waitForSelector('[data-verdict]:has-text("su restauración se ensayó")', { timeout })
  const [{ path }] = (await get(page, '/platform/backups')).items
  await page.locator('.grid__row', { hasText: path, has: page.locator('[data-backup=good]') }).waitFor({ timeout })
  await page.locator('.grid__row', { hasText: path, has: page.locator('[data-target=folder]') }).waitFor({ timeout })
  await owner.waitForSelector('[data-backup-verdict]:has-text("su restauración se ensayó")', { timeout })
  expect('nothing of the machine on the page of an ISP', !(await owner.content()).includes(path), path)
  await owner.goto(url)
  await owner.waitForSelector('[data-card=backup]:has-text("restauración ensayada")', { timeout })
  await owner.click('[data-card=backup]')
  await owner.waitForFunction(() => location.pathname === '/settings/backups', undefined, { timeout })
  await owner.waitForSelector('[data-backups] .grid__row', { timeout })
}

/** A tab is a place: it stays after a reload, Back leaves it, and links from before still lead there. */
async function tabs() {
  const here = (path) => owner.waitForFunction((path) => location.pathname === path, path, { timeout })
  await owner.goto(`${url}/settings`)
  await owner.waitForSelector('.page-head[data-ready]', { timeout })
  const tabsShown = await owner.locator('.v-tab').count()
  expect('five tabs at most', tabsShown === 5, tabsShown)
  await owner.click('[data-tab=people]')
  await here('/settings/users')
  await owner.click('[data-part=roles]')
  await here('/settings/roles')
  await owner.reload()
  await owner.waitForSelector('[data-tab=people].v-tab--selected', { timeout })
  await owner.waitForSelector('[data-part=roles][aria-current=page]', { timeout })
  await owner.waitForSelector('[data-row=owner]', { timeout })
  await owner.goBack()
  await owner.goBack()
  await here('/settings')
  await owner.goto(`${url}/settings?tab=users&do=create`)
  await here('/settings/users')
  await owner.waitForSelector(`${dialog} [name=email]`, { timeout })
  await owner.goto(`${url}/settings/no-such-tab`)
  await owner.waitForSelector('[data-tab=tenant].v-tab--selected', { timeout })
}

async function logInToConsole() {
  await page.goto(`${url}/platform/plans`)
  await page.fill('input[name=email]', operator().email)
  await page.fill('input[name=password]', 'no es la contraseña')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-platform-login] [data-error]', { timeout })
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'password', undefined, { timeout })
  await page.keyboard.type(operator().password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.console-bar', { timeout })
  expect('the page that was asked for', new URL(page.url()).pathname === '/platform/plans', page.url())
  expect('a title of its own', (await page.title()).includes('Plataforma'), await page.title())
}

/** A plan is made and given; the ISP's own settings say how much of it is used, in figures and words. */
async function plan() {
  await page.click('[data-action=create]')
  await page.fill(`${dialog} [name=name]`, `Inicial ${mark}`)
  await page.fill(`${dialog} [name=customers]`, 'muchos')
  await page.fill(`${dialog} [name=contact]`, 'ventas@hosting.example')
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  const { limits } = await get(owner, '/tenant/use')
  const customers = limits.find((one) => one.limit === 'customers').used
  await page.fill(`${dialog} [name=customers]`, String(customers))
  await page.click(`${dialog} [data-submit]`)
  await closed(page)
  const tenant = (await get(page, '/platform/tenants')).items[0].id
  await page.goto(`${url}/platform/tenants/${tenant}?do=plan`)
  await page.locator(`${dialog} .v-select`).click()
  await page.getByRole('option', { name: `Inicial ${mark}` }).click()
  await page.waitForSelector(`${dialog} [data-full]`, { timeout })
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector(`[data-plan]:has-text("Inicial ${mark}")`, { timeout })
  await owner.goto(`${url}/settings/installation`)
  await owner.waitForSelector('[data-use=customers][data-use-state=full]', { timeout })
  const words = await owner.locator('[data-use=customers]').innerText()
  expect('figures and words', words.includes(`${customers} de ${customers}`) && words.includes('no se puede agregar más'), words)
  await owner.goto(`${url}/customers?do=create`)
  await owner.fill(`${dialog} [name=name]`, 'Sobra Uno')
  await owner.click(`${dialog} [data-submit]`)
  await owner.waitForSelector(`${dialog} [data-error]:has-text("ventas@hosting.example")`, { timeout })
  return tenant
}

/** Another ISP; whoever runs it sets a password by the link and is in. */
async function newTenant() {
  await page.goto(`${url}/platform?do=create`)
  await page.fill(`${dialog} [name=name]`, 'Selva Net')
  await page.waitForFunction(() => document.querySelector('[name=slug]')?.value === 'selva-net', undefined, { timeout })
  await page.locator(`${dialog} .v-select:has([name="tenant/country"])`).click()
  await page.getByRole('option', { name: 'PE', exact: true }).click()
  await page.waitForFunction(() => document.querySelector('[name=currency]')?.value === 'PEN', undefined, { timeout })
  const zone = await page.locator(`${dialog} .v-select:has([name="tenant/time_zone"])`).innerText()
  expect('the time zone of the capital', zone.includes('America/Lima'), zone)
  await page.fill(`${dialog} [name=owner_name]`, 'Inés Río')
  await page.fill(`${dialog} [name=owner_email]`, 'ines@selva.example')
  await page.click(`${dialog} [data-submit]`)
  const link = (await page.locator('[data-link-address] pre').innerText()).trim()
  expect('a link of this server', link.startsWith(`${url}/set-password#`), link)
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector('.grid__row:has-text("Selva Net")', { timeout })
}

/** Looking only: the reason on every page, dialogs that send nothing and say why, and back again. */
async function lookOnly(tenant) {
  await page.goto(`${url}/platform/tenants/${tenant}`)
  await page.click('[data-action=state]')
  await page.fill(`${dialog} [name=reason]`, 'La factura de septiembre está por pagar')
  await page.click(`${dialog} [data-confirm]`)
  await page.waitForSelector('[data-restricted]', { timeout })
  await owner.goto(`${url}/sites?do=create`)
  await owner.waitForSelector(`${dialog} [data-locked]:has-text("La factura de septiembre")`, { timeout })
  expect('nothing to send', await owner.locator(`${dialog} [data-submit]`).isDisabled(), 'a button that sends')
  await owner.keyboard.press('Escape')
  await owner.waitForSelector('[data-read-only]:has-text("La factura de septiembre")', { timeout })
  await owner.goto(`${url}/profile?do=password`)
  await owner.waitForSelector(`${dialog} [name=current]`, { timeout })
  expect('one’s own password to be possible', await owner.locator(`${dialog} [data-submit]`).isEnabled(), 'a button that does not send')
  await page.click('[data-action=state]')
  await page.fill(`${dialog} [name=reason]`, 'Pagada')
  await page.click(`${dialog} [data-confirm]`)
  await page.waitForSelector('[data-restricted]', { state: 'detached', timeout })
  await owner.goto(url)
  await owner.waitForSelector('.page-head[data-ready]', { timeout })
  expect('no band', (await owner.locator('[data-read-only]').count()) === 0, 'a band')
}

/** The operator is in, sees where and how long, and can only look; the owner sees the visit and ends it. */
async function visit(tenant) {
  await page.goto(`${url}/platform/tenants/${tenant}`)
  await page.click('[data-action=enter]')
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await page.fill(`${dialog} [name=reason]`, reason)
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector('[data-visit-bar]', { timeout })
  const bar = await page.locator('[data-visit-bar]').innerText()
  expect('the ISP, the reason and the time', bar.includes('NetAndina') && bar.includes(reason) && /termina en/.test(bar), bar)
  await page.goto(`${url}/sites`)
  await page.waitForSelector('.page-head[data-ready]', { timeout })
  expect('nothing to change', await page.locator('.page-head__actions .v-btn').first().isDisabled(), 'a button')
  await owner.goto(`${url}/settings/installation`)
  const row = owner.locator('[data-visits] .grid__row', { hasText: reason }).first()
  await row.locator('[data-action=end-visit]').click()
  await owner.click(`${dialog} [data-confirm]`)
  await row.locator('[data-action=end-visit]').waitFor({ state: 'detached', timeout })
  // The next thing that is asked for says so, if the stream of events did not before: no press reaches through the dialog then.
  await page.locator('[data-nav=devices]').evaluate((link) => link.click())
  await page.waitForSelector('[data-visit-over]', { timeout })
  await page.locator(`${dialog} a`).click()
  await page.waitForSelector('.console-bar', { timeout })
  expect('the ISP in the console', new URL(page.url()).pathname === `/platform/tenants/${tenant}`, page.url())
  expect('who ended it', (await page.locator('[data-visits] .grid__row').first().innerText()).includes('Rosa'), 'nobody')
}

/** In again with a right beyond looking, and out by the bar. */
async function leave(tenant) {
  await page.click('[data-action=enter]')
  await page.fill(`${dialog} [name=reason]`, reason)
  await page.click(`${dialog} summary`)
  await page.check(`${dialog} input[value="site.write"]`)
  await page.click(`${dialog} [data-submit]`)
  await page.waitForSelector('[data-visit-bar]', { timeout })
  await page.goto(`${url}/sites?do=create`)
  await page.fill(`${dialog} [name=name]`, `Cerro ${mark}`)
  await page.click(`${dialog} [data-submit]`)
  await closed(page)
  const [made] = (await get(owner, '/audit?action=site.*&limit=1')).items
  expect('the operator’s name in the audit', made?.actor_kind === 'operator' && made.actor_name === 'Olga Norte', made)
  await page.click('[data-action=leave-visit]')
  await page.waitForSelector('.console-bar', { timeout })
  const [last] = (await get(page, `/platform/tenants/${tenant}/visits`)).items
  expect('a visit that is over', last.open === false, last)
}

/** The operator's own app: from now on its code is asked for with the password. */
async function app() {
  await page.goto(`${url}/platform/account?do=app`)
  const secret = (await page.locator('[data-secret] pre').innerText()).trim()
  await page.fill('[name=code]', totp(secret))
  await page.click(`${dialog} [data-submit]`)
  await closed(page)
  await page.waitForSelector('[data-action=remove-app]', { timeout })
  await page.click('[data-menu=operator]')
  await page.click('[data-log-out]')
  await page.waitForSelector('[data-platform-login]', { timeout })
  await page.fill('input[name=email]', operator().email)
  await page.fill('input[name=password]', operator().password)
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'code', undefined, { timeout })
  // The code of the enrolment was taken: the next one is, a step early.
  await page.keyboard.type(totp(secret, 1))
  await page.keyboard.press('Enter')
  await page.waitForSelector('.console-bar', { timeout })
}

await report(
  async () => {
    const known = {}
    await logIn(owner, url)
    const steps = {
      'count what was given up': counted,
      'try again what was given up': replay,
      'give up for good, and all the rest again': discard,
      'look for what was done': trail,
      'tabs of the settings by address': tabs,
      'log in to the console': logInToConsole,
      'make a plan and give it': async () => (known.tenant = await plan()),
      'make an ISP': newTenant,
      'have a copy made': copy,
      'let look only': () => lookOnly(known.tenant),
      'enter, and be shown out by the owner': () => visit(known.tenant),
      'enter, change something, leave': () => leave(known.tenant),
      'an app of the operator': app,
    }
    const count = await walk(steps, { 'standing-owner': owner, 'standing-operator': page })
    return `${count} steps of an ISP's standing pressed`
  },
  async () => {
    await first.close()
    await second.close()
  },
)
