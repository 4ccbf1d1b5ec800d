/** Pictures of every page against the test double, to look at: `node e2e/shots.mjs [folder] [filter]`. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser } from './browser.mjs'
import { startDouble } from './double.mjs'

const [folder = 'e2e/shots', only = ''] = process.argv.slice(2)
await mkdir(folder, { recursive: true })

function pages(world) {
  const customer = (state) => `/customers/${world.services.find((one) => one.network.state === state)?.customer_id}`
  return {
    home: '/', customers: '/customers', 'customers-none': '/customers?q=zzz', 'customer-online': customer('online'),
    'customer-cut': customer('cut'), 'customer-pay': `${customer('cut')}?do=pay`, 'customer-cutting': `${customer('online')}?do=cut`,
    'customer-observe': customer('not_applied'), invoices: '/invoices', invoice: `/invoices/${world.invoices[4]?.id}`,
    payments: '/payments', plans: '/plans', runs: '/collections', run: `/collections/runs/${world.runs[0]?.id}`,
    'run-cut': `/collections/runs/${world.runs[0]?.id}?do=cut`, sites: '/sites', agents: '/agents',
    agent: `/agents/${world.agents[1]?.id}`, 'agent-new': '/agents?do=enroll', devices: '/devices', 'device-new': '/devices/new',
    device: `/devices/${world.devices[0]?.id}`, plan: `/devices/${world.devices[1]?.id}/plan`, events: '/events',
    audit: '/audit', settings: '/settings', users: '/settings?tab=users',
  }
}

const emptyPages = ['home', 'customers', 'invoices', 'payments', 'plans', 'runs', 'sites', 'agents', 'devices', 'device-new', 'events', 'audit']
const problems = []

async function shoot(name, { full, width, height, colorScheme, locale }) {
  if (only && !name.includes(only.split(':')[0])) return
  const double = await startDouble({ full })
  const { context, close } = await openBrowser({ viewport: { width, height }, colorScheme, locale })
  const page = context.pages()[0] ?? (await context.newPage())
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(`${name}: ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`${name}: ${error.message}`))
  await page.goto(`${double.url}/login`)
  await page.waitForSelector('[data-ready]')
  await page.screenshot({ path: join(folder, `${name}-login.png`) })
  await page.fill('input[name=email]', 'rosa@netandina.example')
  await page.fill('input[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForSelector('h1')
  if (full) {
    await page.evaluate(() => fetch('/api/v1/collections/runs', { method: 'POST' }))
    const late = double.world.services.filter((one) => one.network.state === 'cut')[3]
    await page.evaluate((id) => fetch('/api/v1/payments', { method: 'POST', body: JSON.stringify({ customer_id: id, amount: { amount: 8900, currency: 'PEN' }, method: 'cash' }) }), late.customer_id)
  }
  const wanted = only.split(':')[1]
  for (const [key, path] of Object.entries(pages(double.world))) {
    if (!full && !emptyPages.includes(key)) continue
    if (wanted && !key.startsWith(wanted)) continue
    await page.goto(double.url + path)
    await page.waitForSelector('[data-ready]', { timeout: 5000 }).catch(() => problems.push(`${name} ${key}: never ready`))
    await page.waitForTimeout(key.startsWith('device') ? 900 : 350)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    if (overflow > 0) problems.push(`${name} ${key}: ${overflow} px too wide`)
    await page.screenshot({ path: join(folder, `${name}-${key}.png`), fullPage: !path.includes('do=') })
  }
  await close()
  await double.close()
}

await shoot('wide-light', { full: true, width: 1366, height: 768, colorScheme: 'light', locale: 'es-PE' })
await shoot('wide-dark', { full: true, width: 1366, height: 768, colorScheme: 'dark', locale: 'es-PE' })
await shoot('phone-light', { full: true, width: 360, height: 740, colorScheme: 'light', locale: 'es-PE' })
await shoot('empty-light', { full: false, width: 1366, height: 768, colorScheme: 'light', locale: 'es-PE' })
await shoot('phone-dark', { full: true, width: 360, height: 740, colorScheme: 'dark', locale: 'pt-BR' })

console.log(problems.length ? [...new Set(problems)].join('\n') : 'no findings')
