/**
 * Pictures of every page and dialog, to look at.
 *
 * ATALAYA_URL     address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_SHOTS   folder for the pictures (default: e2e/shots)
 * ATALAYA_LOOKS   themes and widths, such as "light 1366,dark 360" (default)
 * ATALAYA_LANGUAGES  default "es-419"
 * ATALAYA_PAGES   expression for the names of the pages to show (default: all)
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser } from './browser.mjs'
import { areas, pagesOf, seed, seedPlatform, settled, show, speak, standing } from './pages.mjs'
import { logIn, logInOperator, operator, report, serverUrl, timeout } from './session.mjs'

const url = serverUrl()
const folder = process.env.ATALAYA_SHOTS ?? 'e2e/shots'
const looks = (process.env.ATALAYA_LOOKS ?? 'light 1366,dark 360').split(',')
const languages = (process.env.ATALAYA_LANGUAGES ?? 'es-419').split(',')
const wanted = new RegExp(process.env.ATALAYA_PAGES ?? '')
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 768 }, reducedMotion: 'reduce' })
const page = context.pages()[0] ?? (await context.newPage())
const problems = new Set()
let where = 'log-in'
page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.add(`${where}: ${message.text()}`))
page.on('pageerror', (error) => problems.add(`${where}: ${error.message}`))

async function take(name, language, look) {
  const [colorScheme, width] = look.split(' ')
  const file = `${name}-${language}-${colorScheme}-${width}`.replace(/[^\w-]+/g, '-')
  const dialog = await page.locator('.v-overlay--active').count()
  await page.screenshot({ path: join(folder, `${file}.png`), fullPage: !dialog })
}

await report(async () => {
  await mkdir(folder, { recursive: true })
  if (operator()) {
    await logInOperator(page, url)
    await seedPlatform(page)
  }
  await logIn(page, url)
  await seed(page)
  const those = areas.filter((area) => area !== 'platform' || operator())
  const pages = (await Promise.all(those.map((area) => pagesOf(page, area)))).flat().filter(([name]) => wanted.test(name))
  for (const language of languages) {
    await speak(page, language)
    for (const look of looks) {
      const [colorScheme, width] = look.split(' ')
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width: Number(width), height: 768 })
      for (const entry of pages) {
        where = `${entry[0]} (${language}, ${look})`
        const shown = await show(page, url, entry, timeout).catch((cause) => problems.add(`${where}: ${cause.message.split('\n')[0]}`))
        if (shown !== true) continue
        // Charts and pickers draw once their answers have come; the stream of events never ends.
        await page.waitForFunction(() => !document.querySelector('.v-progress-linear--active, .list__skeleton'), undefined, { timeout }).catch(() => undefined)
        await settled(page, timeout)
        await take(entry[0], language, look)
      }
      if (!operator() || !wanted.test('standing')) continue
      await standing(page, url, timeout, (name) => take(name, language, look))
      await logIn(page, url)
    }
  }
  return [`pictures in ${folder}`, ...problems].join('\n')
}, close)
