import { describe, expect, it } from 'vitest'
import { headLine, secondsLate } from '@/areas/operations/audit/seal'
import { ageFinding, backupVerdict } from '@/states/backup'
import type { AuditHead, BackupSeen, BackupState } from '@/api/types'

const now = Date.parse('2026-11-27T12:00:00Z')
const copy = (state: BackupState, hoursAgo: number): BackupSeen => ({
  state,
  started_at: new Date(now - hoursAgo * 3_600_000).toISOString(),
  finished_at: state === 'running' || state === 'interrupted' ? null : new Date(now - hoursAgo * 3_600_000 + 60_000).toISOString(),
})
const findingOf = (...rows: BackupSeen[]) => backupVerdict(rows, now).finding

describe('copies of the installation', () => {
  it('are good while the newest holds the last day, with an hour for the next to be made', () => {
    expect(findingOf(copy('good', 24.5), copy('good', 48))).toBe('good')
    expect(findingOf(copy('good', 26))).toBe('old')
    expect(findingOf()).toBe('none')
    expect([ageFinding(null, now), ageFinding(new Date(now).toISOString(), now)]).toEqual(['none', 'good'])
  })

  it('are bad as soon as the newest that ended failed, however young the one before', () => {
    const verdict = backupVerdict([copy('failed', 1), copy('good', 3)], now)
    expect([verdict.finding, verdict.goodAt]).toEqual(['failed', copy('good', 3).started_at])
    expect(findingOf(copy('interrupted', 1), copy('good', 3))).toBe('failed')
    expect(backupVerdict([copy('failed', 1)], now)).toEqual({ finding: 'failed', goodAt: null, running: false })
  })

  it('say nothing of one that is being made but that it is', () => {
    expect(backupVerdict([copy('running', 0), copy('good', 20)], now)).toEqual({ finding: 'good', goodAt: copy('good', 20).started_at, running: true })
    expect(findingOf(copy('running', 0))).toBe('none')
  })
})

describe('the seal of the audit', () => {
  it('is late when it has not kept up for a minute', () => {
    expect([0, 5_000, 59_999, 61_000].map((lag_ms) => secondsLate({ lag_ms }))).toEqual([0, 0, 0, 61])
  })

  it('is kept as the line that the server reads again', () => {
    const head: AuditHead = { trail: 'ten_1', position: 12, chain: 'ab', unsealed: 0, lag_ms: 0, sealed_at: null }
    expect(JSON.parse(headLine(head))).toEqual(head)
  })
})
