/** What is held of a person: copies of it and its end. Apart from `endpoints.ts`: no list needs them. */
import { call, get, post } from './client'
import type * as T from './types'

/** Whose data: a customer's, that of somebody of the staff, or the caller's own, for which no right is needed. */
export type Whose = T.PersonKind | 'own'

const of = (kind: T.PersonKind, id: string) => `/${kind}s/${id}`

export const personal = {
  exports: (person: string, cursor?: string) => get<T.Page<T.DataExport>>('/data-exports', { person, cursor }),
  ask: (kind: Whose, id: string) => post<T.DataExport>(kind === 'own' ? '/me/data-export' : `${of(kind, id)}/data-export`),
  part: async (id: string, number: number) => (await call<Blob>('GET', `/data-exports/${id}/parts/${number}`, { bytes: true })).data,
  erasures: (person: string) => get<T.Page<T.DataErasure>>('/data-erasures', { person }),
  erase: (kind: T.PersonKind, id: string, reason: string) => post<T.ErasureAsked>(`${of(kind, id)}/erasure`, { reason }),
}

/** Names in the cache. */
export const personalKeys = {
  exports: (person: string) => ['data-exports', person] as const,
  erasures: (person: string) => ['data-erasures', person] as const,
  /** Below what is read again when something about the person changes. */
  person: (kind: T.PersonKind, id: string) => (kind === 'customer' ? (['customer', id, 'person'] as const) : (['users', id] as const)),
}
