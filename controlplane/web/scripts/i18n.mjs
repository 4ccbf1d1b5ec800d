/**
 * What the sources ask of the message catalogues, found without running them: the first argument
 * of every translating call, whole literals and template literals with holes.
 */

/** Flattens nested messages to `area.page.element` → text. */
export function flatten(messages, prefix = '') {
  const flat = {}
  for (const [name, value] of Object.entries(messages)) {
    const key = prefix ? `${prefix}.${name}` : name
    if (typeof value === 'string') flat[key] = value
    else Object.assign(flat, flatten(value, key))
  }
  return flat
}

const calls = /(?<![\w.])(?:\$t|t|counted|format\.counted)\(/g
const literal = /(['"])([a-z0-9_]+(?:\.[a-z0-9_-]+)+)\1/g
const template = /`((?:[^`\\$]|\$(?!\{)|\\.|\$\{[^}]*\})*)`/g
/** Literals that are keys wherever they stand: states and verdicts name their word, forms their finding. */
const named = /\b(?:label|key): (')([a-z0-9_]+(?:\.[a-z0-9_-]+)+)\1|(')((?:field|problem|state\.(?:agent|device|invoice|network|point|service))\.[a-z0-9_.-]+)\3/g

/** Text of the first argument of a call that opens just before `start`. */
function firstArgument(source, start) {
  let depth = 0
  let quote = ''
  for (let at = start; at < source.length; at++) {
    const char = source[at]
    if (quote) {
      if (char === '\\') at++
      else if (char === quote) quote = ''
    } else if (char === "'" || char === '`' || (char === '"' && depth === 0 && source[at - 1] === '(')) quote = char
    else if ('([{'.includes(char)) depth++
    else if (')]}'.includes(char)) {
      if (depth === 0) return source.slice(start, at)
      depth--
    } else if (char === ',' && depth === 0) return source.slice(start, at)
  }
  return source.slice(start)
}

function pattern(text) {
  const parts = text.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[a-z0-9_.-]+')}$`)
}

/** Keys that a source file needs (`keys`) and shapes of keys that it makes up (`patterns`). */
export function wanted(source) {
  const keys = new Set()
  const patterns = new Map()
  for (const match of source.matchAll(calls)) {
    const argument = firstArgument(source, match.index + match[0].length)
    for (const [, , key] of argument.matchAll(literal)) keys.add(key)
  }
  for (const match of source.matchAll(named)) keys.add(match[2] ?? match[4])
  for (const [, text] of source.matchAll(template)) {
    if (text.includes('${') && /^[a-z0-9_]+\./.test(text) && !/[\s/:]/.test(text.replace(/\$\{[^}]*\}/g, ''))) {
      patterns.set(text, pattern(text))
    }
  }
  return { keys, patterns }
}

/** Names of the parameters of a message, in order of the alphabet. */
export function parameters(text) {
  return [...new Set([...text.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1]))].sort()
}

/**
 * Everything wrong between sources and catalogues, as sentences; empty means complete.
 * `catalogues` maps a language to flat messages; the first language is the reference.
 */
export function findings(catalogues, sources) {
  const problems = []
  const [[first, reference], ...others] = Object.entries(catalogues)
  for (const [language, messages] of others) {
    for (const key of Object.keys(reference)) {
      if (!(key in messages)) problems.push(`${language}: ${key} is missing`)
      else if (String(parameters(messages[key])) !== String(parameters(reference[key]))) {
        problems.push(`${language}: ${key} has other parameters than ${first}`)
      }
    }
    for (const key of Object.keys(messages)) {
      if (!(key in reference)) problems.push(`${first}: ${key} is missing (it is in ${language})`)
    }
  }
  const used = new Set()
  for (const { name, text } of sources) {
    const { keys, patterns } = wanted(text)
    for (const key of keys) {
      if (key in reference) used.add(key)
      else problems.push(`${name}: ${key} is in no catalogue`)
    }
    for (const [shape, matches] of patterns) {
      const hits = Object.keys(reference).filter((key) => matches.test(key))
      hits.forEach((key) => used.add(key))
      if (!hits.length) problems.push(`${name}: nothing in the catalogues matches ${shape}`)
    }
  }
  for (const key of Object.keys(reference)) {
    if (!used.has(key)) problems.push(`${first}: ${key} is used nowhere`)
  }
  return problems
}

/**
 * Words of a part of the app that a file outside the part's folders asks for: they may not be loaded there. `parts` maps a
 * part to its folders below `src` and its flat messages.
 */
export function misplaced(parts, sources) {
  const problems = []
  for (const [part, { folders, messages }] of Object.entries(parts)) {
    const outside = sources.filter(({ name }) => !folders.some((folder) => name.startsWith(`src/${folder}/`)))
    for (const { name, text } of outside) {
      const { keys, patterns } = wanted(text)
      for (const key of keys) if (key in messages) problems.push(`${name}: ${key} belongs to ${part}, whose words are not loaded here`)
      for (const [shape, matches] of patterns) {
        if (Object.keys(messages).some((key) => matches.test(key))) problems.push(`${name}: ${shape} belongs to ${part}, whose words are not loaded here`)
      }
    }
  }
  return problems
}
