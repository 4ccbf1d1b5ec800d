/**
 * Every change that a person makes besides paying: the five edit forms, one of them while somebody else saves, settings of the
 * ISP, how its colour and logo look and what its notices say, several devices at once, a ping that is stopped, another plan, a pause of the cut, the end of an attachment and of a service, a device removed.
 * Each is pressed on the page and then read back by the API.
 *
 * ATALAYA_URL       address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_CUSTOMER  id of a customer who is cut and attached to a router (default: the first such, or somebody who is cut for it)
 * ATALAYA_SHOTS     folder for a picture of the screen when something fails
 */
import { readFileSync } from 'node:fs'
import { openBrowser } from './browser.mjs'
import { change, get, logIn, report, serverUrl, timeout, version } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const url = serverUrl()
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 900 }, locale: 'es-PE' })
const page = context.pages()[0] ?? (await context.newPage())
/** Apart from what an earlier run has written. */
const run = Date.now().toString(36)
const dialog = '.v-overlay--active .v-card'

async function open(path) {
  await page.goto(url + path)
  await page.waitForSelector('.page-head[data-ready]', { timeout })
}

/** A dialog takes the focus once it is there; what is typed before that lands behind it. */
async function fill(name, value) {
  await page.waitForFunction(
    (selector) => document.querySelector(selector)?.contains(document.activeElement),
    dialog,
    { timeout },
  )
  await page.locator(`${dialog} [name="${name}"]`).fill(value)
}

/** Opens the dialog's choice under this label and takes one by its place in the list. */
async function choose(label, place) {
  await page.locator(`${dialog} .field`, { has: page.getByText(label, { exact: true }) }).locator('.v-select').click()
  await page.getByRole('option').nth(place).click()
}

/** Presses the dialog's verb and waits until it is gone; what it says instead is the failure. */
async function submit(button = '[data-submit]') {
  await page.locator(`${dialog} ${button}`).click()
  await page.waitForSelector(dialog, { state: 'detached', timeout }).catch(async () => {
    throw new Error(`the dialog did not close: ${await page.locator(dialog).innerText()}`)
  })
}

async function editCustomer(id) {
  await open(`/customers/${id}`)
  await page.click('[data-action=edit]')
  await fill('phone', ' 999 888 777 ')
  await fill('notes', `Timbre roto ${run}`)
  await submit()
  const after = await get(page, `/customers/${id}`)
  expect('the new phone and notes', after.phone === '999 888 777' && after.notes === `Timbre roto ${run}`, after)
}

/** Somebody saves while the form is open: both versions are shown, and what is chosen is saved. */
async function conflictOfCustomer(id) {
  const path = `/customers/${id}`
  await open(path)
  await page.click('[data-action=edit]')
  await fill('phone', `1 ${run}`)
  await fill('address', `Jr. Mío ${run}`)
  await change(page, 'PATCH', path, { phone: `2 ${run}`, address: `Jr. Suyo ${run}`, notes: run }, await version(page, path))
  await page.locator(`${dialog} [data-submit]`).click()
  await page.waitForSelector('[data-conflict]', { timeout })
  const fields = await page.locator('[data-conflict-field]').evaluateAll((all) => all.map((one) => one.dataset.conflictField))
  expect('phone and address in conflict', fields.sort().join() === 'address,phone', fields)
  await page.locator('[data-conflict-field=address] input[value=theirs]').check()
  await submit()
  const after = await get(page, path)
  expect('my phone, their address and their notes', after.phone === `1 ${run}` && after.address === `Jr. Suyo ${run}` && after.notes === run, after)
}

async function editPlan() {
  const [plan] = (await get(page, '/plans')).items
  await open('/plans')
  await page.locator('[data-action=edit]').first().click()
  await fill('price', '93.50')
  await submit()
  const after = await get(page, `/plans/${plan.id}`)
  expect('the new price and nothing else', after.price.amount === 9350 && after.download_bps === plan.download_bps && after.name === plan.name, after)
}

async function editSite() {
  const [site] = (await get(page, '/sites')).items
  await open('/sites')
  await page.locator('[data-action=edit]').first().click()
  await fill('latitude', '-95')
  await page.locator(`${dialog} [data-submit]`).click()
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await fill('latitude', '-12,05')
  await fill('longitude', '-77.04')
  await submit()
  const after = await until(page, 'the place of the site', `/sites/${site.id}`, (one) => one.latitude === -12.05)
  expect('the longitude too', after.longitude === -77.04 && after.name === site.name, after)
}

async function editDevice(id) {
  const before = await get(page, `/devices/${id}`)
  await open(`/devices/${id}`)
  await page.click('[data-action=edit]')
  await fill('measure_interval_s', '5')
  await page.locator(`${dialog} [data-submit]`).click()
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await fill('measure_interval_s', '45')
  await choose('Ping además de la medición', 1)
  await submit()
  const after = await get(page, `/devices/${id}`)
  expect('45 s, no ping, the same address', after.measure_interval_s === 45 && !after.ping && after.host === before.host && after.mode === before.mode, after)
}

async function editAgent(id) {
  const before = await get(page, `/agents/${id}`)
  await open(`/agents/${id}`)
  await page.click('[data-action=edit]')
  await fill('name', `${before.name}-b`)
  await submit()
  const after = await get(page, `/agents/${id}`)
  expect('the new name and the same sites', after.name === `${before.name}-b` && after.site_ids.join() === before.site_ids.join(), after)
}

async function brake() {
  await open('/settings/collections')
  await page.fill('[name=cut_brake_tenant_basis_points]', '2,75')
  await page.fill('[name=cut_brake_floor]', '12')
  await page.click('.form button[type=submit]')
  const after = await until(page, 'the new brake', '/tenant', (one) => one.cut_brake_tenant_basis_points === 275)
  expect('the floor too', after.cut_brake_floor === 12, after)
}

/** Days on which nobody is cut, and hours in which people are left in peace; what was typed is not left without asking. */
async function days() {
  await open('/settings/collections')
  await page.check('[name=no_cut_weekdays][value="7"]')
  await page.fill('input[name=no_cut_dates]', '2027-12-25')
  await page.click('[data-action=add-date]')
  await page.click('.form button[type=submit]')
  const cuts = await until(page, 'the day', '/tenant', (one) => one.no_cut_dates.includes('2027-12-25'))
  expect('Sundays too', cuts.no_cut_weekdays.includes(7), cuts)
  await page.click('[data-tab=tenant]')
  await page.check('[name=quiet_hours]')
  await page.fill('[name=quiet_hours-from]', '22:30')
  await page.fill('[name=quiet_hours-until]', '22:30')
  await page.click('.form button[type=submit]')
  await page.waitForSelector('.field__note--error', { timeout })
  // The question comes after the click, not with it.
  const asked = page.waitForEvent('dialog', { timeout }).then((dialog) => dialog.dismiss())
  await page.click('[data-tab=collections]')
  await asked
  expect('who says no stays', new URL(page.url()).pathname === '/settings', page.url())
  await page.fill('[name=quiet_hours-until]', '07:00')
  await page.click('.form button[type=submit]')
  await until(page, 'the hours', '/tenant', (one) => one.quiet_hours === '22:30-07:00')
  await page.waitForSelector('[data-action=discard]', { state: 'detached', timeout })
  await open('/profile')
  await page.waitForSelector('[data-quiet]:has-text("22:30")', { timeout })
}

/** A colour that looks like an alarm is refused for buttons before it is saved; another is worn by the log-in and by invoices. */
async function brand() {
  await open('/settings/brand')
  await page.fill('[name=brand_color]', '#D32F2F')
  await page.waitForSelector('[data-brand-refused]', { timeout })
  await page.fill('[name=brand_color]', '#0B7285')
  await page.waitForSelector('[data-brand-refused]', { state: 'detached', timeout })
  const said = await page.locator('[data-contrast]').allInnerTexts()
  expect('three contrasts in figures', said.length === 3 && said.every((one) => /\d\.\d : 1/.test(one)), said)
  await page.click('.form button[type=submit]')
  await until(page, 'the colour', '/tenant', (one) => one.brand_color === '#0B7285')
  const [invoice] = (await get(page, '/invoices?limit=1')).items
  await open(`/invoices/${invoice.id}?paper=a4`)
  const stripe = await page.locator('.paper__brand').evaluate((one) => getComputedStyle(one).backgroundColor)
  expect('the colour on the invoice', stripe === 'rgb(11, 114, 133)', stripe)
  const outside = await context.newPage()
  await outside.goto(`${url}/login`)
  await outside.waitForSelector('[data-brand="#0B7285"] h1:has-text("NetAndina")', { timeout })
  await outside.close()
}

/** A logo that does not fit is refused with the mend; one that does is on every page, before log-in and on paper, and goes again. */
async function logo() {
  await open('/settings/brand')
  const light = page.locator('[data-logo-field=light]')
  const choose = (name, mimeType, buffer) => light.locator('input[type=file]').setInputFiles({ name, mimeType, buffer })
  await choose('logo.svg', 'image/svg+xml', Buffer.from('<svg/>'))
  await light.locator('.field__note--error:has-text("PNG")').waitFor({ timeout })
  await choose('logo.png', 'image/png', Buffer.alloc(100_001))
  await light.locator('.field__note--error:has-text("100 kB")').waitFor({ timeout })
  await choose('logo.png', 'image/png', Buffer.from('no picture'))
  await light.locator('.field__note--error').waitFor({ timeout })
  await page.fill('[name=brand_color]', '#0B7286')
  await choose('logo.png', 'image/png', readFileSync(new URL('../../../tests/src/logo.png', import.meta.url)))
  const drawn = (scope, selector) => scope.waitForFunction((one) => document.querySelector(one)?.naturalWidth === 120, selector, { timeout })
  await drawn(page, '[data-logo-field=light] [data-logo]')
  await drawn(page, '.shell__tenant [data-logo]')
  // What was typed meanwhile is saved from the version that the picture made.
  await page.click('.form button[type=submit]')
  await until(page, 'the colour beside it', '/tenant', (one) => one.brand_color === '#0B7286' && one.logo)
  const [invoice] = (await get(page, '/invoices?limit=1')).items
  await open(`/invoices/${invoice.id}?paper=a4`)
  await drawn(page, '.paper [data-logo]')
  const outside = await context.newPage()
  await outside.goto(`${url}/login`)
  await drawn(outside, 'h1 [data-logo]')
  expect('its name for who does not see it', (await outside.locator('h1 [data-logo]').getAttribute('alt')) === 'NetAndina')
  await outside.close()
  await open('/settings/brand')
  await light.locator('[data-action=logo-remove]').click()
  await until(page, 'no logo', '/tenant', (one) => one.logo === null)
  await page.waitForSelector('.shell__tenant:has-text("NetAndina")', { timeout })
}

/** An invitation in words of the ISP's own, seen with sample values before it is kept, and ours again. */
async function messages() {
  await open('/settings/messages')
  await page.waitForSelector('[data-preview-text]', { timeout })
  const ours = await page.inputValue('[name=subject]')
  await page.fill('[name=subject]', 'Bienvenida, {nombre}')
  await page.waitForSelector('[data-wrong]:has-text("{nombre}")', { timeout })
  await page.fill('[name=subject]', 'Bienvenida, {person}')
  await page.waitForSelector('[data-preview-subject]:has-text("Bienvenida, Rosa Campos")', { timeout })
  await page.fill('textarea[name=text]', 'Hasta: ')
  await page.click('[data-field=until]')
  expect('the field at the cursor', (await page.inputValue('textarea[name=text]')) === 'Hasta: {until}')
  await page.click('.form button[type=submit]')
  const own = (list) => list.items.find((one) => one.template === 'invitation').texts.find((one) => one.language === 'es-419')
  await until(page, 'own words', '/notice-templates', (list) => own(list).words.subject === 'Bienvenida, {person}' && own(list).version === 1)
  await page.click('[data-action=ours]')
  await until(page, 'our words', '/notice-templates', (list) => own(list).version === null)
  await page.waitForFunction((text) => document.querySelector('[name=subject]').value === text, ours, { timeout })
}

/** Hours of cuts, and languages that the ISP offers: the menus show those alone. */
async function hoursAndLanguages() {
  await open('/settings/collections')
  await page.check('[name=cut_hours]')
  await page.click('.form button[type=submit]')
  await until(page, 'the hours of cuts', '/tenant', (one) => one.cut_hours === '08:00-18:00')
  await change(page, 'PATCH', '/tenant', { languages: ['es-419', 'pt-BR'] }, await version(page, '/tenant'))
  await open('/settings')
  await page.click('[data-menu=language]')
  await page.waitForSelector('[data-language=pt-BR]', { timeout })
  expect('languages that are offered', (await page.locator('[data-language]').count()) === 2)
  await page.keyboard.press('Escape')
}

/** Two devices that nobody needs: changed together, then one of them removed. */
async function devicesTogether({ site_id, agent_id }) {
  const made = []
  for (const name of [`${run}-norte`, `${run}-sur`]) {
    made.push(await change(page, 'POST', '/devices', { site_id, agent_id, name, kind: 'snmp', host: '127.0.0.9', port: 9, credentials: { community: 'x' } }))
  }
  await open(`/devices?q=${run}`)
  await page.locator('[data-pick]').first().check()
  await page.locator('[data-pick]').nth(1).check()
  await page.click('[data-action=measure-many]')
  await fill('measure_interval_s', '300')
  await submit()
  for (const { id } of made) {
    const after = await get(page, `/devices/${id}`)
    expect('300 s and the ping as it was', after.measure_interval_s === 300 && after.ping, after)
  }
  await open(`/devices/${made[0].id}`)
  await page.click('[data-action=remove]')
  await submit('[data-confirm]')
  await page.waitForURL(`${url}/devices`, { timeout })
  const left = (await get(page, `/devices?q=${run}`)).items.map((one) => one.name)
  expect('one of them left', left.join() === `${run}-sur`, left)
}

/** A device with attachments stays, and the dialog says why. */
async function deviceInUse(id) {
  await open(`/devices/${id}`)
  await page.click('[data-action=remove]')
  await page.locator(`${dialog} [data-confirm]`).click()
  await page.waitForSelector(`${dialog} [data-error]`, { timeout })
  await get(page, `/devices/${id}`)
}

/** Asked from the router: somebody answers, and a long question to nobody is stopped. Who reloads goes on looking at it. */
async function pingFromRouter(id) {
  await open(`/devices/${id}/diagnosis`)
  const ask = async (address, count) => {
    await page.fill('[name=address]', address)
    await page.fill('[name=count]', count)
    await page.click('[data-action=start]')
  }
  await ask('203.0.113', '2')
  await page.waitForSelector('.field__note--error', { timeout })
  await ask('203.0.113.80', '2')
  await page.waitForSelector('[data-diagnosis][data-status=done]', { timeout })
  await page.waitForFunction(() => document.querySelectorAll('[data-echo=answered]').length === 2, null, { timeout })
  await ask('192.0.2.7', '100')
  await page.waitForSelector('[data-echo=lost]', { timeout })
  await page.reload()
  await page.waitForSelector('[data-echo=lost]', { timeout })
  await page.click('[data-action=stop]')
  await page.waitForSelector('[data-diagnosis][data-status=cancelled]', { timeout })
}

const serviceOf = async (customer) => (await get(page, `/customers/${customer}/overview`)).services[0]

async function otherPlan(customer) {
  const before = await serviceOf(customer)
  const plans = (await get(page, '/plans')).items.filter((one) => one.active && one.id !== before.plan.id)
  const wanted = plans[0] ?? (await change(page, 'POST', '/plans', { name: 'Fibra 7', download_bps: 7_000_000, upload_bps: 3_000_000, price: before.plan.price }))
  await open(`/customers/${customer}`)
  await page.click('[data-action=change-plan]')
  await choose('Plan nuevo', 0)
  await submit()
  const after = await serviceOf(customer)
  expect('the other plan on a service that is still cut', after.plan.id === wanted.id && after.status === before.status, after)
}

async function holdOpen(customer) {
  await open(`/customers/${customer}`)
  await page.click('[data-action=hold-open]')
  await fill('hours', '2')
  await submit()
  const { attachments, status } = await serviceOf(customer)
  const ends = attachments.flatMap((one) => one.points).map((point) => Date.parse(point.hold_open_until ?? '') - Date.now())
  expect('some two hours on every point, and the cut decided', status === 'suspended' && ends.length > 0 && ends.every((ms) => ms > 3_600_000 && ms < 7_300_000), { status, ends })
}

async function detach(customer) {
  await open(`/customers/${customer}`)
  await page.locator('[data-detach]').first().click()
  await submit('[data-confirm]')
  const path = `/customers/${customer}/overview`
  const { services } = await until(page, 'the attachment to go', path, ({ services }) => services[0].attachments.every((one) => one.removed))
  expect('the service to stay', services[0].status === 'suspended', services[0])
}

async function terminate(customer) {
  await open(`/customers/${customer}`)
  await page.click('[data-action=terminate]')
  await page.locator(`${dialog} [data-confirm]`).click()
  await page.waitForSelector(`${dialog} .field__note--error`, { timeout })
  await fill('reason', 'se muda')
  await submit('[data-confirm]')
  const after = await serviceOf(customer)
  expect('the end of the service, with its reason', after.status === 'terminated' && after.status_reason === 'se muda', after)
}

async function cutCustomer() {
  if (process.env.ATALAYA_CUSTOMER) return process.env.ATALAYA_CUSTOMER
  const attached = async (status) => (await get(page, `/customers?status=${status}&limit=50`)).items.find((one) => one.services[0]?.method)
  const cut = await attached('suspended')
  if (cut) return cut.id
  const active = await attached('active')
  if (!active) throw new Error('nobody has an attachment')
  const { id } = await serviceOf(active.id)
  await change(page, 'POST', `/services/${id}/cut`, { reason: 'para la prueba' })
  return active.id
}

await report(async () => {
  await logIn(page, url)
  const customer = await cutCustomer()
  const [router] = (await get(page, '/devices?kind=routeros&limit=1')).items
  const steps = {
    'edit a customer': () => editCustomer(customer),
    'edit a customer while somebody saves': () => conflictOfCustomer(customer),
    'edit a plan': editPlan,
    'edit a site': editSite,
    'edit a device': () => editDevice(router.id),
    'edit an agent': () => editAgent(router.agent_id),
    'the brake': brake,
    'days without cuts, quiet hours': days,
    'the brand': brand,
    'the logo': logo,
    'texts of notices': messages,
    'hours of cuts, languages': hoursAndLanguages,
    'several devices, one removed': () => devicesTogether(router),
    'a device in use': () => deviceInUse(router.id),
    'ping from a router': () => pingFromRouter(router.id),
    'another plan': () => otherPlan(customer),
    'a pause of the cut': () => holdOpen(customer),
    'the end of an attachment': () => detach(customer),
    'the end of a service': () => terminate(customer),
  }
  const count = await walk(steps, { 'changes-failed': page })
  return `${count} changes pressed and read back`
}, close)
