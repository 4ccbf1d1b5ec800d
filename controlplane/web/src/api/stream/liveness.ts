/** How fresh the page is, from the time since the stream was last heard (heartbeats every 5 s). */
export type Liveness = 'connecting' | 'live' | 'reconnecting' | 'stale'

/** Silence after which the connection counts as lost, milliseconds. */
export const silenceLimit = 10_000
/** Silence after which values lose their colour, milliseconds. */
export const staleLimit = 60_000

/** `heardAt` is `null` before the first byte; `startedAt` is when the page first tried. */
export function liveness(heardAt: number | null, startedAt: number, connected: boolean, now: number): Liveness {
  const silence = now - (heardAt ?? startedAt)
  if (silence >= staleLimit) return 'stale'
  if (heardAt === null) return 'connecting'
  if (!connected || silence >= silenceLimit) return 'reconnecting'
  return 'live'
}

/** Pause before attempt `attempt` (0-based), with full jitter: a restarted server is not stormed. */
export function retryDelay(attempt: number, random: number): number {
  const ceiling = Math.min(5000, 500 * 2 ** attempt)
  return 200 + Math.floor(random * ceiling)
}
