/** What waits for a second person, of whatever kind. Apart from `endpoints.ts`: no list needs it. */
import { get } from './client'
import type * as T from './types'

/** Everything that waits, whatever for, a page at a time. */
export const waitingApprovals = (cursor?: string) => get<T.Page<T.Approval>>('/approvals', { waiting: true, limit: 200, cursor })

/** What waits about one thing. */
export const waitingAbout = (id: string) => get<T.Page<T.Approval>>('/approvals', { waiting: true, entity_id: id })

/** Their names in the cache; below what is read again when somebody asks or decides. */
export const waitingKey = ['approvals', 'waiting'] as const
export const waitingAllKey = [...waitingKey, 'all'] as const
export const waitingAboutKey = (id: string) => [...waitingKey, id] as const
