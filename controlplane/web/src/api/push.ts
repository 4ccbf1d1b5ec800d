/** Browsers that notices are pushed to, apart from `endpoints.ts`: no list needs them. */
import { call, get, post } from './client'
import type * as T from './types'

export const push = {
  key: () => get<T.PushKey>('/me/push-key'),
  list: () => get<T.Page<T.PushSubscription>>('/me/push-subscriptions'),
  add: (body: T.NewPushSubscription) => post<T.PushSubscription>('/me/push-subscriptions', body),
  remove: (id: string) => call<undefined>('DELETE', `/me/push-subscriptions/${id}`),
}

/** Names in the cache. */
export const pushKeys = {
  browsers: ['push-browsers'] as const,
  here: ['push-here'] as const,
}
