/**
 * Without a mouse: Ctrl K, a customer, register a payment. Then the address of a filtered list with an open side view
 * is copied to a fresh session, which must show the same rows, filters, columns and panel.
 *
 * ATALAYA_URL       address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_CUSTOMER  id of a customer who owes (default: who owes most)
 */
import { openBrowser } from './browser.mjs'
import { get, logIn, report, serverUrl, timeout } from './session.mjs'

const url = serverUrl()
const look = { viewport: { width: 1366, height: 768 }, locale: 'es-PE' }
const first = await openBrowser(look)
const second = await openBrowser(look)
const page = first.context.pages()[0] ?? (await first.context.newPage())
const other = second.context.pages()[0] ?? (await second.context.newPage())

async function debtor() {
  const id = process.env.ATALAYA_CUSTOMER
  if (id) return (await get(page, `/customers/${id}`)).name
  const [found] = (await get(page, '/customers?owed_gte=1&sort=-owed&limit=1')).items
  if (!found) throw new Error('nobody owes anything')
  return found.name
}

/** Name, owed amount and the like of each row, and what stands around them. */
function seen(page) {
  return page.evaluate(() => ({
    heads: [...document.querySelectorAll('.grid__head')].map((cell) => cell.textContent.trim()),
    rows: [...document.querySelectorAll('[data-row]')].map((row) => row.dataset.row),
    filters: [...document.querySelectorAll('[data-filter]')].map((one) => one.selectedOptions[0]?.textContent.trim()),
    panel: document.querySelector('[data-peek] h2')?.textContent ?? '',
  }))
}

async function payByKeyboard() {
  const name = await debtor()
  await page.keyboard.press('Control+k')
  await page.waitForSelector('[data-palette] input:focus', { timeout })
  await page.keyboard.type(name)
  await page.waitForSelector('[data-entry=customers][aria-selected=true]', { timeout })
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-service]', { timeout })
  const title = await page.locator('h1').innerText()
  if (title !== name) throw new Error(`the palette led to «${title}» instead of «${name}»`)
  const before = await page.locator('[data-balance]').innerText()
  await page.keyboard.press('c')
  await page.waitForSelector('input[name=amount]:focus', { timeout })
  await page.keyboard.press('Enter')
  await page.waitForSelector('input[name=amount]', { state: 'detached', timeout })
  await page.waitForFunction((before) => document.querySelector('[data-balance]')?.textContent.trim() !== before.trim(), before, { timeout })
  const focused = await page.evaluate(() => document.activeElement?.tagName)
  if (focused === undefined) throw new Error('the focus was lost')
  return `${name} paid ${before} by keyboard`
}

async function shareAddress() {
  await page.goto(`${url}/customers?status=active&cols=owed,state`)
  await page.waitForSelector('[data-row]', { timeout })
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press(' ')
  await page.waitForSelector('[data-peek] h2', { timeout })
  const address = page.url()
  const here = await seen(page)
  await logIn(other, url)
  await other.goto(address)
  await other.waitForSelector('[data-peek] h2', { timeout })
  const there = await seen(other)
  if (JSON.stringify(here) !== JSON.stringify(there)) {
    throw new Error(`the copied address shows something else\n  here  ${JSON.stringify(here)}\n  there ${JSON.stringify(there)}`)
  }
  if (here.heads.length !== 3 || !here.panel) throw new Error(`columns or panel are not in the address: ${JSON.stringify(here.heads)}`)
  await other.keyboard.press('Escape')
  await other.waitForSelector('[data-peek]', { state: 'detached', timeout })
  const back = await other.evaluate(() => document.activeElement?.closest('[data-row]')?.dataset.row)
  if (back !== here.rows[1]) throw new Error('closing the side view did not give the focus back to its row')
  return 'the copied address shows the same'
}

await report(
  async () => {
    await logIn(page, url)
    return [await payByKeyboard(), await shareAddress()].join('; ')
  },
  async () => {
    await first.close()
    await second.close()
  },
)
