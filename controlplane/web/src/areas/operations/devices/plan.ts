import type { DevicePlanChange } from '@/api/types'

/** Age at which a reading no longer says what the router has, milliseconds. */
const readingLives = 5 * 60_000

/** Whether a plan has to be read again before anybody may switch on it. */
export function planTooOld(readAt: string | null, now: number): boolean {
  return readAt !== null && now - Date.parse(readAt) > readingLives
}

/** Number of changes by action. */
export function countActions(changes: readonly DevicePlanChange[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const change of changes) counts[change.action] = (counts[change.action] ?? 0) + 1
  return counts
}

/** Live sessions that all of them together would drop. */
export function countDrops(changes: readonly DevicePlanChange[]): number {
  return changes.reduce((sum, change) => sum + change.sessions_dropped, 0)
}

export interface FieldChange {
  name: string
  before: string | null
  after: string | null
}

/** Fields of a change side by side, those that stay equal left out. */
export function fieldChanges(change: DevicePlanChange): FieldChange[] {
  const names = [...new Set([...change.before, ...change.after].map((field) => field.name))]
  const value = (fields: DevicePlanChange['before'], name: string) =>
    fields.find((field) => field.name === name)?.value ?? null
  return names
    .map((name) => ({ name, before: value(change.before, name), after: value(change.after, name) }))
    .filter((field) => field.before !== field.after)
}
