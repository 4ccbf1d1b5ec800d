import type { InvoiceRow } from '@/api/types'
import type { StateView } from './tone'

/** Days before the due date from which an invoice asks for attention. */
const dueSoon = 3

/** `today` is the tenant's calendar date. */
export function invoiceView(invoice: InvoiceRow, today: string): StateView {
  if (invoice.status === 'void') return { tone: 'plain', label: 'state.invoice.void' }
  if (invoice.status === 'paid') return { tone: 'good', label: 'state.invoice.paid' }
  if (invoice.overdue) return { tone: 'critical', label: 'state.invoice.overdue' }
  if (invoice.status === 'partly_paid') return { tone: 'warning', label: 'state.invoice.partly_paid' }
  const daysLeft = Math.round((Date.parse(invoice.due_on) - Date.parse(today)) / 86_400_000)
  if (daysLeft <= dueSoon) return { tone: 'warning', label: 'state.invoice.due_soon' }
  return { tone: 'plain', label: 'state.invoice.open' }
}
