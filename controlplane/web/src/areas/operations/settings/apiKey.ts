/** Keys of programs: how one stands, and until when a new one is good. */
import type { ApiKey } from '@/api/types'

export type KeyState = 'good' | 'expired' | 'revoked'

export function keyState(key: Pick<ApiKey, 'expires_at' | 'revoked_at'>, now: number): KeyState {
  if (key.revoked_at) return 'revoked'
  return key.expires_at && Date.parse(key.expires_at) <= now ? 'expired' : 'good'
}

/** Days that a new key can be good for; `never`: until it is revoked. */
export const lifetimes = ['30', '90', '365', 'never'] as const
export type Lifetime = (typeof lifetimes)[number]

/** The instant at which a key of that lifetime ends; null when it does not. */
export function expiryOf(lifetime: Lifetime, now: number): string | null {
  return lifetime === 'never' ? null : new Date(now + Number(lifetime) * 86_400_000).toISOString()
}
