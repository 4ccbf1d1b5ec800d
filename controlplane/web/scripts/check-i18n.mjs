/** Fails the build when a word is missing in a language, unused, or asked for and nowhere defined. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findings, flatten, misplaced } from './i18n.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

function files(folder, test) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(test)
    .sort()
    .map((name) => ({ name: join(folder, name), text: readFileSync(join(root, folder, name), 'utf8') }))
}

const languages = ['es-419', 'en', 'pt-BR']
const folders = JSON.parse(readFileSync(join(root, 'src/i18n/parts/folders.json'), 'utf8'))
const parse = (folder, name) => JSON.parse(readFileSync(join(root, 'src/i18n', folder, `${name}.json`), 'utf8'))
const read = (folder, name) => flatten(parse(folder, name))
/** Nouns that stand in two catalogues: the later one loaded would take the place of the other. */
const nouns = [parse('locales', 'es-419'), ...Object.keys(folders).map((part) => parse('parts', `es-419.${part}`))].flatMap(Object.keys)
const twice = nouns.filter((noun, at) => nouns.indexOf(noun) !== at).map((noun) => `${noun} stands in two catalogues`)
const whole = (language) => [read('locales', language), ...Object.keys(folders).map((part) => read('parts', `${language}.${part}`))]
const ordered = Object.fromEntries(languages.map((language) => [language, Object.assign({}, ...whole(language))]))
const parts = Object.fromEntries(Object.entries(folders).map(([part, list]) => [part, { folders: list, messages: read('parts', `es-419.${part}`) }]))
const sources = files('src', (name) => /\.(vue|ts)$/.test(name))
const problems = [...twice, ...findings(ordered, sources), ...misplaced(parts, sources)]

if (problems.length) {
  console.error(problems.join('\n'))
  console.error(`${problems.length} findings in the message catalogues`)
  process.exit(1)
}
console.log(`${Object.keys(ordered[languages[0]]).length} messages in ${languages.join(', ')}: complete`)
