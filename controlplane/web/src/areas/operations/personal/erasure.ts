/** The end of what is held of a person: how far it is, and what stands in its way. */
import { ApiError, PageError } from '@/api/problem'
import type { Approval, DataErasure, PersonKind } from '@/api/types'

/** Whose data it is about. */
export interface Person {
  kind: PersonKind
  id: string
  name: string
  erased_at?: string | null
}

/** How far it is: nobody asked, it waits for a second person, it is being done, or nothing is left. */
export type Stage = 'held' | 'waiting' | 'pending' | 'done'

export function stageOf(erasedAt: string | null | undefined, erasure: Pick<DataErasure, 'state'> | null, approval: object | null): Stage {
  if (erasedAt || erasure?.state === 'done') return 'done'
  if (erasure) return 'pending'
  return approval ? 'waiting' : 'held'
}

/** Whether a request for a second person is for the erasure of somebody. */
export function isErasureOf({ operation, entity_id }: Pick<Approval, 'operation' | 'entity_id'>, { kind, id }: Pick<Person, 'kind' | 'id'>): boolean {
  return operation === `${kind}.erase` && entity_id === id
}

/** Whether somebody typed a name: in other letters of the same word, and with other spaces, it is the same. */
export function isName(typed: string, name: string): boolean {
  const plain = (text: string) => text.normalize('NFC').trim().replace(/\s+/g, ' ').toLocaleLowerCase()
  return plain(typed) === plain(name)
}

/** Why the server does not begin; each has words, `erasure.refused.…`. */
export const refusals = ['already_erased', 'customer_has_services', 'customer_is_connected', 'customer_owes', 'erasure_pending', 'own_user', 'user_enabled'] as const

/** A refusal in words that only these pages carry; any other failure as it came. */
export function inWords(cause: unknown): unknown {
  const code = cause instanceof ApiError && refusals.find((one) => one === cause.code)
  return code ? new PageError(`erasure.refused.${code}`) : cause
}

/** What was answered; a refusal is thrown in words. */
export function worded<Answer>(work: Promise<Answer>): Promise<Answer> {
  return work.catch((cause: unknown) => Promise.reject(inWords(cause)))
}
