/**
 * What people are told, pressed on the pages against a real server and a real mail server: somebody is invited by e-mail,
 * forgets the password and asks for another link; what is wanted is chosen; and the list says what became of each notice.
 *
 * ATALAYA_URL    address of a running control plane that sends e-mail (who logs in: see session.mjs)
 * ATALAYA_MAIL   folder of its mail server: a line of JSON in `messages` for each message, and `plan` says what it does next
 * ATALAYA_SHOTS  folder for a picture of the screens when something fails
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openTwo } from './browser.mjs'
import { accessible, prepare } from './check.mjs'
import { get, leave, logIn, report, serverUrl, timeout } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const url = serverUrl()
const mail = process.env.ATALAYA_MAIL
const look = { viewport: { width: 1366, height: 900 }, locale: 'es-PE', bypassCSP: true, reducedMotion: 'reduce' }
const { pages, close } = await openTwo(look, prepare)
const [owner, page] = pages
const dialog = '.v-overlay--active .v-card'
const email = `carmen-${Date.now().toString(36)}@netandina.example`
const password = 'otras cuatro palabras mas'

/** Token of the link in the newest of so many messages to somebody; waits until they are there. */
async function token(to, count) {
  const deadline = Date.now() + timeout
  for (;;) {
    const text = await readFile(join(mail, 'messages'), 'utf8').catch(() => '')
    // The last line may be on its way.
    const links = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .filter((message) => message.did === 'ok' && message.to.join() === to)
      .map((message) => /\/set-password#([0-9a-f]+)/.exec(message.text)?.[1])
      .filter(Boolean)
    if (links.length >= count) return links.at(-1)
    if (Date.now() > deadline) throw new Error(`expected ${count} links sent to ${to}; found ${links.length}`)
    await page.waitForTimeout(100)
  }
}

/** Where mail leaves, a link is sent; it is shown all the same. The link that arrives is good. */
async function invite() {
  await owner.goto(`${url}/settings/users?do=create`)
  await owner.fill(`${dialog} [name=name]`, 'Carmen Flores')
  await owner.fill(`${dialog} [name=email]`, email)
  await owner.locator(`${dialog} .v-select:has([name=way])`, { hasText: 'por correo' }).waitFor({ timeout })
  await owner.click(`${dialog} [data-submit]`)
  await owner.waitForSelector(`${dialog} [data-sent]:has-text("${email}")`, { timeout })
  const shown = (await owner.locator('[data-link-address] pre').innerText()).trim()
  const sent = await token(email, 1)
  expect('the same link on the page and in the message', shown === `${url}/set-password#${sent}`, shown)
  await page.goto(shown)
  await page.waitForSelector('[data-link=good]', { timeout })
  await page.fill('[name=password]', 'cuatro palabras de prueba')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-link=done]', { timeout })
  return shown
}

/** A link that was used offers to have another sent; who asks is told the same, whoever it is. */
async function forget(used) {
  const fresh = await page.context().newPage()
  await fresh.goto(used)
  await fresh.click('[data-link=worthless] [data-action=another]')
  await fresh.waitForSelector('[data-forgotten] [name=email]', { timeout })
  await fresh.close()
  const said = []
  for (const who of ['nadie@netandina.example', email]) {
    await page.goto(`${url}/login`)
    await page.fill('[name=email]', who)
    await page.click('[data-action=forgot]')
    await page.waitForSelector('[data-forgotten]', { timeout })
    expect('what was typed before', (await page.inputValue('[data-forgotten] [name=email]')) === who, who)
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-asked]', { timeout })
    said.push((await page.locator('[data-asked]').innerText()).replace(who, ''))
  }
  expect('the same words for everybody', said[0] === said[1], said)
  await accessible(page, 'the page of a forgotten password')
  const link = await token(email, 2)
  await page.goto(`${url}/set-password#${link}`)
  await page.waitForSelector('[data-link=good]', { timeout })
  await page.fill('[name=password]', password)
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'password', undefined, { timeout })
  await page.waitForSelector('[data-link=done] [name=password]', { timeout })
  await page.fill('[data-link=done] [name=password]', password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.page-head[data-ready]', { timeout })
}

/** What may be refused has a switch, what may not says so; each choice is kept at once, also by a window that is behind. */
async function choose() {
  const behind = await page.context().newPage()
  await Promise.all([page, behind].map((one) => one.goto(`${url}/profile`)))
  await Promise.all([page, behind].map((one) => one.waitForSelector('[data-choice=approval] input', { timeout })))
  for (const kind of ['security', 'access']) {
    const one = page.locator(`[data-choice=${kind}]`)
    expect(`no switch for ${kind}`, (await one.locator('input').count()) === 0 && (await one.innerText()).includes('siempre'), await one.innerText())
  }
  await accessible(page, 'the profile with notices')
  await page.locator('[data-choice=approval] input').click()
  await until(page, 'no notices of approvals', '/me/notices', ({ choices }) => choices.some((one) => one.kind === 'approval' && !one.wanted))
  await behind.locator('.v-select:has([name=notice-language])').click()
  await behind.getByRole('option', { name: 'Português', exact: true }).click()
  const kept = await until(page, 'Portuguese', '/me/notices', ({ locale }) => locale === 'pt-BR')
  expect('what the other window had chosen', kept.choices.some((one) => one.kind === 'approval' && !one.wanted), kept)
  await behind.close()
}

/** Who may not see everybody's sees their own. */
async function own() {
  await page.click('[data-my-notices-sent]')
  await page.waitForSelector('.grid__row', { timeout })
  // One may come while the page is up: what it shows is compared with what was read after it, until nothing came between.
  const deadline = Date.now() + timeout
  for (;;) {
    const shown = await page.locator('.grid__row').count()
    const { items } = await get(page, '/notices')
    if (shown === items.length) break
    if (Date.now() > deadline) throw new Error(`expected as many as there are; ${shown} shown, ${items.length} there`)
    await page.reload()
    await page.waitForSelector('.grid__row', { timeout })
  }
  expect('no column of people', (await page.locator('[data-filter=user]').count()) === 0, 'a filter by person')
  await leave(page)
}

/** One that the mail server does not take: the list says that it failed, and the side view why, in the server's words. */
async function refused() {
  // What else is on its way would be refused in its place.
  await until(owner, 'nothing on its way', '/notices?state=waiting', (found) => !found.items.length)
  await writeFile(join(mail, 'plan'), 'never\n')
  await owner.goto(`${url}/settings/users`)
  const row = owner.locator('.grid__row', { hasText: email })
  await row.locator('[data-menu=access]').click()
  await owner.locator('[data-action=link]:visible').click()
  await owner.waitForSelector(`${dialog} [name=send]`, { timeout })
  expect('to be sent unless somebody says otherwise', await owner.locator(`${dialog} [name=send]`).isChecked(), 'not ticked')
  await owner.click(`${dialog} [data-submit]`)
  await owner.waitForSelector(`${dialog} [data-sent]`, { timeout })
  await owner.click(`${dialog} [data-submit]`)
  const { id: user } = (await get(owner, '/users')).items.find((one) => one.email === email)
  const { items } = await until(owner, 'one that failed', `/notices?state=failed&user=${user}`, (found) => found.items.length === 1)
  await owner.goto(`${url}/notices`)
  await owner.locator('[data-verdict]', { hasText: /Fall(ó|aron) \d/ }).waitFor({ timeout })
  await owner.selectOption('[data-filter=user]', user)
  await owner.waitForFunction((user) => new URLSearchParams(location.search).get('user') === user, user, { timeout })
  await owner.selectOption('[data-filter=state]', 'failed')
  await owner.waitForFunction(() => document.querySelectorAll('.grid__row').length === 1, undefined, { timeout })
  await owner.click(`[data-row="${items[0].id}"] .grid__cell--first`)
  await owner.waitForSelector('[data-peek] h2', { timeout })
  const words = await owner.locator('[data-peek] pre').innerText()
  expect('the words of the mail server', words === items[0].detail && words.includes('550'), words)
  const told = await owner.locator('[data-peek]').innerText()
  expect('to whom, and that it is not tried again', told.includes('Carmen Flores') && told.includes('No se reintenta'), told)
  expect('nothing to look for among what was given up', (await owner.locator('[data-peek] [data-action=dead-letters]').count()) === 0, 'a way there')
  await owner.keyboard.press('Escape')
  await owner.selectOption('[data-filter=state]', 'waiting')
  await owner.waitForSelector('[data-empty=no_match]', { timeout })
}

await report(
  async () => {
    if (!mail) throw new Error('ATALAYA_MAIL must name the folder of a mail server')
    await logIn(owner, url)
    let link = ''
    const steps = {
      'invite by e-mail': async () => (link = await invite()),
      'ask for another password': () => forget(link),
      'choose what one is told': choose,
      'see one’s own notices': own,
      'see what the mail server refused': refused,
    }
    return `${await walk(steps, { 'notices-owner': owner, 'notices-guest': page })} steps of notices pressed`
  },
  close,
)
