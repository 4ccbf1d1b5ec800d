/**
 * Without a mouse, over every page: each `[data-action]` that is shown and can be used is reached by Tab and is seen to have the
 * focus. And each dialog that pages.mjs opens by one of them opens with Enter, closes with Escape, and gives the focus back.
 *
 * ATALAYA_URL    address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_AREAS  which parts of the app (default: all of pages.mjs; the installation's own only with an operator)
 * ATALAYA_PAGES  expression for the names of the pages to walk over (default: all)
 */
import { openBrowser } from './browser.mjs'
import { areas, pagesOf, seed, seedPlatform, settled, show } from './pages.mjs'
import { logIn, logInOperator, operator, report, serverUrl, timeout } from './session.mjs'

/** More stops than any page has: a list of 50 rows with all that can be done to each. */
const mostStops = 600

const url = serverUrl()
const wantedAreas = (process.env.ATALAYA_AREAS ?? areas.join()).split(',').filter((area) => area !== 'platform' || operator())
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 900 }, locale: 'es-PE', reducedMotion: 'reduce' })
const page = context.pages()[0] ?? (await context.newPage())
const findings = []

/** What has the focus: its action, and whether a person sees that it has it. */
function focused() {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!element || element === document.body) return null
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const isSeen = element.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) > 0
    // Marked, so that each is counted once and the end of the round is known.
    const isNew = !element.hasAttribute('data-walked')
    element.setAttribute('data-walked', '')
    return { action: element.closest('[data-action]') === element ? element.dataset.action : null, isSeen, isNew }
  })
}

/** Presses Tab until `enough` says so, or the round is over. */
async function tabUntil(enough) {
  await page.evaluate(() => {
    document.querySelectorAll('[data-walked]').forEach((one) => one.removeAttribute('data-walked'))
    document.activeElement?.blur()
  })
  for (let stop = 0; stop < mostStops; stop += 1) {
    await page.keyboard.press('Tab')
    const at = await focused()
    if (at && enough(at)) return at
    if (at && !at.isNew) return null
  }
  return null
}

/** Actions of the page that a person sees and may use, of whatever is not reached by arrows inside of something else. */
function actions() {
  return page.evaluate(() =>
    [...document.querySelectorAll('[data-action]')]
      .filter((one) => one.checkVisibility() && !one.matches(':disabled, [aria-disabled=true], [tabindex="-1"]'))
      .map((one) => one.dataset.action),
  )
}

async function everyActionIsReached(name) {
  const wanted = await actions()
  const reached = []
  await tabUntil(({ action, isSeen, isNew }) => {
    if (!action || !isNew) return false
    if (!isSeen) findings.push(`${name}: nothing shows that «${action}» has the focus`)
    reached.push(action)
    return false
  })
  for (const action of new Set(wanted)) {
    const [shown, met] = [wanted, reached].map((all) => all.filter((one) => one === action).length)
    if (met < shown) findings.push(`${name}: Tab reaches ${met} of ${shown} «${action}»`)
  }
  return reached.length
}

async function dialogComesAndGoes(name, action) {
  const at = await tabUntil((at) => at.action === action)
  // What does not exist here (nobody is cut, nothing can be removed) has no dialog.
  if (!at) return false
  await page.keyboard.press('Enter')
  const dialog = '.v-dialog.v-overlay--active .v-overlay__content'
  const came = await page.waitForSelector(dialog, { timeout }).then(() => true, () => false)
  if (!came) {
    findings.push(`${name}: Enter on «${action}» opens no dialog`)
    return true
  }
  await settled(page, timeout)
  const inside = await page.evaluate((dialog) => document.querySelector(dialog)?.contains(document.activeElement), dialog)
  if (!inside) findings.push(`${name}: the focus is not in the dialog`)
  await page.keyboard.press('Escape')
  const gone = await page.waitForSelector(dialog, { state: 'detached', timeout }).then(() => true, () => false)
  if (!gone) {
    findings.push(`${name}: Escape does not close the dialog`)
    return true
  }
  const back = await page
    .waitForFunction((action) => document.activeElement?.closest('[data-action]')?.dataset.action === action, action, { timeout: 2_000 })
    .then(() => true, () => false)
  if (!back) findings.push(`${name}: the focus does not come back to «${action}»`)
  return true
}

await report(async () => {
  const wanted = new RegExp(process.env.ATALAYA_PAGES ?? '')
  if (wantedAreas.includes('platform')) {
    await logInOperator(page, url)
    await seedPlatform(page)
  }
  await logIn(page, url)
  if (wantedAreas.some((area) => area !== 'platform')) await seed(page)
  const pages = (await Promise.all(wantedAreas.map((area) => pagesOf(page, area)))).flat().filter(([name]) => wanted.test(name))
  let [reached, dialogs] = [0, 0]
  for (const [name, path, press] of pages) {
    // Dialogs that an address names, and menus, are opened elsewhere.
    const action = typeof press === 'string' ? /^\[data-action=([\w-]+)\]$/.exec(press)?.[1] : undefined
    if (path.includes('do=') || (press && !action)) continue
    await show(page, url, [name, path], timeout)
    await page.waitForFunction(() => !document.querySelector('.list__skeleton'), undefined, { timeout })
    if (action) dialogs += (await dialogComesAndGoes(name, action)) ? 1 : 0
    else reached += await everyActionIsReached(name)
  }
  if (findings.length) throw new Error(`${findings.length} findings\n  ${findings.join('\n  ')}`)
  if (!wantedAreas.includes('customers') || process.env.ATALAYA_PAGES) return `${reached} actions and ${dialogs} dialogs by keyboard`
  // Nothing found because nothing was looked at is no success.
  if (reached < 20 || dialogs < 3) throw new Error(`only ${reached} actions and ${dialogs} dialogs were met`)
  return `${reached} actions and ${dialogs} dialogs by keyboard`
}, close)
