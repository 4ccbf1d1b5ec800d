import type { Payment, Service } from '@/api/types'

/** How long after a payment its reconnection may be decided and still be its own: both are one transaction, milliseconds. */
const sameMoment = 5_000

/**
 * Whether a service stands as this payment left it: it was reconnected in the payment's own transaction and nobody has
 * changed it since. Only then do its times on the network belong on the receipt.
 */
export function reconnectedBy(payment: Pick<Payment, 'created_at'>, service: Service): boolean {
  const apart = Date.parse(service.status_changed_at) - Date.parse(payment.created_at)
  return service.status === 'active' && Math.abs(apart) <= sameMoment
}
