/**
 * What one press must not do alone, pressed against a real server: a cut run that a second person approves, the cuts that
 * wait behind the brake, and the proof of who is there before a dangerous operation.
 *
 * ATALAYA_URL    address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_AGE    "stdin": prints the line AGE, and waits for a line on standard input after the caller has made every
 *                proof of who is there too old; "none": leaves that part out
 * ATALAYA_SHOTS  folder for a picture of the screens when something fails
 */
import { openBrowser } from './browser.mjs'
import { ask, change, get, logIn, report, serverUrl, timeout, version } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const url = serverUrl()
const look = { viewport: { width: 1366, height: 900 }, locale: 'es-PE' }
const first = await openBrowser(look)
const second = await openBrowser(look)
const page = first.context.pages()[0] ?? (await first.context.newPage())
const other = second.context.pages()[0] ?? (await second.context.newPage())
const dialog = '.v-overlay--active .v-card'
const mark = Date.now().toString(36)

const firstService = async (customer) => (await get(page, `/customers/${customer}/overview`)).services[0]

/** Somebody on an enforced router owes since long ago; a run of one waits for a second person, and no cut passes the brake. */
async function prepare() {
  const { items } = await get(page, '/customers?status=active&limit=50')
  const services = await Promise.all(items.map(async (one) => ({ customer: one, service: await firstService(one.id) })))
  const enforced = ({ service }) => service?.attachments.some((one) => one.points.some((point) => point.device_mode === 'enforce'))
  const found = services.find(enforced)
  if (!found) throw new Error('nobody has an attachment on an enforced router')
  const { customer, service } = found
  const rules = { two_person_cuts_from: 1, cut_brake_floor: 0, cut_brake_basis_points: 0, cut_brake_tenant_basis_points: 0 }
  await change(page, 'PATCH', '/tenant', rules, await version(page, '/tenant'))
  const amount = { ...service.plan.price, amount: 5_900 }
  await change(page, 'POST', '/invoices', { customer_id: customer.id, service_id: service.id, description: 'octubre', amount, due_on: '2026-01-10' })
  const device = await get(page, `/devices/${service.attachments[0].points[0].device_id}`)
  return { customer, agent: device.agent_id }
}

/** The owner asks and cannot answer; somebody else is told what it is, and approves. */
async function secondPerson({ customer }) {
  const luis = { email: `luis-${mark}@netandina.example`, password: 'cuatro palabras de prueba' }
  await change(page, 'POST', '/users', { name: 'Luis Rojas', roles: ['admin'], ...luis })
  const { id } = await change(page, 'POST', '/collections/runs', {})
  await page.goto(`${url}/collections/runs/${id}`)
  await page.click('[data-action=execute]:not([disabled])')
  await page.click(`${dialog} [data-confirm]`)
  await page.waitForSelector('[data-approval]', { timeout })
  const asked = await get(page, `/collections/runs/${id}`)
  expect('a run that waits and has cut nobody', asked.state === 'preview' && asked.approval_id, asked.state)
  expect('the debtor among its services', asked.items.some((one) => one.customer_id === customer.id), asked.items)
  await page.waitForSelector('[data-action=reject]', { timeout })
  expect('no approval of one’s own request', (await page.locator('[data-action=approve]').count()) === 0, 'a button')
  await logIn(other, url, luis)
  await until(other, 'a notice that something waits', '/notices', ({ items }) => items.some((one) => one.template === 'approval_requested'))
  await other.goto(`${url}/`)
  await other.locator('[data-card=approvals]', { hasText: '1' }).click()
  await other.waitForSelector(`[data-waiting="${asked.approval_id}"]`, { timeout })
  // The way of whoever was told: the address in the notice.
  await other.goto(`${url}/approvals/${asked.approval_id}`)
  await other.waitForURL(new RegExp(`/collections/runs/${id}$`), { timeout })
  await other.click('[data-action=approve]')
  const words = await other.locator(dialog).innerText()
  expect('who asked, and how many services', words.includes('Rosa') && words.includes(String(asked.totals.services)), words)
  await other.click(`${dialog} [data-confirm]`)
  await other.waitForSelector('[data-approval]', { state: 'detached', timeout })
  await until(page, 'the run to be carried out', `/collections/runs/${id}`, (run) => run.state === 'done')
  // The page of whoever asked learns it by itself.
  await page.waitForSelector('[data-approval]', { state: 'detached', timeout })
}

/** The cut is decided and waits behind the brake; the person who looks at the agent lets it pass. */
async function heldCuts({ customer, agent }) {
  const path = `/agents/${agent}/held-cuts`
  const held = await until(page, 'the cut to wait', path, ({ items }) => items.some((one) => one.customer_name === customer.name))
  expect('the brake as the reason', held.items.every((one) => one.reason === 'brake'), held.items)
  await page.goto(`${url}/agents/${agent}`)
  await page.waitForSelector('[data-held-cuts]', { timeout })
  expect('the name of who waits', (await page.locator('[data-held-cuts]').innerText()).includes(customer.name), customer.name)
  await page.locator('[data-held-cuts] button').click()
  const focus = await page.waitForFunction(() => document.activeElement?.closest('[data-first]') && true, undefined, { timeout })
  expect('the focus on what changes nothing', await focus.jsonValue(), focus)
  await page.click(`${dialog} [data-confirm]`)
  await page.waitForSelector('[data-held-cuts]', { state: 'detached', timeout })
  await until(page, 'nothing to wait any more', path, ({ items }) => !items.length)
  const overview = `/customers/${customer.id}/overview`
  await until(page, 'the cut to be read back from the router', overview, ({ services }) => services[0].network.state === 'cut')
}

/** Who logged in too long ago is asked again, over the form, which keeps what was typed. */
async function stepUp() {
  if (process.env.ATALAYA_AGE !== 'stdin') return
  await page.goto(`${url}/settings/keys?do=create`)
  await page.fill(`${dialog} [name=name]`, `Contabilidad ${mark}`)
  await page.check(`${dialog} input[value="customer.read"]`)
  await ask('AGE')
  const proof = page.locator('.v-dialog.v-overlay--active [name=password]')
  await page.click(`${dialog} [data-submit]`)
  await proof.waitFor({ timeout })
  await page.keyboard.press('Escape')
  await proof.waitFor({ state: 'detached', timeout })
  await page.waitForSelector(`${dialog} [data-error]`, { timeout })
  expect('no key without the proof', !(await get(page, '/api-keys')).items.some((one) => one.name.endsWith(mark)), 'a key')
  await page.click(`${dialog} [data-submit]`)
  await proof.waitFor({ timeout })
  await proof.fill('no es la mia')
  await page.keyboard.press('Enter')
  await page.locator('.v-dialog.v-overlay--active', { has: page.locator('[name=password]') }).locator('[data-error]').waitFor({ timeout })
  await proof.fill(process.env.ATALAYA_PASSWORD ?? 'atalaya-demo-2026')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-token] pre', { timeout })
  const made = (await get(page, '/api-keys')).items.filter((one) => one.name.endsWith(mark))
  expect('one key, with what was typed before', made.length === 1 && made[0].permissions.join() === 'customer.read', made)
}

await report(
  async () => {
    await logIn(page, url)
    const known = await prepare()
    const steps = {
      'a second person': () => secondPerson(known),
      'held cuts': () => heldCuts(known),
      'a proof of who is there': stepUp,
    }
    await walk(steps, { 'decisions-first': page, 'decisions-second': other })
    const proved = process.env.ATALAYA_AGE === 'stdin' ? 'a proof asked for' : 'no proof was old enough to be asked for'
    return `a run approved by a second person, its held cut released, ${proved}`
  },
  async () => {
    await first.close()
    await second.close()
  },
)
