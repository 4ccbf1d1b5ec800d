/** Every page and every dialog by area, with ids of what the server under test has. */
import { change, get } from './session.mjs'

/** Parts of the app that are looked at apart, so that each is done in good time. */
export const areas = ['customers', 'network', 'administration', 'platform']

/**
 * Name → path, and what is pressed there, one after the other, to open the dialog that the address does not name. What does not exist there
 * is left out. Those of the installation want an operator who is logged in beside somebody of the ISP.
 */
export async function pagesOf(page, area) {
  const found = area === 'platform' ? await platformPages(page) : (await tenantPages(page))[area]
  return found.filter(([, path]) => path)
}

/** Whose pages are looked at: somebody who was cut and is attached, else the first. */
async function anybodyOf(page) {
  const suspended = (await get(page, '/customers?status=suspended&limit=50')).items
  return suspended.find((one) => one.services[0]?.method) ?? (await get(page, '/customers?limit=1')).items[0]
}

async function tenantPages(page) {
  const [anybody, devices, agents, invoices, payments, runs, trail, roles, letters, notices, users] = await Promise.all([
    anybodyOf(page),
    ...['/devices?limit=50', '/agents', '/invoices?limit=1', '/payments?limit=1', '/collections/runs', '/audit?limit=1', '/roles', '/dead-letters?limit=1', '/notices?limit=1', '/users?limit=1'].map((path) => get(page, path)),
  ])
  const own = roles.items.find((one) => !one.built_in)
  const customer = anybody && `/customers/${anybody.id}`
  const router = devices.items.find((one) => one.kind === 'routeros') ?? devices.items[0]
  const device = router && `/devices/${router.id}`
  const agent = agents.items[0] && `/agents/${agents.items[0].id}`
  const invoice = invoices.items[0] && `/invoices/${invoices.items[0].id}`
  const run = runs.items[0] && `/collections/runs/${runs.items[0].id}`
  const notice = notices.items[0]?.id
  const [somebody] = users.items
  const letter = letters.items[0] && encodeURIComponent(letters.items[0].id)
  const customerPages = [
    ['home', '/'],
    ['command palette', '/', '[data-open-palette]'],
    ['keys', '/', '[data-action=keys]'],
    ['account menu', '/', '[data-menu=user]'],
    ['customers', '/customers'],
    ['customers, nothing matches', '/customers?q=zzzzzz'],
    ['customers, side view', anybody && `/customers?peek=${anybody.id}`],
    ['columns', '/customers', '[data-menu=columns]'],
    ['save a view', '/customers', '[data-action=save-view]'],
    ['new customer', '/customers?do=create'],
    ['customer', customer],
    ...['pay', 'cut', 'reconnect', 'service', 'edit'].map((name) => [`customer: ${name}`, customer && `${customer}?do=${name}`]),
    ...['change-plan', 'hold-open', 'terminate', 'attach'].map((name) => [`service: ${name}`, customer, `[data-action=${name}]`]),
    ['service: detach', customer, '[data-detach]'],
    ['service', anybody?.services[0] && `/services/${anybody.services[0].id}`],
    ...['add-note', 'edit-note', 'remove-note', 'remove-file'].map((name) => [`record: ${name}`, customer, `[data-action=${name}]`]),
    ['timeline: people', customer && `${customer}?timeline=people`],
    ['personal data', customer && `${customer}/data`],
    ['personal data: erase', customer && `${customer}/data?do=erase`],
    ['invoices', '/invoices'],
    ['invoices: bill', '/invoices?do=bill'],
    ['invoice', invoice],
    ['invoice on a roll', invoice && `${invoice}?paper=roll80`],
    ['invoice: void', invoice && `${invoice}?do=void`],
    ['payments', '/payments'],
    ['receipt', payments.items[0] && `/payments/${payments.items[0].id}?paper=a4`],
    ['receipt on a roll', payments.items[0] && `/payments/${payments.items[0].id}?paper=roll58`],
    ['plans', '/plans'],
    ['new plan', '/plans?do=create'],
    ['edit a plan', '/plans', '[data-action=edit]'],
    ['collections', '/collections'],
    ['cut run', run],
    ['waiting approvals', '/approvals'],
    ['cut run: cut', run && `${run}?do=cut`],
  ]
  const networkPages = [
    ['sites', '/sites'],
    ['new site', '/sites?do=create'],
    ['edit a site', '/sites', '[data-action=edit]'],
    ['agents', '/agents'],
    ['new agent', '/agents?do=enroll'],
    ['agent', agent],
    ['agent: edit', agent && `${agent}?do=edit`],
    ['agent: revoke', agent && `${agent}?do=revoke`],
    ['devices', '/devices'],
    ['new device', '/devices/new'],
    ['device', device],
    ['device: edit', device, '[data-action=edit]'],
    ['device: remove', device, '[data-action=remove]'],
    ['plan of changes', device && `${device}/plan`],
    ['plan of changes: enforce', device && `${device}/plan?do=enforce`],
    ['ping and route', device && `${device}/diagnosis`],
  ]
  const administrationPages = [
    ['events', '/events'],
    ['audit', '/audit'],
    ['audit, side view', trail.items[0] && `/audit?peek=${trail.items[0].id}`],
    ['audit, nothing matches', '/audit?entity_id=cus_00000000000000000000000000'],
    ['settings', '/settings'],
    ['settings: brand', '/settings/brand'],
    ['settings: messages', '/settings/messages'],
    ['settings: collections', '/settings/collections'],
    ['users', '/settings/users'],
    ['new user', '/settings/users?do=create'],
    ['edit a user', '/settings/users', '[data-action=edit]'],
    ...['link', 'password', 'app', 'accounts', 'block'].map((way) => [`user: ${way}`, '/settings/users', ['[data-menu=access]', `[data-action=${way}]`]]),
    ['user: personal data', somebody && `/users/${somebody.id}/data`],
    ['roles', '/settings/roles'],
    ['new role', '/settings/roles?do=create'],
    ['role', '/roles/cashier'],
    ['own role', own && `/roles/${own.id}`],
    ['own role: remove', own && `/roles/${own.id}?do=remove`],
    ['profile', '/profile'],
    ['identity providers', '/settings/sign_on'],
    ['new identity provider', '/settings/sign_on?do=create'],
    ['keys of programs', '/settings/keys'],
    ['new key', '/settings/keys?do=create'],
    ['revoke a key', '/settings/keys', '[data-action=revoke]'],
    ['backups', '/settings/backups'],
    ['plan and visits', '/settings/installation'],
    ['plan and visits: end a visit', '/settings/installation', '[data-action=end-visit]'],
    ['failed deliveries', '/dead-letters'],
    ['failed deliveries, side view', letter && `/dead-letters?peek=${letter}`],
    ['failed deliveries: give up', letter && `/dead-letters?peek=${letter}`, '[data-action=discard]'],
    ['profile: own password', '/profile?do=password'],
    ['profile: authenticator app', '/profile?do=app'],
    ['profile: passkey', '/profile?do=passkey'],
    ['profile: end the others', '/profile', '[data-action=end-others]'],
    ['notices', '/notices'],
    ['notices, side view', notice && `/notices?peek=${notice}`],
    ['notices, nothing matches', '/notices?state=waiting&user=usr_00000000000000000000000000'],
    ['missing', missing],
  ]
  return { customers: customerPages, network: networkPages, administration: administrationPages }
}

/** Pages of the installation: an operator is logged in. */
async function platformPages(page) {
  const [tenants, plans, trail] = await Promise.all(['/platform/tenants', '/platform/plans', '/platform/audit?limit=1'].map((path) => get(page, path)))
  const tenant = `/platform/tenants/${tenants.items[0].id}`
  return [
    ['platform: ISPs', '/platform'],
    ['platform: new ISP', '/platform?do=create'],
    ['platform: ISP', tenant],
    ['platform: end a visit', tenant, '[data-action=end-visit]'],
    ...['state', 'plan', 'enter', 'domain'].map((name) => [`platform: ${name}`, `${tenant}?do=${name}`]),
    ['platform: plans', '/platform/plans'],
    ['platform: new plan', '/platform/plans?do=create'],
    ['platform: edit a plan', plans.items[0] && '/platform/plans', '[data-action=edit]'],
    ['platform: backups', '/platform/backups'],
    ['platform: audit', '/platform/audit'],
    ['platform: audit, side view', `/platform/audit?peek=${trail.items[0].id}`],
    ['platform: account', '/platform/account'],
    ['platform: authenticator app', '/platform/account?do=app'],
  ]
}

/** What must be there before a page is looked at: its dialog or side view, else its title. */
function inside([, path, press]) {
  if (Array.isArray(press)) return '.v-dialog.v-overlay--active .v-overlay__content'
  if (press || path.includes('do=')) return '.v-overlay--active .v-overlay__content'
  return path.includes('peek=') ? '[data-peek] h2' : 'h1'
}

/** A page that is none. */
const missing = '/no/such/page'

/** Goes to a path inside the app, as a link does: what was loaded stays, which takes a fraction of a fresh load. */
async function goOn(page, path) {
  await page.evaluate((path) => {
    history.pushState(null, '', path)
    dispatchEvent(new PopStateEvent('popstate'))
  }, path)
}

/** By way of a page that is none, so that nothing of the one before is taken for the next. */
async function goTo(page, path, timeout) {
  // The palette, the keys and menus are of the frame and would stay.
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await goOn(page, path.startsWith('/platform') ? `/platform${missing}` : missing)
  await page.waitForSelector('[data-missing]', { timeout })
  await goOn(page, path)
  if (path !== missing) await page.waitForSelector('[data-missing]', { state: 'detached', timeout })
}

/**
 * Shows one of them, with a fresh load or by going on from where the page is; false when what is pressed there does not exist
 * (a pause of a cut where nobody is cut).
 */
export async function show(page, url, entry, timeout, fresh = true) {
  const [, path, press] = entry
  if (fresh) await page.goto(url + path)
  else await goTo(page, path, timeout)
  await page.waitForSelector('.page-head[data-ready]', { timeout })
  if (press) await page.waitForFunction(() => !document.querySelector('.list__skeleton'), undefined, { timeout })
  for (const one of [press ?? []].flat()) {
    const button = page.locator(`${one}:not([disabled]):visible`).first()
    // A menu opens a moment after its click; what is not there then does not exist here.
    const there = await button.waitFor({ timeout: 2_000 }).then(() => true, () => false)
    if (!there) return false
    await button.click()
  }
  await page.waitForSelector(inside(entry), { timeout })
  // A dialog that asks for something first is looked at when it has come.
  await page.waitForFunction(() => !document.querySelector('.v-btn--loading'), undefined, { timeout })
  await settled(page, timeout)
  return true
}

/** Two frames after the last change of look: what is looked at is what a person sees. */
export async function settled(page, timeout) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running' || one.effect?.getComputedTiming().iterations === Infinity), undefined, { timeout })
}

/** The language and theme of the page, as its menu keeps them. */
export async function speak(page, language) {
  await page.evaluate((language) => {
    const stored = JSON.parse(localStorage.getItem('atalaya.ui') ?? '{}')
    localStorage.setItem('atalaya.ui', JSON.stringify({ ...stored, language, theme: 'system' }))
  }, language)
}

/** What pages show when something is wrong with an ISP's standing: it may look only, an operator is in it, a visit is over. */
export async function standing(page, url, timeout, look) {
  const [{ id }] = (await get(page, '/platform/tenants')).items
  const state = `/platform/tenants/${id}/state`
  await change(page, 'PUT', state, { state: 'read_only', reason: 'La factura de septiembre está por pagar' })
  await show(page, url, ['', '/'], timeout)
  await look('home, looking only')
  await show(page, url, ['', '/customers?do=create'], timeout)
  await look('new customer, looking only')
  await page.goto(`${url}/platform/tenants/${id}`)
  await page.waitForSelector('[data-restricted]', { timeout })
  await look('platform: ISP that may look only')
  await change(page, 'PUT', state, { state: 'active', reason: 'Pagada' })
  const visit = await change(page, 'POST', `/platform/tenants/${id}/visits`, { reason: 'Caso 4711: la corrida de corte no empieza', minutes: 60 })
  await show(page, url, ['', '/'], timeout)
  await page.waitForSelector('[data-visit-bar]', { timeout })
  await look('home, on a visit')
  await change(page, 'DELETE', `/platform/tenants/${id}/visits/${visit.id}`)
  await page.locator('[data-nav=customers]').first().evaluate((link) => link.click())
  await page.waitForSelector('[data-visit-over]', { timeout })
  await settled(page, timeout)
  await look('visit that is over')
}

/** A plan that an ISP has, and a visit that goes on; entering takes the place of who was logged in to an ISP. */
export async function seedPlatform(page) {
  const [{ id, plan_id: given }] = (await get(page, '/platform/tenants')).items
  if (!given) {
    const plan = await change(page, 'POST', '/platform/plans', { name: `Inicial ${Date.now().toString(36)}`, customers: 70, devices: 4, users: 3, contact: 'ventas@hosting.example' })
    await change(page, 'PUT', `/platform/tenants/${id}/plan`, { plan_id: plan.id })
  }
  const { items } = await get(page, `/platform/tenants/${id}/visits`)
  if (!items.some((one) => one.open)) await change(page, 'POST', `/platform/tenants/${id}/visits`, { reason: 'Caso 4711: la corrida de corte no empieza', permissions: ['device.write'] })
}

/** A cut run to look at before it is carried out, a key that can be revoked, and somebody else who works there. */
export async function seed(page) {
  const [runs, keys, users] = await Promise.all(['/collections/runs', '/api-keys', '/users'].map((path) => get(page, path)))
  if (!runs.items.some((one) => one.state === 'preview')) await change(page, 'POST', '/collections/runs', {})
  if (!keys.items.some((one) => !one.revoked_at)) await change(page, 'POST', '/api-keys', { name: 'Contabilidad', permissions: ['invoice.read'] })
  const anybody = await anybodyOf(page)
  if (anybody && !(await get(page, `/notes?subject=${anybody.id}`)).items.length) {
    const { id } = await change(page, 'POST', '/notes', { subject: anybody.id, text: 'Portón azul, tocar dos veces' })
    await change(page, 'PATCH', `/notes/${id}`, { pinned: true }, '"1"')
    await change(page, 'POST', '/notes', { subject: anybody.id, text: 'Pagará el viernes' })
    await change(page, 'POST', `/files?subject=${anybody.id}&name=equipo.json`, { serie: 'FICT-0001' })
  }
  if (users.items.length < 2) await change(page, 'POST', '/users', { name: 'Luis Rojas', email: 'luis@netandina.example', roles: ['admin'], password: 'cuatro palabras de prueba' })
}
