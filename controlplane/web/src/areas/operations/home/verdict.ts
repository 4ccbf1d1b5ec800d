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
  const { agents_total: agents, agents_connected: connected, devices_total: devices, devices_bad: bad } = home ?? {}
  const waiting = home?.waiting_not_applied ?? 0
  // Somebody who may not see the network is told nothing of it, neither good nor bad.
  if (agents == null || connected == null || devices == null || bad == null) {
    return { tone: 'plain', key: 'home.verdict.unseen', count: 0, params: {} }
  }
  if (connected < agents) {
    return { tone: 'critical', key: 'home.verdict.agents', count: agents - connected, params: { total: agents } }
  }
  if (bad > 0) return { tone: 'warning', key: 'home.verdict.devices', count: bad, params: { total: devices } }
  if (waiting > 0) return { tone: 'warning', key: 'home.verdict.not_applied', count: waiting, params: {} }
  if (agents === 0) return { tone: 'plain', key: 'home.verdict.no_agent', count: 0, params: {} }
  return { tone: 'good', key: 'home.verdict.fine', count: devices, params: {} }
}
