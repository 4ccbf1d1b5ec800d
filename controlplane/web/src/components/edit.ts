import type { Answer } from '@/api/client'
import type { KeyPrefix } from '@/api/keys'
import type { Draft } from './conflict'

/** A field of an edit form; every value is text until it is sent. */
export interface EditField {
  name: string
  label: string
  help?: string
  required?: boolean
  /** A choice instead of free text. */
  options?: { value: string; title: string }[]
  /** Several choices, separated by commas in the text. */
  multiple?: boolean
  long?: boolean
  mono?: boolean
  secret?: boolean
  inputmode?: 'decimal' | 'numeric' | 'tel' | 'email'
  placeholder?: string
}

/** Findings by field before anything is sent; none is an empty record. */
export type Findings = Record<string, string | false | null>

/** How a kind of record is edited: what the form shows, and how it becomes the server's and back. */
export interface Edit<Entity, Change> {
  title: string
  fields: EditField[]
  read: (id: string) => Promise<Answer<Entity>>
  update: (id: string, change: Change, etag: string | null) => Promise<unknown>
  toDraft: (entity: Entity) => Draft
  /** Only what was changed is sent; `whole` is the form as it stands. */
  toChange: (changed: Draft, whole: Draft) => Change
  check?: (draft: Draft) => Findings
  /** What has to be read again after saving. */
  touches: (id: string) => KeyPrefix[]
}

/** The named texts among what was changed, trimmed; an empty one empties the field. */
export function texts<Name extends string>(changed: Draft, names: readonly Name[]): Partial<Record<Name, string>> {
  const kept = names.filter((name) => changed[name] !== undefined)
  return Object.fromEntries(kept.map((name) => [name, changed[name]?.trim()])) as Partial<Record<Name, string>>
}

/** Records as choices of a field. */
export function choices(records: readonly { id: string; name: string }[]): { value: string; title: string }[] {
  return records.map(({ id, name }) => ({ value: id, title: name }))
}
