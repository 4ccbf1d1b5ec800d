import type { Run, RunItem } from '@/api/types'
import type { Tone } from '@/states/tone'

const tones: Record<Run['state'], Tone> = {
  preview: 'plain',
  executing: 'warning',
  done: 'good',
  expired: 'plain',
}

export function runTone(state: Run['state']): Tone {
  return tones[state] ?? 'unknown'
}

/** How many customers make typing the number necessary. */
export const typeAbove = 50

/** Failures first, then by site and debt: what a person must look at stands on top. */
export function sortItems(items: readonly RunItem[]): RunItem[] {
  return [...items].sort(
    (a, b) =>
      Number(b.result === 'failed') - Number(a.result === 'failed') ||
      a.site_name.localeCompare(b.site_name) ||
      b.owed.amount - a.owed.amount,
  )
}

/** Finished items of a run that is being executed. */
export function progress(items: readonly RunItem[]): { done: number; failed: number; total: number } {
  const included = items.filter((item) => item.included)
  return {
    done: included.filter((item) => item.result !== null).length,
    failed: included.filter((item) => item.result === 'failed').length,
    total: included.length,
  }
}
