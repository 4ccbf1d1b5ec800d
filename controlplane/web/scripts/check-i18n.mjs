/** Fails the build when a word is missing in a language, unused, or asked for and nowhere defined. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findings, flatten } from './i18n.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

function files(folder, test) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(test)
    .sort()
    .map((name) => ({ name: join(folder, name), text: readFileSync(join(root, folder, name), 'utf8') }))
}

const languages = ['es-419', 'en', 'pt-BR']
const catalogues = Object.fromEntries(
  files('src/i18n/locales', (name) => name.endsWith('.json')).map(({ name, text }) => [
    basename(name, '.json'),
    flatten(JSON.parse(text)),
  ]),
)
const ordered = Object.fromEntries(languages.map((language) => [language, catalogues[language] ?? {}]))
const problems = findings(ordered, files('src', (name) => /\.(vue|ts)$/.test(name)))

if (problems.length) {
  console.error(problems.join('\n'))
  console.error(`${problems.length} findings in the message catalogues`)
  process.exit(1)
}
console.log(`${Object.keys(ordered[languages[0]]).length} messages in ${languages.join(', ')}: complete`)
