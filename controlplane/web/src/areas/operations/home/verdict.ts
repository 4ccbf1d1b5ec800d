import type { Home } from '@/api/types'
import type { Tone } from '@/states/tone'

export interface Verdict {
  tone: Tone
  key: string
  count: number
  params: Record<string, unknown>
}

/** The one thing that the owner should know first. */
export function homeVerdict(home: Home | undefined): Verdict {
  if (!home) return { tone: 'plain', key: 'home.verdict.fine', count: 0, params: {} }
  const silent = home.agents_total - home.agents_connected
  if (silent > 0) {
    return { tone: 'critical', key: 'home.verdict.agents', count: silent, params: { total: home.agents_total } }
  }
  if (home.devices_bad > 0) {
    const params = { total: home.devices_total }
    return { tone: 'warning', key: 'home.verdict.devices', count: home.devices_bad, params }
  }
  if (home.waiting_not_applied > 0) {
    return { tone: 'warning', key: 'home.verdict.not_applied', count: home.waiting_not_applied, params: {} }
  }
  if (home.agents_total === 0) return { tone: 'plain', key: 'home.verdict.no_agent', count: 0, params: {} }
  return { tone: 'good', key: 'home.verdict.fine', count: home.devices_total, params: {} }
}
