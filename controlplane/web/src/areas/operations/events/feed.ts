import type { Event } from '@/api/types'

/** Events that came after `id`, newest first as the feed is; none when the row itself has scrolled away. */
export function newerThan(events: readonly Event[], id: string): Event[] {
  const at = events.findIndex((event) => event.id === id)
  return at < 0 ? [] : events.slice(0, at)
}
