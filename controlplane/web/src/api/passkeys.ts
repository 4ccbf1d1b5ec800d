/** Every operation of passkeys, apart from `endpoints.ts`: no list needs them. */
import { call, get, post } from './client'
import type * as T from './types'

/** The ISP by its short name, where the host name does not select it. */
const of = (tenant: string): T.PasskeyEntry => (tenant ? { tenant } : {})

export const passkeys = {
  list: () => get<T.Page<T.Passkey>>('/me/passkeys'),
  newOptions: () => post<T.RegistrationOptions>('/me/passkeys/options'),
  add: (body: T.NewPasskey) => post<T.PasskeyMade>('/me/passkeys', body),
  remove: (id: string) => call<undefined>('DELETE', `/me/passkeys/${id}`),
  entryOptions: (tenant: string) => post<T.AssertionOptions>('/session/passkey/options', of(tenant)),
  enter: (tenant: string, credential: T.PasskeyAnswer) => post<T.Session>('/session/passkey', { ...of(tenant), credential }),
  secondOptions: (challenge: string) => post<T.AssertionOptions>('/session/second-factor/options', { challenge }),
  second: (challenge: string, passkey: T.PasskeyAnswer) => post<T.Session>('/session/second-factor', { challenge, passkey }),
  stepUpOptions: () => post<T.AssertionOptions>('/session/step-up/options'),
  stepUp: (passkey: T.PasskeyAnswer) => post<T.Session>('/session/step-up', { passkey }),
}
