/**
 * Two tabs on one customer who was cut: pay in one, the other must show *online* without a reload;
 * then the control plane is restarted and both tabs must go on by themselves.
 *
 * ATALAYA_URL        address of a running control plane
 * ATALAYA_CUSTOMER   id of the customer (default: the first suspended one)
 * Who logs in and how long a step may take: see session.mjs.
 * ATALAYA_RESTART    "stdin": prints the line RESTART, waits for a line on standard input after the
 *                    caller has restarted the server; "none": leaves that part out
 * ATALAYA_SHOTS      folder for pictures: of the result, and of the screen when something fails
 *
 * Exit code 0 and a line `ok …`, or 1 and what was expected.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser } from './browser.mjs'
import { ask, get, logIn, serverUrl, timeout } from './session.mjs'

const shots = process.env.ATALAYA_SHOTS

async function findCustomer(page) {
  if (process.env.ATALAYA_CUSTOMER) return process.env.ATALAYA_CUSTOMER
  const list = await get(page, '/customers?status=suspended')
  const found = list.items.find((one) => one.services.some((service) => service.state === 'cut')) ?? list.items[0]
  if (!found) throw new Error('there is no suspended customer to pay for')
  return found.id
}

async function openCustomer(page, url, customer) {
  await page.goto(`${url}/customers/${customer}`)
  await page.waitForSelector('.page-head[data-ready]', { timeout })
  await page.waitForSelector('[data-live=live]', { timeout })
  // Lost at a reload: the proof that there was none.
  await page.evaluate(() => (window.sameDocument = true))
}

async function pay(page, amount) {
  // A browser slows pages that nobody looks at; people look at the tab in which they type.
  await page.bringToFront()
  await page.click('[data-action=pay]')
  await page.waitForSelector('input[name=amount]', { timeout })
  if (amount) await page.fill('input[name=amount]', amount)
  await page.click('[data-submit]')
  await page.waitForSelector('input[name=amount]', { state: 'detached', timeout }).catch(async () => {
    const words = await page.locator('[role=dialog], .v-dialog').innerText().catch(() => '')
    throw new Error(`the payment was not accepted: ${words}`)
  })
}

async function expectText(page, what, check) {
  await page.bringToFront()
  await page.waitForFunction(check, undefined, { timeout, polling: 50 }).catch(async () => {
    throw new Error(`expected ${what}; the page says: ${await page.locator('.page-head').innerText()}`)
  })
  if (!(await page.evaluate(() => window.sameDocument === true))) throw new Error('the page was reloaded')
}

async function picture(page, name) {
  if (!shots || !page) return
  await mkdir(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`) })
}

const url = serverUrl()
const restarts = process.env.ATALAYA_RESTART === 'stdin'
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 768 }, locale: 'es-PE' })
let watcher
try {
  const payer = context.pages()[0] ?? (await context.newPage())
  await logIn(payer, url)
  const customer = await findCustomer(payer)
  watcher = await context.newPage()
  await openCustomer(payer, url, customer)
  await openCustomer(watcher, url, customer)

  const before = Date.now()
  await pay(payer)
  await expectText(watcher, 'the other tab to show the service online', () => {
    const cards = [...document.querySelectorAll('[data-service]')]
    return cards.length > 0 && cards.some((card) => card.dataset.network === 'online')
  })
  const took = Date.now() - before
  const line = await watcher.locator('[data-live-line]').first().innerText()
  await picture(watcher, 'online')

  let restarted = 'restart not asked for'
  if (restarts) {
    await ask('RESTART', () => expectText(watcher, 'the live mark to notice that the server is away', () => !document.querySelector('[data-live=live]')))
    await expectText(watcher, 'the live mark to come back after the restart', () => Boolean(document.querySelector('[data-live=live]')))
    const balance = await watcher.locator('[data-balance]').innerText()
    await watcher.evaluate((text) => (window.balanceBefore = text), balance)
    await payer.waitForSelector('[data-live=live]', { timeout })
    await pay(payer, '1.00')
    await expectText(watcher, 'a payment after the restart to reach the other tab', () => document.querySelector('[data-balance]')?.textContent?.trim() !== window.balanceBefore?.trim())
    restarted = 'restart picked up'
  }
  console.log(`ok: online in the other tab after ${took} ms («${line.replaceAll('\n', ' ')}»); ${restarted}`)
} catch (cause) {
  await picture(watcher, 'failed').catch(() => {})
  console.error(`failed: ${cause instanceof Error ? cause.message : cause}`)
  process.exitCode = 1
} finally {
  await close()
}
