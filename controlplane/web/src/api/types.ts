/**
 * Shapes of `/api/v1`, all generated from the server's own document (`npm run api`). Times are RFC 3339 UTC, dates
 * `YYYY-MM-DD`, speeds bits per second, money minor units. Here are only the names that pages use for them.
 */
import type * as S from './schema'

export type * from './schema'

/** One page of a list; without a cursor there is no next one. */
export interface Page<Row> {
  items: Row[]
  next_cursor?: string | null
}

/** A service as pages show it, with where it stands on the network. */
export type Service = S.ServiceView
/** A service as money has it. */
export type ServiceRecord = S.Service
export type InvoiceRow = S.ListedInvoice
export type Invoice = S.InvoiceDetail
export type Payment = S.ListedPayment
export type PaymentMethod = S.Method
export type PaymentReceipt = S.Registered
export type AgentToken = S.NewTokenMade
export type TestStage = S.Check
export type SearchResult = S.SearchResult
export type FoundItem = S.FoundItem
export type DevicePlan = S.DevicePlanView
export type MetricRange = S.RangeAnswer
export type MetricSeries = S.SeriesPoints

/** Every method, in the order in which a cashier meets them. */
export const paymentMethods: readonly S.Method[] = ['cash', 'transfer', 'wallet', 'card']
