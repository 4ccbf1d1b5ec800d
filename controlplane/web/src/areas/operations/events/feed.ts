import type { Event } from '@/api/types'

/** Events that came after `id`, newest first as the feed is; none when the row itself has scrolled away. */
export function newerThan(events: readonly Event[], id: string): Event[] {
  const at = events.findIndex((event) => event.id === id)
  return at < 0 ? [] : events.slice(0, at)
}

/** The page that an event is about: the record itself, else the customer or device that it belongs to. */
export function subjectOf(event: Event): { page: 'customer' | 'invoice' | 'device' | 'agent'; id: string } | null {
  const { kind, id } = event.entity
  if (kind === 'customer' || kind === 'invoice' || kind === 'device' || kind === 'agent') return { page: kind, id }
  const related = event.related as Record<string, string | undefined>
  if (related['customer_id']) return { page: 'customer', id: related['customer_id'] }
  if (related['device_id']) return { page: 'device', id: related['device_id'] }
  return related['agent_id'] ? { page: 'agent', id: related['agent_id'] } : null
}

/** Kinds of events that people look for, as the server's filter wants them. */
export const eventFilters: Record<string, string> = {
  cuts: 'service.suspended,service.reconnected,attachment.*',
  payments: 'payment.*',
  invoices: 'invoice.*',
  network: 'agent.*,device.*,network.*',
  trouble: 'attachment.apply_failed,attachment.cut_held,agent.silent,agent.duplicate_identity,agent.enrolment_refused',
  changes: 'customer.*,plan.*,site.*,tenant.*,user.*',
}
