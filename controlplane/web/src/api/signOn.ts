/** Log-in by identity providers: which there are, whose accounts open whose log-in, and a log-in by one. */
import { call, get, patch, post } from './client'
import type * as T from './types'

/** The ISP by its short name, where the host name does not select it. */
const of = (tenant: string): { tenant?: string } => (tenant ? { tenant } : {})

export const signOn = {
  choices: (tenant: string) => get<T.ProviderChoices>('/session/identity-providers', of(tenant)),
  begin: (tenant: string, provider: string) =>
    post<T.SignInBegun>('/session/identity-provider', { ...of(tenant), provider_id: provider }),
  providers: () => get<T.IdentityProviders>('/identity-providers'),
  check: (issuer: string) => post<T.IssuerReport>('/identity-providers/check', { issuer }),
  create: (body: T.NewIdentityProvider, key: string) => post<T.IdentityProvider>('/identity-providers', body, key),
  readVersion: (id: string) => call<T.IdentityProvider>('GET', `/identity-providers/${id}`),
  update: (id: string, body: T.IdentityProviderChange, etag: string | null) =>
    patch<T.IdentityProvider>(`/identity-providers/${id}`, body, etag),
  remove: (id: string) => call<undefined>('DELETE', `/identity-providers/${id}`),
  mine: () => get<T.Page<T.Identity>>('/me/identities'),
  allowMine: (provider: string) => post<T.Identity>('/me/identities', { provider_id: provider }),
  removeMine: (id: string) => call<undefined>('DELETE', `/me/identities/${id}`),
  ofUser: (user: string) => get<T.Page<T.Identity>>(`/users/${user}/identities`),
  allowFor: (user: string, provider: string) => post<T.Identity>(`/users/${user}/identities`, { provider_id: provider }),
  removeOf: (user: string, id: string) => call<undefined>('DELETE', `/users/${user}/identities/${id}`),
}
