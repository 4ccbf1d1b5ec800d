import { createInterface } from 'node:readline'

/**
 * Who the browser tests log in as, and how.
 *
 * ATALAYA_TENANT, ATALAYA_EMAIL, ATALAYA_PASSWORD    default: those of the demo
 * ATALAYA_OPERATOR                                   e-mail of an operator with the same password (default: there is none)
 * ATALAYA_TIMEOUT_MS                                 how long each step may take (default 30000)
 */
export const timeout = Number(process.env.ATALAYA_TIMEOUT_MS ?? 30_000)
const email = process.env.ATALAYA_EMAIL ?? 'rosa@netandina.example'
const password = process.env.ATALAYA_PASSWORD ?? 'atalaya-demo-2026'

/** Address of the server under test; the tests of a real one need it. */
export function serverUrl() {
  const url = process.env.ATALAYA_URL
  if (!url) throw new Error('ATALAYA_URL must name a running control plane')
  return url.replace(/\/$/, '')
}

/** Fills the log-in page, as a person does; `expects` is what comes then. */
export async function logIn(page, url, who = {}) {
  const as = { email, password, expects: '.page-head', ...who }
  await page.goto(`${url}/login`)
  await page.waitForSelector('.login[data-ready]', { timeout })
  const wanted = process.env.ATALAYA_TENANT
  const { tenant, tenants } = await get(page, '/login-options')
  const choice = tenants.find((one) => one.slug === wanted)
  if (wanted && !tenant && !choice) throw new Error(`the log-in page offers no tenant ${wanted}`)
  if (choice && tenants.length > 1) {
    await page.locator('.login .v-select').click()
    await page.getByRole('option', { name: choice.name, exact: true }).click()
  }
  await page.fill('input[name=email]', as.email)
  await page.fill('input[name=password]', as.password)
  await page.click('.login button[type=submit]')
  await page.waitForSelector(as.expects, { timeout }).catch(() => {
    throw new Error(`log-in as ${as.email} did not lead to a page`)
  })
}

/** Logs out by the menu. */
export async function leave(page) {
  await page.click('[data-menu=user]')
  await page.click('[data-log-out]')
  await page.waitForSelector('.login[data-ready]', { timeout })
}

/** A read of the API with the page's own session. */
export async function get(page, path) {
  return page.evaluate((path) => fetch(`/api/v1${path}`).then((answer) => answer.json()), path)
}

/** Logs an operator of the installation in, as a person does. */
export async function logInOperator(page, url, who = operator()) {
  await page.goto(`${url}/platform`)
  await page.fill('input[name=email]', who.email)
  await page.fill('input[name=password]', who.password)
  await page.click('[data-platform-login] [data-submit]')
  await page.waitForSelector('.console-bar', { timeout })
}

/** Who runs the installation under test; null where nobody was made. */
export function operator() {
  const email = process.env.ATALAYA_OPERATOR
  return email ? { email, password } : null
}

/**
 * A change by the API with the page's own session, as another program of the same person would make it; what is the
 * installation's with that of the operator.
 */
export async function change(page, method, path, body, ifMatch) {
  return page.evaluate(
    async ([method, path, body, ifMatch]) => {
      const session = path.startsWith('/platform/') ? '/api/v1/platform/session' : '/api/v1/session'
      const { csrf_token: token } = await (await fetch(session)).json()
      const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': token, 'Idempotency-Key': crypto.randomUUID() }
      if (ifMatch) headers['If-Match'] = ifMatch
      const answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
      return text ? JSON.parse(text) : null
    },
    [method, path, body, ifMatch],
  )
}

/** The version of a record, for `If-Match`. */
export async function version(page, path) {
  return page.evaluate((path) => fetch(`/api/v1${path}`).then((answer) => answer.headers.get('ETag')), path)
}

/** Asks whoever has started the test for what a page cannot do, and waits for a line on standard input. */
export async function ask(word, meanwhile = () => Promise.resolve()) {
  const lines = createInterface({ input: process.stdin })
  // Listens before it asks: what was asked for may be done before `meanwhile` is.
  const answered = new Promise((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('close', () => reject(new Error(`standard input closed while waiting for ${word}`)))
  })
  console.log(word)
  await Promise.all([meanwhile(), answered])
  lines.close()
}

/** Runs a test and says how it ended: exit code 0 and `ok …`, or 1 and what was expected. */
export async function report(work, cleanUp) {
  try {
    console.log(`ok: ${await work()}`)
  } catch (cause) {
    console.error(`failed: ${cause instanceof Error ? cause.message : cause}`)
    process.exitCode = 1
  } finally {
    await cleanUp()
  }
}
