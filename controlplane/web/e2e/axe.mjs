/**
 * Every page in every language, light and dark, wide and narrow: no serious or critical finding of axe, and no page
 * that scrolls sideways.
 *
 * ATALAYA_URL        address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_LANGUAGES  default "es-419,en,pt-BR"
 * ATALAYA_PAGES      expression for the names of the pages to look at (default: all)
 * ATALAYA_SHOTS      folder for a picture of each look that has findings
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { openBrowser } from './browser.mjs'
import { allPages } from './pages.mjs'
import { logIn, report, serverUrl, timeout } from './session.mjs'

const url = serverUrl()
const languages = (process.env.ATALAYA_LANGUAGES ?? 'es-419,en,pt-BR').split(',')
const widths = [1366, 360]
const grave = new Set(['serious', 'critical'])
// The checker is a script of its own: only for it the page's content security policy is lifted.
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 768 }, bypassCSP: true, reducedMotion: 'reduce' })
const page = context.pages()[0] ?? (await context.newPage())
const findings = new Map()
let looks = 0

async function look(name, language) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const width of widths) {
      await page.setViewportSize({ width, height: 768 })
      await settled()
      const where = `${name} (${language}, ${colorScheme}, ${width} px)`
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      if (sideways > 0) note(`scrolls ${sideways} px sideways`, where)
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      const bad = violations.filter((one) => grave.has(one.impact))
      for (const one of bad) note(`${one.id}: ${one.help} · ${one.nodes[0].target.join(' ')} · ${one.nodes[0].failureSummary?.split('\n')[1]?.trim() ?? ''}`, where)
      if (bad.length) await picture(`${name}-${language}-${colorScheme}-${width}`)
      looks += 1
    }
  }
}

/** Two frames after the last change of look: what is measured is what a person sees. */
async function settled() {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running' || one.effect?.getComputedTiming().iterations === Infinity), undefined, { timeout })
}

function note(what, where) {
  findings.set(what, [...(findings.get(what) ?? []), where])
}

async function picture(name) {
  const shots = process.env.ATALAYA_SHOTS
  if (!shots) return
  await mkdir(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name.replace(/[^\w-]+/g, '-')}.png`) })
}

async function speak(language) {
  await page.evaluate((language) => {
    const stored = JSON.parse(localStorage.getItem('atalaya.ui') ?? '{}')
    localStorage.setItem('atalaya.ui', JSON.stringify({ ...stored, language, theme: 'system' }))
  }, language)
}

await report(async () => {
  await page.goto(`${url}/login`)
  for (const language of languages) {
    await speak(language)
    await page.goto(`${url}/login`)
    await page.waitForSelector('.login[data-ready]', { timeout })
    await look('log-in', language)
  }
  await logIn(page, url)
  const wanted = new RegExp(process.env.ATALAYA_PAGES ?? '')
  const pages = (await allPages(page)).filter(([name]) => wanted.test(name))
  for (const language of languages) {
    await speak(language)
    for (const [name, path] of pages) {
      await page.goto(url + path)
      await page.waitForSelector('.page-head[data-ready]', { timeout }).catch(() => note('never ready', `${name} (${language})`))
      const inside = path.includes('do=') ? '.v-dialog .dialog-title' : path.includes('peek=') ? '[data-peek] h2' : 'h1'
      await page.waitForSelector(inside, { timeout }).catch(() => note(`no ${inside}`, `${name} (${language})`))
      await look(name, language)
    }
  }
  if (findings.size) {
    const lines = [...findings].map(([what, where]) => `${what}\n    ${where.length} looks, first ${where[0]}`)
    throw new Error(`${findings.size} findings\n  ${lines.join('\n  ')}`)
  }
  return `${looks} looks at ${pages.length + 1} pages without a serious or critical finding`
}, close)
