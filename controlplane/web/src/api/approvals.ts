/** What waits for a second person, of whatever kind. Apart from `endpoints.ts`: no list needs it. */
import { get } from './client'
import type * as T from './types'

/** Everything that waits: no filter says for what. */
export const waitingApprovals = () => get<T.Page<T.Approval>>('/approvals', { waiting: true, limit: 200 })

/** Its name in the cache; below what is read again when somebody asks or decides. */
export const waitingKey = ['approvals', 'waiting'] as const
