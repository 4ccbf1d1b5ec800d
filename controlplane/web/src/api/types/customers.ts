/** Customers, plans, services and how they reach the network. */
import type { Money } from './common'
import type { DeviceMode } from './network'
import type { InvoiceRow, Payment } from './money'
import type { Event } from './activity'

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
