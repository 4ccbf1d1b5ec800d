/** How much of what its plan allows an ISP uses. */
import type { LimitUse } from '@/api/types'
import type { Tone } from '@/states/tone'

/** From this share on little is left, hundredths. */
const near = 80

export type UseState = 'unlimited' | 'room' | 'near' | 'full' | 'over'

export function stateOfUse({ used, allowed }: Pick<LimitUse, 'used' | 'allowed'>): UseState {
  if (allowed === null || allowed === undefined) return 'unlimited'
  if (used > allowed) return 'over'
  if (used === allowed) return 'full'
  return used * 100 >= allowed * near ? 'near' : 'room'
}

export const useTone: Record<UseState, Tone> = { unlimited: 'plain', room: 'good', near: 'warning', full: 'critical', over: 'critical' }

const order: readonly UseState[] = ['over', 'full', 'near', 'room', 'unlimited']

/** The state that a person should see first. */
export function worstUse(limits: readonly Pick<LimitUse, 'used' | 'allowed'>[]): UseState {
  const states = limits.map(stateOfUse)
  return order.find((state) => states.includes(state)) ?? 'unlimited'
}
