/** What axe and the width of a page find wrong with what is on the screen. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { settled } from './pages.mjs'
import { timeout } from './session.mjs'
import { expect } from './steps.mjs'

const grave = new Set(['serious', 'critical'])

/** Puts axe into every page of a context, which must bypass the content security policy for it. */
export async function prepare(context) {
  await context.addInitScript(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
}

/** Serious and critical findings of what is shown in one theme and width, as sentences. */
export async function check(page, colorScheme, width) {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  await page.setViewportSize({ width, height: 768 })
  await settled(page, timeout)
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  // Below an open dialog is a page that was looked at by itself.
  const violations = await page.evaluate(async () => {
    const layers = document.querySelectorAll('.v-overlay--active')
    const { violations } = await window.axe.run(layers.length ? [...layers] : document, { resultTypes: ['violations'], elementRef: false })
    return violations
  })
  const bad = violations
    .filter(({ impact }) => grave.has(impact))
    .map(({ id, help, nodes }) => `${id}: ${help} · ${nodes[0].target.join(' ')} · ${nodes[0].failureSummary?.split('\n')[1]?.trim() ?? ''}`)
  return sideways > 0 ? [`scrolls ${sideways} px sideways`, ...bad] : bad
}

/** Nothing serious in either theme and width, with the page as it is then left. */
export async function accessible(page, name) {
  for (const [theme, width] of [['dark', 360], ['light', 1366]]) {
    const found = await check(page, theme, width)
    expect(`nothing serious on ${name} (${theme}, ${width} px)`, !found.length, found)
  }
}
