/** Words of a notice as a form writes them. */

export interface Words {
  subject: string
  text: string
}

/** Whether nothing that is seen differs. */
export function sameWords(one: Words, other: Words): boolean {
  return one.subject.trim() === other.subject.trim() && one.text.trim() === other.text.trim()
}

/** A field in place of what is selected, and where the cursor stands behind it. */
export function withField(text: string, field: string, from: number, until: number): { text: string; cursor: number } {
  const braced = `{${field}}`
  return { text: text.slice(0, from) + braced + text.slice(until), cursor: from + braced.length }
}

/** What keeps a text from being sent: a field that the template does not have, or a brace without its partner. The server says so too. */
export type WrongText = { why: 'unknown_field'; field: string } | { why: 'brace'; field: '' }

export function wrongText(text: string, fields: readonly string[]): WrongText | null {
  for (const [whole, name] of text.matchAll(/\{([^{}]*)\}|[{}]/g)) {
    if (name === undefined) return { why: 'brace', field: '' }
    if (!fields.includes(name.trim())) return { why: 'unknown_field', field: whole }
  }
  return null
}
