/** What can wait for a second person: whose right it takes, and on which page it is decided. */
import type { RouteLocationRaw } from 'vue-router'
import type { Approval } from '@/api/types'

interface Operation {
  /** Of what it does; whoever decides needs it beside that of deciding. */
  right: string
  /** The page of the thing that it is about, which says all that it does. */
  page: (id: string) => RouteLocationRaw
}

/** By the server's name; each has words, `approval.what.…`. */
export const operations: Record<string, Operation> = {
  'collections.execute': { right: 'collections.run', page: (id) => ({ name: 'run', params: { id } }) },
  'customer.erase': { right: 'customer.erase', page: (id) => ({ name: 'person-data', params: { people: 'customers', id } }) },
  'user.erase': { right: 'user.erase', page: (id) => ({ name: 'person-data', params: { people: 'users', id } }) },
}

/** Where something is decided; nowhere, when this page is too old to know it. */
export function pageOf({ operation, entity_id }: Pick<Approval, 'operation' | 'entity_id'>): RouteLocationRaw | null {
  return operations[operation]?.page(entity_id) ?? null
}

/** Whether somebody can decide what another one asked for. */
export function mayDecide({ operation, requested_by }: Pick<Approval, 'operation' | 'requested_by'>, me: string | undefined, can: (right: string) => boolean): boolean {
  const known = operations[operation]
  return Boolean(known) && requested_by !== me && can('approval.decide') && can(known!.right)
}
