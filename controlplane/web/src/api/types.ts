/** Shapes of `/api/v1`. Times are RFC 3339 UTC, dates `YYYY-MM-DD`, speeds bits per second. */

/** Minor units of an ISO 4217 currency. */
export interface Money {
  amount: number
  currency: string
}

export interface Page<Row> {
  items: Row[]
  next_cursor: string | null
}

export interface LoginOptions {
  tenant: { slug: string; name: string; brand_color: string | null } | null
  tenants: { slug: string; name: string }[]
}

export interface Session {
  user: { id: string; name: string; email: string; role: Role }
  tenant: {
    id: string
    slug: string
    name: string
    currency: string
    time_zone: string
    locale: string
    country: string
    brand_color: string | null
  }
  permissions: string[]
  csrf_token: string
  environment: 'production' | 'staging' | 'development'
  safe_mode: boolean
}

export type Role = 'owner' | 'admin' | 'billing_clerk' | 'noc_operator' | 'technician' | 'read_only'
export const roles: readonly Role[] = [
  'owner',
  'admin',
  'billing_clerk',
  'noc_operator',
  'technician',
  'read_only',
]

export interface Tenant {
  id: string
  slug: string
  name: string
  time_zone: string
  currency: string
  locale: string
  country: string
  brand_color: string | null
  grace_days: number
  /** Minor units. */
  debt_tolerance: number
  cut_brake_floor: number
  cut_brake_basis_points: number
  offline_cuts: boolean | string
  automatic_cuts: 'off_until_preview' | 'on' | 'off'
}

export interface User {
  id: string
  name: string
  email: string
  role: Role
  disabled?: boolean
}

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

export interface NamedValue {
  name: string
  value: string
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

export interface CustomerRow {
  id: string
  name: string
  document: string | null
  phone: string | null
  email: string | null
  address: string | null
  balance: Money
  overdue: Money
  services: { id: string; plan_name: string; method: string | null; state: NetworkState }[]
  created_at: string
}

export interface Customer {
  id: string
  name: string
  document: string | null
  phone: string | null
  email: string | null
  address: string | null
  notes: string | null
  created_at: string
}

export interface CustomerDraft {
  name: string
  document?: string
  phone?: string
  email?: string
  address?: string
  notes?: string
}

export interface CustomerOverview {
  customer: Customer
  balance: Money
  overdue: Money
  services: Service[]
  invoices: InvoiceRow[]
  payments: Payment[]
  timeline: Event[]
}

export interface Plan {
  id: string
  name: string
  download_bps: number
  upload_bps: number
  price: Money
  active: boolean
}

export type NetworkState =
  | 'online'
  | 'unblocked_waiting'
  | 'cut'
  | 'pending'
  | 'not_applied'
  | 'unknown'
  | 'no_attachment'

export interface Service {
  id: string
  customer_id: string
  plan: { id: string; name: string; download_bps: number; upload_bps: number; price: Money }
  site_id: string
  status: 'active' | 'suspended' | 'terminated'
  suspended_because: 'overdue' | 'manual' | null
  network: {
    state: NetworkState
    points_total: number
    points_applied: number
    unblocked_at: string | null
    session_seen_at: string | null
    cut_at: string | null
    detail: string | null
  }
  attachments: Attachment[]
  revision: number
}

export interface Attachment {
  id: string
  kind: 'pppoe' | 'static'
  user: string | null
  address: string | null
  points: Point[]
}

export type PointState =
  | 'pending'
  | 'applied'
  | 'would_apply'
  | 'held'
  | 'failed'
  | 'contested'
  | 'unknown'
  | 'no_effect'
  | 'drift'

export interface Point {
  id: string
  device_id: string
  device_name: string
  device_mode: DeviceMode
  desired: {
    status: string
    timeline: number
    generation: number
    download_bps: number | null
    upload_bps: number | null
  }
  observed: {
    status: string
    outcome: string | null
    timeline: number
    generation: number
    detail: string | null
    read_at: string | null
    applied_at: string | null
    session: { present: boolean; since: string | null; address: string | null; caller_id: string | null } | null
  } | null
  state: PointState
  held_reason: string | null
}

export interface InvoiceRow {
  id: string
  number: string
  customer_id: string
  customer_name: string
  status: 'open' | 'partly_paid' | 'paid' | 'void'
  overdue: boolean
  days_overdue: number
  issued_on: string
  due_on: string
  total: Money
  paid: Money
  balance: Money
}

export interface Invoice extends InvoiceRow {
  period: { from: string; to: string } | null
  lines: { description: string; amount: Money }[]
}

export type PaymentMethod = 'cash' | 'transfer' | 'wallet' | 'card'
export const paymentMethods: readonly PaymentMethod[] = ['cash', 'transfer', 'wallet', 'card']

export interface Payment {
  id: string
  customer_id: string
  customer_name?: string
  amount: Money
  method: PaymentMethod
  operation_number: string | null
  received_at: string
  note: string | null
}

export interface PaymentDraft {
  customer_id: string
  amount: Money
  method: PaymentMethod
  operation_number?: string
  received_at?: string
  note?: string
}

export interface PaymentReceipt {
  payment: Payment
  allocations: { invoice_id: string; number: string; amount: Money }[]
  credit: Money
  reconnecting: string[]
}

export interface RunItem {
  service_id: string
  customer_id: string
  customer_name: string
  site_id: string
  site_name: string
  owed: Money
  days_overdue: number
  last_payment_at: string | null
  why: string | null
  included: boolean
  exclusion_reason: string | null
  result: null | 'suspended' | 'already_paid' | 'failed'
}

export interface Run {
  id: string
  state: 'preview' | 'executing' | 'done' | 'expired'
  created_at: string
  created_by: { id: string; name: string } | string | null
  policy: { grace_days: number; tolerance: Money | number }
  totals: { services: number; customers: number; owed: Money; excluded: number }
  items: RunItem[]
  first_preview: boolean
  revision: number
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
  actor: { kind: string; id: string | null; name: string | null } | null
  action: string
  entity: { kind: string; id: string } | null
  before: unknown
  after: unknown
  request_id: string | null
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
