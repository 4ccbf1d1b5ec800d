/** Events, audit, measurements and the morning page. */
import type { Money } from './common'

export interface Home {
  collected_today: Money
  collected_payments: number
  overdue_total: Money
  overdue_customers: number
  suspended_services: number
  waiting_not_applied: number
  devices_total: number
  devices_bad: number
  agents_total: number
  agents_connected: number
  customers_total: number
}

export interface Event {
  id: string
  type: string
  occurred_at: string
  actor: { kind: string; id: string | null; name: string | null } | null
  entity: { kind: string; id: string }
  causation_id: string | null
  payload: Record<string, unknown>
  related: Record<string, string | null | undefined>
}

export interface AuditRow {
  id: string
  occurred_at: string
  actor_kind: string
  actor_id: string
  actor_name: string
  action: string
  entity_kind: string
  entity_id: string
  /** JSON text of the record before and after. */
  before_state: string | null
  after_state: string | null
  reason: string | null
  request_id: string
}

export interface MetricSeries {
  labels: Record<string, string>
  points: [number, number | null][]
}

export interface MetricRange {
  series: MetricSeries[]
  step_ms: number
  resolution: string
}

export interface MetricLast {
  series: { labels: Record<string, string>; t: number; value: number | null }[]
}
