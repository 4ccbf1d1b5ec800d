/**
 * What people leave with a customer, a service and a device, and what happened to them: notes, files by the button and by dropping,
 * what is refused, and the timeline with its kinds, its causes and what is new while it is being read. Then a copy of all of it, asked
 * for and fetched; and the end of what is held of somebody else, by typing their name.
 *
 * ATALAYA_URL       address of a running control plane (who logs in: see session.mjs)
 * ATALAYA_CUSTOMER  id of a customer who was cut
 * ATALAYA_SHOTS     folder for a picture of the screen when something fails
 */
import { readFile } from 'node:fs/promises'
import { openBrowser } from './browser.mjs'
import { change, get, logIn, report, serverUrl, timeout } from './session.mjs'
import { expect, until, walk } from './steps.mjs'

const url = serverUrl()
const customer = process.env.ATALAYA_CUSTOMER
const { context, close } = await openBrowser({ viewport: { width: 1366, height: 900 }, locale: 'es-PE', acceptDownloads: true })
const page = context.pages()[0] ?? (await context.newPage())
const dialog = '.v-overlay--active .v-card'
const pdf = Buffer.from('%PDF-1.7\n% Contrato ficticio\n')

async function open(path, shows = '[data-notes]') {
  await page.goto(url + path)
  await page.waitForSelector('.page-head[data-ready]', { timeout })
  await page.waitForSelector(shows, { timeout })
}

async function closed() {
  await page.waitForSelector(dialog, { state: 'detached', timeout }).catch(async () => {
    throw new Error(`the dialog did not close: ${await page.locator(dialog).innerText()}`)
  })
}

/** Without the mouse: the button, the words, Ctrl-Enter. */
async function write(text) {
  await page.focus('[data-action=add-note]')
  await page.keyboard.press('Enter')
  await page.waitForFunction((selector) => document.querySelector(selector)?.contains(document.activeElement), `${dialog} textarea, ${dialog}`, { timeout })
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA', undefined, { timeout })
  await page.keyboard.type(text)
  await page.keyboard.press('Control+Enter')
  await closed()
  await page.getByText(text).first().waitFor({ timeout })
}

const notesOf = async (subject) => (await get(page, `/notes?subject=${subject}`)).items
const filesOf = async (subject) => (await get(page, `/files?subject=${subject}`)).items
const shownNotes = () => page.locator('[data-note] .left__text').allInnerTexts()

async function notes() {
  await open(`/customers/${customer}`)
  await page.getByText('Sin notas.').waitFor({ timeout })
  await write('Portón azul, tocar dos veces')
  await write('Pagará el viernes')
  expect('the newest first', (await shownNotes()).join() === 'Pagará el viernes,Portón azul, tocar dos veces', await shownNotes())
  await page.locator('[data-note]', { hasText: 'Portón' }).locator('[data-action=pin]').click()
  await page.waitForSelector('[data-note][data-pinned=true]', { timeout })
  expect('the pinned one first', (await shownNotes())[0] === 'Portón azul, tocar dos veces', await shownNotes())

  await page.locator('[data-note]', { hasText: 'viernes' }).locator('[data-action=edit-note]').click()
  await page.waitForSelector(`${dialog} textarea`, { timeout })
  await page.fill(`${dialog} textarea[name=text]`, 'Pagará el lunes')
  await page.locator(`${dialog} [data-submit]`).click()
  await closed()
  await page.getByText('Pagará el lunes').waitFor({ timeout })
  await page.locator('[data-note]', { hasText: 'lunes' }).locator('[data-action=remove-note]').click()
  await page.locator(`${dialog} [data-confirm]`).click()
  await closed()
  await page.getByText('Pagará el lunes').waitFor({ state: 'detached', timeout })
  const left = await notesOf(customer)
  expect('one note, pinned', left.length === 1 && left[0].pinned && left[0].version === 2, left)
}

async function filesByButton() {
  // Held on the way, so that there is something to see of it.
  let let_go
  const held = new Promise((done) => (let_go = done))
  await page.route('**/api/v1/files?*', async (route) => {
    if (route.request().method() === 'POST') await held
    await route.continue()
  })
  await page.locator('[data-files] input[type=file]').setInputFiles({ name: 'Contrato Ñahui.pdf', mimeType: 'application/pdf', buffer: pdf })
  await page.waitForSelector('[data-upload] progress', { timeout })
  let_go()
  await page.waitForSelector('[data-file]', { timeout })
  await page.waitForSelector('[data-upload]', { state: 'detached', timeout })
  await page.unroute('**/api/v1/files?*')
  const [file] = await filesOf(customer)
  expect('its name, type and size', file.name === 'Contrato Ñahui.pdf' && file.media_type === 'application/pdf' && file.size === pdf.length, file)

  const [download] = await Promise.all([page.waitForEvent('download', { timeout }), page.locator('[data-action=download]').click()])
  expect('the name that it is saved under', download.suggestedFilename() === 'Contrato Ñahui.pdf', download.suggestedFilename())
  expect('the same bytes', (await readFile(await download.path())).equals(pdf), 'others')
}

/** Drops a file of so many bytes that begin so. */
async function drop(name, begin, size) {
  const data = await page.evaluateHandle(
    ([name, begin, size]) => {
      const data = new DataTransfer()
      data.items.add(new File([begin, new Uint8Array(size - begin.length).fill(65)], name))
      return data
    },
    [name, begin, size],
  )
  await page.dispatchEvent('[data-files]', 'dragover', { dataTransfer: data })
  await page.waitForSelector('[data-files].files--over', { timeout })
  await page.dispatchEvent('[data-files]', 'drop', { dataTransfer: data })
}

async function filesByDropping() {
  await drop('torre.png', '\u0089PNG', 10_000_001)
  await page.getByText('El archivo pasa de 10 MB').waitFor({ timeout })
  await page.click('[data-action=dismiss]')
  await drop('programa.exe', 'MZ\u0000\u0001', 64)
  await page.getByText('Se aceptan PDF').waitFor({ timeout })
  await page.click('[data-action=dismiss]')
  await drop('lecturas.csv', 'hora;dBm\n', 3_000_000)
  await page.locator('[data-file]', { hasText: 'lecturas.csv' }).waitFor({ timeout })
  expect('two files and no other', (await filesOf(customer)).length === 2, await filesOf(customer))
  await page.locator('[data-file]', { hasText: 'lecturas.csv' }).locator('[data-action=remove-file]').click()
  await page.locator(`${dialog} [data-confirm]`).click()
  await closed()
  await page.locator('[data-file]', { hasText: 'lecturas.csv' }).waitFor({ state: 'detached', timeout })
  expect('one left', (await filesOf(customer)).length === 1, await filesOf(customer))
}

const shownEvents = () => page.locator('[data-timeline] [data-event]').evaluateAll((all) => all.map((one) => one.dataset.event))

async function timeline() {
  await open(`/customers/${customer}`)
  await page.click('[data-kind=network]')
  await page.waitForURL(/timeline=network/, { timeout })
  await page.locator('[data-event="attachment.cut"]').first().waitFor({ timeout })
  // The rows of before stay until those of the kind have come.
  await page.locator('[data-timeline] [data-event^="invoice"]').first().waitFor({ state: 'detached', timeout })
  const because = await page.locator('[data-event="attachment.cut"] [data-cause]').first().innerText()
  expect('the cut to name the decision', because.startsWith('porque: corte decidido'), because)
  expect('nothing of money', !(await shownEvents()).some((type) => type.startsWith('payment') || type.startsWith('invoice')), await shownEvents())
  await page.reload()
  await page.waitForSelector('[data-kind=network][aria-pressed=true]', { timeout })
  await page.click('[data-kind=people]')
  await page.locator('[data-event="file.left"]').first().waitFor({ timeout })

  // What is being read stays where it is.
  const first = page.locator('[data-timeline] [data-event]').first()
  await first.scrollIntoViewIfNeeded()
  await first.hover()
  const before = await shownEvents()
  // The notes above are read sooner than the timeline, and push it from under the pointer.
  const noted = page.getByText('Desde otro lado').first().waitFor({ timeout })
  await page.route('**/api/v1/timeline?*', async (route) => (await noted, await route.continue()))
  await change(page, 'POST', '/notes', { subject: customer, text: 'Desde otro lado' })
  await page.locator('[data-action=show-new]', { hasText: '1 nuevo' }).waitFor({ timeout })
  expect('the same rows', (await shownEvents()).join() === before.join(), await shownEvents())
  await page.click('[data-action=show-new]')
  await page.waitForFunction((count) => document.querySelectorAll('[data-timeline] [data-event]').length > count, before.length, { timeout })
  expect('the new one first', (await shownEvents())[0] === 'note.written', await shownEvents())
  await page.unroute('**/api/v1/timeline?*')
}

async function otherPages() {
  await open(`/customers/${customer}`)
  await page.locator('[data-action=open-service]').first().click()
  await page.waitForURL(/\/services\/svc_/, { timeout })
  const service = new URL(page.url()).pathname.split('/').pop()
  await page.waitForSelector('[data-notes]', { timeout })
  await write('Antena en el techo')
  expect('a note of the service', (await notesOf(service))[0].text === 'Antena en el techo', await notesOf(service))
  await page.locator('[data-event="service.suspended"]').first().waitFor({ timeout })

  const [device] = (await get(page, '/devices?limit=1')).items
  await open(`/devices/${device.id}`)
  await write('Llave en la caseta')
  await page.locator('[data-event="note.written"]').first().waitFor({ timeout })
  await until(page, 'the note on the timeline', `/timeline?subject=${device.id}&type=note.*`, ({ items }) => items.length === 1)
}

/** By the keyboard: the way there, the question, and the bytes when they have come. */
async function copy() {
  await open(`/customers/${customer}`)
  await page.focus('[data-action=personal-data]')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/data$/, { timeout })
  await page.locator('[data-copies] [data-empty=nothing]').waitFor({ timeout })
  await page.focus('[data-action=ask-copy]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-copy-state=ready]', { timeout })
  const [made] = (await get(page, `/data-exports?person=${customer}`)).items
  expect('one copy of one part', made.state === 'ready' && made.parts.length === 1, made)
  await page.focus('[data-action=download-part]')
  const [download] = await Promise.all([page.waitForEvent('download', { timeout }), page.keyboard.press('Enter')])
  expect('the name of its file', download.suggestedFilename() === `${made.id}-1.zip`, download.suggestedFilename())
  const bytes = await readFile(await download.path())
  expect('a ZIP of its size', bytes.length === made.parts[0].size && bytes.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004')), bytes.length)
}

/** Whoever left and is owed money: said before, gone afterwards from the page and the list, and a copy promises what is left. */
async function erasure() {
  const name = `Huanca Solís, Nélida ${Date.now().toString(36)}`
  const { id } = await change(page, 'POST', '/customers', { name, phone: '987 654 321' })
  const { balance } = await get(page, `/customers/${id}/overview`)
  await change(page, 'POST', '/payments', { customer_id: id, amount: { ...balance, amount: 2_550 }, method: 'cash' })
  await open(`/customers/${id}`)
  await page.click('[data-personal] [data-action=personal-data]')
  await page.waitForSelector('[data-erasure][data-stage=held]', { timeout })
  const whole = await page.locator('[data-copies] [data-what]').innerText()
  await page.click('[data-action=erase]')
  await page.locator(dialog, { hasText: /25[.,]50 a favor/ }).waitFor({ timeout })
  await page.fill(`${dialog} [name=reason]`, 'Lo pidió por escrito')
  await page.fill(`${dialog} [name=typed_name]`, 'Huanca Solís')
  await page.click(`${dialog} [data-confirm]`)
  await page.locator(dialog, { hasText: 'No es el mismo nombre' }).waitFor({ timeout })
  expect('nothing begun by another name', !(await get(page, `/data-erasures?person=${id}`)).items.length, 'an erasure')
  await page.fill(`${dialog} [name=typed_name]`, name.toUpperCase())
  await page.click(`${dialog} [data-confirm]`)
  await closed()
  await page.waitForSelector('[data-erasure][data-stage=done]', { timeout })
  await page.locator('[data-erased]', { hasText: 'Datos borrados' }).waitFor({ timeout })
  const left = await page.locator('[data-copies] [data-what]').innerText()
  expect('a copy of what is left', left !== whole && left.includes('lo que queda'), left)
  await open(`/customers/${id}`, '[data-erased]')
  const shown = await page.locator('body').innerText()
  expect('neither name nor phone', !/Huanca|Nélida|987 654/i.test(shown) && shown.includes(id), shown)
  await page.goto(`${url}/customers?q=Huanca`)
  await page.waitForSelector('[data-empty=no_match]', { timeout })
}

await report(
  async () => {
    await logIn(page, url)
    const passed = await walk({ notes, filesByButton, filesByDropping, timeline, otherPages, copy, erasure }, { record: page })
    return `${passed} steps`
  },
  () => close(),
)
