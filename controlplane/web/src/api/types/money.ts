/** Invoices, payments and cut runs. */
import type { Money } from './common'

export interface InvoiceRow {
  id: string
  number: number
  customer_id: string
  /** Named where the answer is about one invoice. */
  customer_name?: string
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
  allocations: { invoice_id: string; number: number; amount: Money }[]
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
  created_by: string
  grace_days: number
  tolerance: Money
  totals: { services: number; customers: number; owed: Money; excluded: number }
  /** Empty in lists. */
  items: RunItem[]
  first_preview: boolean
  version: number
}
