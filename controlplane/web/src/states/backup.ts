/** Copies of the installation: what they are worth to a person, by how they went and how old the newest good one is. */
import type { BackupSeen, BackupState } from '@/api/types'
import type { Tone } from './tone'

/** Age of a good copy at which the next one is missing, ms: they are daily, and one takes its time. */
const missingMs = 25 * 3_600_000

export const backupTone: Record<BackupState, Tone> = { good: 'good', running: 'maintenance', failed: 'critical', interrupted: 'critical' }

/** What there is to say first; its words are `backup.verdict.…`. */
export type BackupFinding = 'none' | 'failed' | 'old' | 'good'

export const findingTone: Record<BackupFinding, Tone> = { none: 'warning', failed: 'critical', old: 'critical', good: 'good' }

/** What the newest good copy is worth now, by the moment that it holds. */
export function ageFinding(at: string | null | undefined, now: number): Exclude<BackupFinding, 'failed'> {
  if (!at) return 'none'
  return now - Date.parse(at) > missingMs ? 'old' : 'good'
}

export interface BackupVerdict {
  finding: BackupFinding
  /** Since when there is a good copy. */
  goodAt: string | null
  running: boolean
}

/** Of the newest copies, the newest first. One that is being made has not gone well or badly yet. */
export function backupVerdict(rows: readonly BackupSeen[], now: number): BackupVerdict {
  const ended = rows.filter((row) => row.state !== 'running')
  const goodAt = ended.find((row) => row.state === 'good')?.started_at ?? null
  const failed = ended[0] !== undefined && ended[0].state !== 'good'
  return { finding: failed ? 'failed' : ageFinding(goodAt, now), goodAt, running: rows.some((row) => row.state === 'running') }
}
