import type { AuditHead } from '@/api/types'

/** Rows are sealed within seconds; from here on something is wrong, ms. */
const lateMs = 60_000

/** Seconds by which sealing is behind; 0 while it keeps up. */
export function secondsLate(head: Pick<AuditHead, 'lag_ms'>): number {
  return head.lag_ms < lateMs ? 0 : Math.round(head.lag_ms / 1000)
}

/** The line that `atalaya audit verify --head` reads. */
export function headLine(head: AuditHead): string {
  return JSON.stringify(head)
}
