/** What the stepper collects. Credentials live here only: never in the address or in storage. */
import { intervalOf } from './interval'
import type { Credentials, NewDevice, DeviceKind } from '@/api/types'

export const steps = ['kind', 'access', 'test', 'measure'] as const
export type Step = (typeof steps)[number]

export interface Draft {
  kind: DeviceKind
  agentId: string
  name: string
  host: string
  port: string
  tls: boolean
  /** Log-in by challenge, as routers before 6.43 want it. */
  legacyLogin: boolean
  user: string
  password: string
  community: string
  /** Fingerprint that the test saw and the person accepted. */
  fingerprint: string
  interval: string
  /** Pinged beside its own measurement. */
  ping: boolean
}

export function emptyDraft(): Draft {
  return {
    kind: 'routeros',
    agentId: '',
    name: '',
    host: '',
    port: '',
    tls: true,
    legacyLogin: false,
    user: '',
    password: '',
    community: '',
    fingerprint: '',
    interval: '60',
    ping: true,
  }
}

/** The port that is used when the person leaves the field empty. */
export function defaultPort(draft: Draft): number | null {
  if (draft.kind === 'routeros') return draft.tls ? 8729 : 8728
  return draft.kind === 'snmp' ? 161 : null
}

function credentials(draft: Draft): Credentials | null {
  if (draft.kind === 'routeros') return { user: draft.user.trim(), password: draft.password }
  return draft.kind === 'snmp' ? { community: draft.community } : null
}

/** Keys of the messages for what a step still lacks, by field. */
export function finding(draft: Draft, step: Step): Record<string, string> {
  const found: Record<string, string> = {}
  if (step === 'kind' && !draft.agentId) found['agent_id'] = 'field.required'
  if (step === 'access') {
    if (!draft.name.trim()) found['name'] = 'field.required'
    if (!draft.host.trim()) found['host'] = 'field.required'
    if (draft.port && !(Number.isInteger(Number(draft.port)) && Number(draft.port) > 0 && Number(draft.port) < 65_536)) {
      found['port'] = 'field.port'
    }
    if (draft.kind === 'routeros' && (!draft.user.trim() || !draft.password)) found['credentials'] = 'field.required'
    if (draft.kind === 'snmp' && !draft.community) found['credentials'] = 'field.required'
  }
  if (step === 'measure' && intervalOf(draft.interval) === null) found['measure_interval_s'] = 'field.interval'
  return found
}

/** Body of the request that creates the device; the test sends the same without the name. */
export function toDevice(draft: Draft, siteId: string): NewDevice {
  const body: NewDevice = {
    site_id: siteId,
    agent_id: draft.agentId,
    name: draft.name.trim(),
    kind: draft.kind,
    host: draft.host.trim(),
    credentials: credentials(draft),
  }
  const port = draft.port ? Number(draft.port) : defaultPort(draft)
  if (port !== null) body.port = port
  if (draft.kind === 'routeros') body.tls = draft.tls
  if (draft.kind === 'routeros' && draft.legacyLogin) body.legacy_login = true
  if (draft.kind === 'routeros' && draft.tls && draft.fingerprint) body.tls_fingerprint = draft.fingerprint
  // A device that is only pinged is pinged anyway.
  if (draft.kind !== 'icmp') body.ping = draft.ping
  const interval = intervalOf(draft.interval)
  if (interval !== null) body.measure_interval_s = interval
  return body
}
