/** How a browser test goes on from step to step, and says what it expected. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { get, timeout } from './session.mjs'

export function expect(what, holds, found) {
  if (!holds) throw new Error(`expected ${what}; found ${JSON.stringify(found)}`)
}

/** Reads until it is as wanted: what the page sent is answered before the dialog closes, effects come later. */
export async function until(page, what, path, holds) {
  const deadline = Date.now() + timeout
  for (;;) {
    const found = await get(page, path)
    if (holds(found)) return found
    if (Date.now() > deadline) throw new Error(`expected ${what}; ${path} says ${JSON.stringify(found)}`)
    await page.waitForTimeout(100)
  }
}

/** Steps by name, one after the other; the one that fails leaves a picture of each page and names itself. How many passed. */
export async function walk(steps, pages) {
  for (const [name, step] of Object.entries(steps)) {
    await step().catch(async (cause) => {
      await pictures(pages).catch(() => {})
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`)
    })
  }
  return Object.keys(steps).length
}

async function pictures(pages) {
  const shots = process.env.ATALAYA_SHOTS
  if (!shots) return
  await mkdir(shots, { recursive: true })
  for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: join(shots, `${name}.png`) })
}
