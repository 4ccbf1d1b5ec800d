/**
 * What an event means for the cache. Pure: the caller applies it. An event is a hint that
 * something changed; the truth is read again, except for the small live fields of a status event,
 * which are laid over the rows that show them.
 */
import type { KeyPrefix } from '../keys'
import type { Event } from '../types'

export interface RowPatch {
  kind: 'agent' | 'device'
  id: string
  fields: Record<string, unknown>
}

export interface CacheEffect {
  invalidate: KeyPrefix[]
  patch: RowPatch | null
}

const money: KeyPrefix[] = [['invoices'], ['payments'], ['payment'], ['customers'], ['home']]
const service: KeyPrefix[] = [['customers'], ['home'], ['sites']]

/** Which lists and totals change with the first word of an event's type. */
const byNoun: Record<string, KeyPrefix[]> = {
  payment: money,
  invoice: money,
  service,
  attachment: service,
  point: service,
  customer: [['customers'], ['home']],
  data_export: [['data-exports']],
  data_erasure: [['data-erasures'], ['customers'], ['users']],
  plan: [['plans']],
  site: [['sites']],
  agent: [['agents'], ['sites'], ['home']],
  device: [['devices'], ['sites'], ['home']],
  run: [['runs']],
  collections: [['runs']],
  tenant: [['tenant']],
  user: [['users'], ['roles']],
  factor: [['security'], ['passkeys']],
  identity: [['identities'], ['identity-providers']],
  identity_provider: [['identity-providers'], ['sign-on-choices'], ['identities']],
  role: [['roles'], ['role']],
  notice: [['notices'], ['my-notices']],
  approval: [['approval'], ['approvals'], ['runs'], ['run']],
}

/** Pages of single things, by the related ids that an event carries. */
const byRelation: Record<string, (id: string) => KeyPrefix[]> = {
  customer_id: (id) => [['customer', id]],
  device_id: (id) => [
    ['device', id],
    ['device-plan', id],
  ],
  agent_id: (id) => [
    ['agent', id],
    ['held-cuts', id],
  ],
  invoice_id: (id) => [['invoice', id]],
  run_id: (id) => [['run', id]],
}

const relationOfPrefix: Record<string, string> = {
  cus: 'customer_id',
  dev: 'device_id',
  agt: 'agent_id',
  inv: 'invoice_id',
  run: 'run_id',
}

/** Effect of one event. Transient ones (status, read-back) carry no id and are not part of the feed. */
export function effectOf(event: Event): CacheEffect {
  const noun = event.type.split('.')[0] ?? ''
  const invalidate: KeyPrefix[] = [...(byNoun[noun] ?? [])]
  for (const [field, keys] of Object.entries(byRelation)) {
    const id = event.related?.[field]
    if (id) invalidate.push(...keys(id))
  }
  const entity = event.entity?.id
  const relation = entity ? relationOfPrefix[entity.slice(0, 3)] : undefined
  if (entity && relation) invalidate.push(...(byRelation[relation]?.(entity) ?? []))
  if (event.id) invalidate.push(['events'], ...recordsOf(event, noun))
  return { invalidate: distinct(invalidate), patch: statusPatch(event) }
}

/** Timelines of everything that the event is about or names, and what was left with it. */
function recordsOf(event: Event, noun: string): KeyPrefix[] {
  const things = [...Object.values(event.related ?? {}), ...(event.entity ? [event.entity.id] : [])]
  const left: Record<string, string> = { note: 'notes', file: 'files' }
  return things.filter(Boolean).flatMap((id) => [['timeline', id], ...(left[noun] ? [[left[noun], id]] : [])])
}

function statusPatch(event: Event): RowPatch | null {
  const kind = event.type === 'agent.status' ? 'agent' : event.type === 'device.status' ? 'device' : null
  const id = event.entity?.id
  if (!kind || !id || typeof event.payload !== 'object') return null
  return { kind, id, fields: event.payload }
}

/** Lays the fields that a row already has over it; unknown fields are left out. */
export function patchRow<Row extends object>(row: Row, fields: Record<string, unknown>): Row {
  const known = Object.fromEntries(Object.entries(fields).filter(([name]) => name in row))
  return { ...row, ...known }
}

/** Each key once, in first-seen order. */
export function distinct(list: KeyPrefix[]): KeyPrefix[] {
  const seen = new Map<string, KeyPrefix>()
  for (const key of list) seen.set(JSON.stringify(key), key)
  return [...seen.values()]
}
