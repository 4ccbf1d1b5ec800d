/** Every page and every dialog, with ids of what the server under test has. */
import { change, get } from './session.mjs'

/**
 * Name → path, and what is pressed there, one after the other, to open the dialog that the address does not name. What does not exist there
 * is left out.
 */
export async function allPages(page) {
  const [customers, devices, agents, invoices, payments, runs, trail, roles] = await Promise.all(
    ['/customers?status=suspended&limit=50', '/devices?limit=50', '/agents', '/invoices?limit=1', '/payments?limit=1', '/collections/runs', '/audit?limit=1', '/roles'].map((path) => get(page, path)),
  )
  const own = roles.items.find((one) => !one.built_in)
  const anybody = customers.items.find((one) => one.services[0]?.method) ?? (await get(page, '/customers?limit=1')).items[0]
  const customer = anybody && `/customers/${anybody.id}`
  const router = devices.items.find((one) => one.kind === 'routeros') ?? devices.items[0]
  const device = router && `/devices/${router.id}`
  const agent = agents.items[0] && `/agents/${agents.items[0].id}`
  const invoice = invoices.items[0] && `/invoices/${invoices.items[0].id}`
  const run = runs.items[0] && `/collections/runs/${runs.items[0].id}`
  const found = [
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
    ['cut run: cut', run && `${run}?do=cut`],
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
    ['events', '/events'],
    ['audit', '/audit'],
    ['audit, side view', trail.items[0] && `/audit?peek=${trail.items[0].id}`],
    ['audit, nothing matches', '/audit?entity_id=cus_00000000000000000000000000'],
    ['settings', '/settings'],
    ['users', '/settings?tab=users'],
    ['new user', '/settings?tab=users&do=create'],
    ['edit a user', '/settings?tab=users', '[data-action=edit]'],
    ...['link', 'password', 'app', 'block'].map((way) => [`user: ${way}`, '/settings?tab=users', ['[data-menu=access]', `[data-action=${way}]`]]),
    ['roles', '/settings?tab=roles'],
    ['new role', '/settings?tab=roles&do=create'],
    ['role', '/roles/cashier'],
    ['own role', own && `/roles/${own.id}`],
    ['own role: remove', own && `/roles/${own.id}?do=remove`],
    ['profile', '/profile'],
    ['keys of programs', '/settings?tab=keys'],
    ['new key', '/settings?tab=keys&do=create'],
    ['revoke a key', '/settings?tab=keys', '[data-action=revoke]'],
    ['profile: own password', '/profile?do=password'],
    ['profile: authenticator app', '/profile?do=app'],
    ['profile: end the others', '/profile', '[data-action=end-others]'],
    ['missing', '/no/such/page'],
  ]
  return found.filter(([, path]) => path)
}

/** What must be there before a page is looked at: its dialog or side view, else its title. */
function inside([, path, press]) {
  if (Array.isArray(press)) return '.v-dialog.v-overlay--active .v-overlay__content'
  if (press || path.includes('do=')) return '.v-overlay--active .v-overlay__content'
  return path.includes('peek=') ? '[data-peek] h2' : 'h1'
}

/** Shows one of them; false when what is pressed there does not exist (a pause of a cut where nobody is cut). */
export async function show(page, url, entry, timeout) {
  const [, path, press] = entry
  await page.goto(url + path)
  await page.waitForSelector('.page-head[data-ready]', { timeout })
  if (press) await page.waitForFunction(() => !document.querySelector('.list__skeleton'), undefined, { timeout })
  for (const one of [press ?? []].flat()) {
    const button = page.locator(`${one}:not([disabled]):visible`).first()
    if (!(await button.count())) return false
    await button.click()
  }
  await page.waitForSelector(inside(entry), { timeout })
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

/** A cut run to look at before it is carried out, and a key that can be revoked. */
export async function seed(page) {
  const [runs, keys] = await Promise.all(['/collections/runs', '/api-keys'].map((path) => get(page, path)))
  if (!runs.items.some((one) => one.state === 'preview')) await change(page, 'POST', '/collections/runs', {})
  if (!keys.items.some((one) => !one.revoked_at)) await change(page, 'POST', '/api-keys', { name: 'Contabilidad', permissions: ['invoice.read'] })
}
