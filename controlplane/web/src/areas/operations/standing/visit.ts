/** Visits of operators of the installation. */
import type { Visit } from '@/api/types'

export type VisitState = 'open' | 'ended' | 'over'

/** Whether it goes on, was ended before its time, or came to its time. */
export function visitState(visit: Pick<Visit, 'open' | 'ended_at' | 'until'>, now: number): VisitState {
  if (visit.ended_at) return 'ended'
  return visit.open && Date.parse(visit.until) > now ? 'open' : 'over'
}

/** Rights that let do more than look. */
export function beyondLooking(permissions: readonly string[]): string[] {
  return permissions.filter((name) => !name.endsWith('.read'))
}
