import { describe, expect, it } from 'vitest'
import { effectOf } from '@/api/stream/reducer'
import { quietHours } from '@/format/quietHours'
import { noticeNext, noticeTone, waitsForPerson } from '@/states/notice'
import type { Event } from '@/api/types'

describe('a notice', () => {
  it('is an alarm where somebody can mend something, and none where it was decided', () => {
    expect(noticeTone({ state: 'sent', reason: null })).toBe('good')
    expect(noticeTone({ state: 'failed', reason: 'rejected' })).toBe('critical')
    expect(noticeTone({ state: 'held', reason: 'channel_off' })).toBe('warning')
    expect(noticeTone({ state: 'held', reason: 'refused' })).toBe('plain')
    expect(noticeTone({ state: 'waiting', reason: null })).toBe('plain')
    expect(noticeTone({ state: 'waiting', reason: 'unreachable' })).toBe('warning')
  })

  it('says what comes next: by itself while it waits, by a person when it was given up', () => {
    expect(noticeNext({ state: 'waiting', reason: 'unreachable' })).toBe('trying')
    expect(noticeNext({ state: 'failed', reason: 'unreachable' })).toBe('unreachable')
    expect(noticeNext({ state: 'waiting', reason: null })).toBeNull()
    // One that was tried before it was sent has nothing left to be done.
    expect(noticeNext({ state: 'sent', reason: 'unreachable' })).toBeNull()
  })

  it('waits among failed deliveries only when it can be tried again', () => {
    expect(waitsForPerson({ state: 'failed', reason: 'unreachable' })).toBe(true)
    expect(waitsForPerson({ state: 'failed', reason: 'rejected' })).toBe(false)
    expect(waitsForPerson({ state: 'waiting', reason: 'unreachable' })).toBe(false)
  })

  it('has its lists read again when something became of it', () => {
    const event = { id: 'evt_1', type: 'notice.sent', entity: { kind: 'notice', id: 'ntc_1' }, payload: {} } as unknown as Event
    expect(effectOf(event).invalidate).toContainEqual(['notices'])
  })
})

describe('quiet hours', () => {
  it('are two different times of a day, or none', () => {
    expect(quietHours('21:00-08:00')).toEqual({ from: '21:00', until: '08:00' })
    for (const text of ['', '21:00', '24:00-08:00', '21:0-08:00', '08:00-08:00', '08:00-09:00-10:00']) expect(quietHours(text)).toBeNull()
  })
})
