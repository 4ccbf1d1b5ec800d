/** Agents and devices. A device is judged by its own agent; when that is silent nothing is known. */
import type { Agent, AgentState, Device } from '@/api/types'
import type { StateView } from './tone'

/** Clock offset from which an agent's times are suspicious, milliseconds. */
const clockLimit = 2000
/** Days before expiry at which renewal should long have happened. */
const certificateDays = 20

const byAgentState: Record<AgentState, StateView> = {
  connected: { tone: 'good', label: 'state.agent.connected' },
  silent: { tone: 'critical', label: 'state.agent.silent' },
  revoked: { tone: 'critical', label: 'state.agent.revoked' },
  never_enrolled: { tone: 'unknown', label: 'state.agent.never_enrolled' },
}

/** What is wrong with the disk on which an agent keeps what it has not sent yet. */
const byBuffer: Record<string, string> = {
  disk_full: 'state.agent.disk_full',
  read_only: 'state.agent.read_only',
  quarantined: 'state.agent.quarantined',
}

export function agentStateView(state: AgentState): StateView {
  return byAgentState[state] ?? { tone: 'unknown', label: 'state.unknown' }
}

/** An agent's state with the findings that make a connected one suspicious, worst first. */
export function agentView(agent: Agent, now: number): StateView {
  if (agent.state !== 'connected') return agentStateView(agent.state)
  if (agent.duplicate_identity_at) return { tone: 'critical', label: 'state.agent.duplicate' }
  const buffer = byBuffer[agent.buffer_state ?? '']
  if (buffer) return { tone: 'critical', label: buffer }
  if (Math.abs(agent.clock_offset_ms ?? 0) > clockLimit) return { tone: 'warning', label: 'state.agent.clock' }
  const expires = agent.certificate_expires_at ? Date.parse(agent.certificate_expires_at) : null
  if (expires !== null && expires - now < certificateDays * 86_400_000) {
    return { tone: 'warning', label: 'state.agent.certificate' }
  }
  return agentStateView(agent.state)
}

const byDeviceState: Record<string, StateView> = {
  answers: { tone: 'good', label: 'state.device.answers' },
  silent: { tone: 'critical', label: 'state.device.silent' },
  refuses: { tone: 'critical', label: 'state.device.refuses' },
  unknown: { tone: 'unknown', label: 'state.device.unknown' },
}

export function deviceStateView(state: string): StateView {
  return byDeviceState[state] ?? { tone: 'unknown', label: 'state.unknown' }
}

export function deviceView(device: Device): StateView {
  return deviceStateView(device.state)
}

/** Parts of a whole: "2/13", critical only when more than half are bad. */
export function siteTone(bad: number, total: number): 'good' | 'warning' | 'critical' | 'plain' {
  if (total === 0) return 'plain'
  if (bad === 0) return 'good'
  return bad * 2 > total ? 'critical' : 'warning'
}
