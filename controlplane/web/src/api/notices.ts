/** Notices to people and links for a password, apart from `endpoints.ts`: no list needs them. */
import { call, get, patch, post, type Query } from './client'
import type * as T from './types'

export const notices = {
  /** Everybody's for whoever may see them, else the caller's own. */
  list: (query: Query) => get<T.Page<T.Notice>>('/notices', query),
  mine: () => call<T.NoticePreferences>('GET', '/me/notices'),
  choose: (body: T.PreferenceChange, etag: string | null) => patch<T.NoticePreferences>('/me/notices', body, etag),
}

export const passwordLinks = {
  /** The answer is the same for every e-mail. `tenant` where the host name does not select the ISP. */
  ask: (email: string, tenant: string) => post<undefined>('/password-links/ask', tenant ? { email, tenant } : { email }),
  look: (token: string) => post<T.LinkInfo>('/password-links/look', { token }),
  use: (token: string, password: string) => post<undefined>('/password-links/use', { token, password }),
}
