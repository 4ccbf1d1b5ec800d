import type { Money } from '@/api/types'

export interface Change {
  name: string
  before: string
  after: string
}

/** How values of a record are written for people; the rest is shown as it is stored. */
export interface Writers {
  money: (value: Money) => string
  instant: (at: string) => string
  date: (day: string) => string
  flag: (value: boolean) => string
  /** One of a few words that the server has for a state; as it is where there is none for it. */
  code: (value: string) => string
}

/** Longest value that a row shows, characters. */
const longest = 160

/** At most this many fields; the whole record is the server's to show. */
const most = 24

/** Fields that change with every change, or never: they say nothing to a person. */
const noise = new Set(['id', 'tenant_id', 'version', 'revision', 'created_at', 'updated_at'])

/** Fields that hold one of a few words and never a person's own. */
const coded = new Set(['status', 'state', 'mode', 'method', 'automatic_cuts', 'offline_cuts', 'suspended_because'])

/** The record of a side; text that is no JSON object has no fields to compare. */
function record(text: string | null | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function isMoney(value: object): value is Money {
  return Object.keys(value).sort().join() === 'amount,currency'
}

function write(name: string, value: unknown, writers: Writers): string {
  if (value === undefined || value === null) return '–'
  if (typeof value === 'boolean') return writers.flag(value)
  if (typeof value === 'object' && isMoney(value)) return writers.money(value)
  if (typeof value === 'string' && coded.has(name)) return writers.code(value)
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (text.length > longest) return `${text.slice(0, longest)}…`
  if (/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text)) return writers.instant(text)
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? writers.date(text) : text
}

/** Fields that differ between the two sides of an audit row. */
export function changedFields(before: string | null | undefined, after: string | null | undefined, writers: Writers): Change[] {
  const [left, right] = [record(before), record(after)]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    // What is not there and what is nothing are the same to a person.
    .filter((name) => !noise.has(name) && JSON.stringify(left[name] ?? null) !== JSON.stringify(right[name] ?? null))
    .slice(0, most)
    .map((name) => ({ name, before: write(name, left[name], writers), after: write(name, right[name], writers) }))
}
