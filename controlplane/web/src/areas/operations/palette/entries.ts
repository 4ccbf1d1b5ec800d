/** What the palette can find: pages, actions, and rows of the lists that the server searches. */
import type { RouteLocationRaw } from 'vue-router'

export type EntryGroup = 'recent' | 'customers' | 'devices' | 'services' | 'invoices' | 'sites' | 'go' | 'actions'

export interface Entry {
  /** Same place, same id: the selection stays when rows of the server come in. */
  id: string
  group: EntryGroup
  icon: string
  title: string
  note: string
  to: RouteLocationRaw
  /** What can be done with it, behind the right arrow. */
  actions?: Entry[]
}

export type Mode = 'all' | 'actions' | 'go'

/** `>` narrows to actions, `:` to pages; the rest is what is looked for. */
export function parseInput(text: string): { mode: Mode; words: string } {
  const trimmed = text.trimStart()
  if (trimmed.startsWith('>')) return { mode: 'actions', words: trimmed.slice(1).trim() }
  if (trimmed.startsWith(':')) return { mode: 'go', words: trimmed.slice(1).trim() }
  return { mode: 'all', words: trimmed.trim() }
}

/** Lower case without accents: "cobranza" finds "Cobranza", "linea" finds "Línea". */
export function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase()
}

/** Entries whose title or note holds every word. */
export function matching(entries: readonly Entry[], words: string): Entry[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean)
  return entries.filter((entry) => {
    const text = plain(`${entry.title} ${entry.note}`)
    return wanted.every((word) => text.includes(word))
  })
}

/** The order of groups that the server's rows are in. */
const order: readonly EntryGroup[] = ['customers', 'services', 'devices', 'invoices']

/** Rows of two answers, each thing once and as the first says it, those of a group together. */
export function joined(first: readonly Entry[], second: readonly Entry[]): Entry[] {
  const known = new Set(first.map((entry) => entry.id))
  const all = [...first, ...second.filter((entry) => !known.has(entry.id))]
  return order.flatMap((group) => all.filter((entry) => entry.group === group))
}

/** The entry to select after the list changed: the same one, else the first. */
export function keepSelection(entries: readonly Entry[], selected: string): string {
  return entries.some((entry) => entry.id === selected) ? selected : (entries[0]?.id ?? '')
}
