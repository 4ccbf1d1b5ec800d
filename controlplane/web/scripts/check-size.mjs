/**
 * What a phone must load for the log-in page and for a list, compressed as the server sends it.
 * Follows static imports from index.html; over the budget it fails.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'
import { readdirSync } from 'node:fs'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
/** Bytes over the wire, by kind and in all. */
const budget = { js: 220_000, css: 45_000, font: 50_000, all: 350_000 }
const forbidden = /uPlot|echarts|maplibre/i

function compressed(file) {
  const body = readFileSync(join(dist, file))
  if (file.endsWith('.woff2')) return body.length
  return brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).length
}

/** Files that a script pulls in before it can run: static imports and what Vite preloads for a dynamic one. */
function staticImports(file) {
  const text = readFileSync(join(dist, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*"(\.\/[^"]+)"/g)].map((match) => posix.join(dirname(file), match[1]))
}

function closure(files) {
  const seen = new Set()
  const queue = [...files]
  for (let file = queue.pop(); file; file = queue.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    if (file.endsWith('.js')) queue.push(...staticImports(file))
  }
  return seen
}

const html = readFileSync(join(dist, 'index.html'), 'utf8')
const entry = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css|woff2))"/g)].map((match) => match[1])
const assets = readdirSync(join(dist, 'assets')).map((name) => `assets/${name}`)
/** A page's script, its styles and the styles of every script that it needs share their names up to the hash. */
function chunk(name) {
  return assets.filter((file) => new RegExp(`^assets/${name}-[\\w-]{8}\\.(js|css)$`).test(file))
}

function page(names) {
  const files = closure([...entry, ...names.flatMap(chunk)])
  const scripts = [...files].filter((file) => file.endsWith('.js'))
  const styles = scripts.flatMap((file) => chunk(file.replace(/^assets\//, '').replace(/-[\w-]{8}\.js$/, ''))).filter((file) => file.endsWith('.css'))
  return new Set([...files, ...styles])
}

let failed = false
for (const [name, chunks] of Object.entries({
  'log-in': ['LoginPage', 'es-419', 'es'],
  list: ['OperationsShell', 'CustomersPage', 'es-419', 'es'],
})) {
  const sums = { js: 0, css: 0, font: 0, all: 0 }
  for (const file of page(chunks)) {
    const kind = file.endsWith('.js') ? 'js' : file.endsWith('.css') ? 'css' : 'font'
    const size = compressed(file)
    sums[kind] += size
    sums.all += size
    if (forbidden.test(file)) {
      console.error(`${name}: ${file} must not be in the first load`)
      failed = true
    }
  }
  for (const [kind, size] of Object.entries(sums)) {
    const share = size / budget[kind]
    console.log(`${name} ${kind}: ${(size / 1000).toFixed(1)} kB of ${budget[kind] / 1000}${share > 1 ? '  over the budget' : ''}`)
    if (share > 1) failed = true
  }
}
process.exit(failed ? 1 : 0)
