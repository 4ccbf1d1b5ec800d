/** Sites, agents and devices. */
import type { NamedValue } from './common'

export interface Site {
  id: string
  name: string
  parent_id: string | null
  latitude: number | null
  longitude: number | null
  devices_total?: number
  devices_bad?: number
  customers?: number
  suspended?: number
  agent?: { id: string; state: AgentState } | null
}

export type AgentState = 'never_enrolled' | 'connected' | 'silent' | 'revoked'

export interface Agent {
  id: string
  name: string
  site_ids: string[]
  state: AgentState
  last_seen_at: string | null
  version: string | null
  backlog_batches: number | null
  backlog_bytes: number | null
  oldest_unsent_at: string | null
  buffer_state: string | null
  clock_offset_ms: number | null
  certificate_expires_at: string | null
  config_version: number | null
  config_version_wanted: number | null
  cuts_held_reason: string | null
  duplicate_identity_at: string | null
}

export interface AgentToken {
  id: string
  join_string: string
  expires_at: string
  agent_id: string
}

export interface HeldCut {
  point_id: string
  service_id: string
  customer_name: string
  reason: string
}

export type DeviceKind = 'routeros' | 'snmp' | 'icmp'

export type DeviceMode = 'observe' | 'enforce'

export type DeviceState = 'answers' | 'silent' | 'refuses' | 'unknown'

export interface Device {
  id: string
  name: string
  kind: DeviceKind
  host: string
  port: number | null
  tls: boolean
  site_id: string
  site_name: string
  agent_id: string
  mode: DeviceMode
  state: DeviceState
  state_detail: string | null
  state_since: string | null
  last_answer_at: string | null
  model: string | null
  version: string | null
  serial: string | null
  uptime_s: number | null
  points_total: number
  points_differ: number
  measure_interval_s?: number | null
  tls_fingerprint?: string | null
}

export type Credentials = { user: string; password: string } | { community: string } | null

export interface DeviceDraft {
  site_id: string
  agent_id: string
  name: string
  kind: DeviceKind
  host: string
  port?: number
  tls?: boolean
  tls_fingerprint?: string
  credentials: Credentials
  measure_interval_s?: number
}

export interface TestStage {
  code: string
  status: 'passed' | 'warning' | 'failed' | 'skipped'
  detail: string | null
  remedy: string | null
}

export interface ConnectionTest {
  id: string
  status: 'waiting' | 'done' | 'failed' | 'timed_out'
  detail: string | null
  stages: TestStage[]
  model: string | null
  version: string | null
  identity: string | null
  tls_fingerprint: string | null
}

export interface RouterScript {
  script: string
  user: string
  password: string
}

export interface PlanChange {
  point_id: string
  service_id: string
  customer_name: string
  action: string
  before: NamedValue[]
  after: NamedValue[]
}

export interface DevicePlan {
  status: 'never' | 'waiting' | 'ready' | 'failed'
  read_at: string | null
  detail: string | null
  checks: TestStage[]
  changes: PlanChange[]
  in_place: number
  foreign_rows: number
  can_enforce: boolean
  blocked_by: string[]
}
