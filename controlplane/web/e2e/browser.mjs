/** Chromium for the browser tests: fresh profile each time, nothing that talks to the outside. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Path of the installed browser, or undefined. */
export function chromiumPath() {
  return candidates.find((path) => path && existsSync(path))
}

/** A browser context with a profile of its own; `close` removes it. */
export async function openBrowser(options = {}) {
  const executablePath = chromiumPath()
  if (!executablePath) throw new Error('no Chromium found; set CHROMIUM to its path')
  const profile = await mkdtemp(join(tmpdir(), 'atalaya-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ...options,
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** Two people at a machine each; what `prepare` does to a context comes before its page. */
export async function openTwo(options, prepare) {
  const both = await Promise.all([openBrowser(options), openBrowser(options)])
  const pages = await Promise.all(
    both.map(async ({ context }) => {
      await prepare(context)
      return context.pages()[0] ?? context.newPage()
    }),
  )
  return { pages, close: () => Promise.all(both.map((one) => one.close())) }
}
