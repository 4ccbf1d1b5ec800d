/**
 * Every page and every dialog, light and dark, wide and narrow: no serious or critical finding of axe, and no page that
 * scrolls sideways.
 *
 * ATALAYA_URL        address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_LANGUAGES  default "es-419,en,pt-BR"
 * ATALAYA_LOOKS      "few": one look at each page, light and wide or dark and narrow in turn; "all" (default): each theme in each width
 * ATALAYA_AREAS      which parts of the app (default: all of pages.mjs; the installation's own only with an operator)
 * ATALAYA_PAGES      expression for the names of the pages to look at (default: all)
 * ATALAYA_SHOTS      folder for a picture of each look that has findings
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser } from './browser.mjs'
import { check, prepare } from './check.mjs'
import { areas, pagesOf, seed, seedPlatform, show, speak, standing } from './pages.mjs'
import { change, leave, logIn, logInOperator, operator, report, serverUrl, timeout } from './session.mjs'
import { totp } from './totp.mjs'

const url = serverUrl()
const languages = (process.env.ATALAYA_LANGUAGES ?? 'es-419,en,pt-BR').split(',')
const wantedAreas = (process.env.ATALAYA_AREAS ?? areas.join()).split(',').filter((area) => area !== 'platform' || operator())
const looks = ['light 1366', 'dark 360', 'light 360', 'dark 1366']
const few = process.env.ATALAYA_LOOKS === 'few'
// The checker is a script of its own: only for it the page's content security policy is lifted.
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 768 }, bypassCSP: true, reducedMotion: 'reduce' })
const page = context.pages()[0] ?? (await context.newPage())
await prepare(context)
const findings = new Map()
let done = 0

async function look(name, language, at = page) {
  for (const one of few ? [looks[done % 2]] : looks) {
    const [colorScheme, width] = one.split(' ')
    const found = await check(at, colorScheme, Number(width))
    found.forEach((what) => note(what, `${name} (${language}, ${colorScheme}, ${width} px)`))
    if (found.length) await picture(`${name}-${language}-${colorScheme}-${width}`, at)
    done += 1
  }
}

function note(what, where) {
  findings.set(what, [...(findings.get(what) ?? []), where])
}

async function picture(name, at) {
  const shots = process.env.ATALAYA_SHOTS
  if (!shots) return
  await mkdir(shots, { recursive: true })
  await at.screenshot({ path: join(shots, `${name.replace(/[^\w-]+/g, '-')}.png`) })
}

/** Pages that are seen before anybody is in. */
async function outside(language) {
  await page.setViewportSize({ width: 1366, height: 768 })
  await page.goto(`${url}/login`)
  await speak(page, language)
  await page.goto(`${url}/login`)
  await page.waitForSelector('.login[data-ready]', { timeout })
  await look('log-in', language)
  await page.goto(`${url}/set-password#worthless`)
  await page.waitForSelector('[data-link=worthless]', { timeout })
  await look('set a password: a link that is worthless', language)
  await page.goto(`${url}/platform`)
  await page.waitForSelector('[data-platform-login]', { timeout })
  await look('platform: log-in', language)
}

/** The second step of a log-in, in a browser of its own: somebody new, who has an app. The owner is logged in. */
async function secondStep() {
  const who = { email: `ines-${Date.now().toString(36)}@netandina.example`, password: 'cuatro palabras de prueba' }
  await change(page, 'POST', '/users', { name: 'Inés Paredes', roles: ['read_only'], ...who })
  const apart = await openBrowser({ viewport: { width: 1366, height: 768 }, bypassCSP: true, reducedMotion: 'reduce' })
  try {
    await prepare(apart.context)
    const other = apart.context.pages()[0] ?? (await apart.context.newPage())
    await logIn(other, url, who)
    const { secret } = await change(other, 'POST', '/me/app')
    await change(other, 'POST', '/me/app/confirm', { code: totp(secret) })
    await leave(other)
    for (const language of languages) {
      await other.setViewportSize({ width: 1366, height: 768 })
      await speak(other, language)
      await logIn(other, url, { ...who, expects: '[data-second-factor] [name=code]' })
      await look('log-in: second step', language, other)
    }
  } finally {
    await apart.close()
  }
}

await report(async () => {
  const wanted = new RegExp(process.env.ATALAYA_PAGES ?? '')
  const absent = []
  if (wantedAreas.includes('administration')) for (const language of languages) await outside(language)
  await page.setViewportSize({ width: 1366, height: 768 })
  const installation = wantedAreas.includes('platform')
  if (installation) {
    await logInOperator(page, url)
    await seedPlatform(page)
  }
  await logIn(page, url)
  if (wantedAreas.some((area) => area !== 'platform')) await seed(page)
  if (wantedAreas.includes('administration') && wanted.test('log-in')) await secondStep()
  const pages = (await Promise.all(wantedAreas.map((area) => pagesOf(page, area)))).flat().filter(([name]) => wanted.test(name))
  for (const language of languages) {
    await speak(page, language)
    let fresh = true
    for (const entry of pages) {
      const [name] = entry
      await page.setViewportSize({ width: 1366, height: 768 })
      const shown = await show(page, url, entry, timeout, fresh).catch((cause) => {
        note(`did not come: ${cause.message.split('\n')[0]}`, `${name} (${language})`)
        return false
      })
      // Going on needs somewhere to go on from; after a failure anything may be there.
      fresh = !shown
      if (shown) await look(name, language)
      else absent.push(name)
    }
    if (installation && wanted.test('standing')) {
      await standing(page, url, timeout, (name) => look(name, language))
      await logIn(page, url)
    }
  }
  if (findings.size) {
    const lines = [...findings].map(([what, where]) => `${what}\n    ${where.length} looks, first ${where[0]}`)
    throw new Error(`${findings.size} findings\n  ${lines.join('\n  ')}`)
  }
  const left = absent.length ? `; not there: ${[...new Set(absent)].join(', ')}` : ''
  return `${done} looks at ${pages.length} pages and dialogs of ${wantedAreas.join(', ')} without a serious or critical finding${left}`
}, close)
