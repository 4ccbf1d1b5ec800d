import { describe, expect, it } from 'vitest'
import { readEvent } from '@/api/stream/connection'
import { liveness, retryDelay, silenceLimit, staleLimit } from '@/api/stream/liveness'
import { createStreamParser } from '@/api/stream/parser'
import { effectOf, patchRow } from '@/api/stream/reducer'

describe('parser of server-sent events', () => {
  const text = ': beat\n\nid: evt_1\nevent: payment.received\ndata: {"a":\ndata: 1}\n\ndata:x\n\n'
  const expected = [
    { id: 'evt_1', event: 'payment.received', data: '{"a":\n1}' },
    { id: null, event: 'message', data: 'x' },
  ]

  it('reads messages and passes over heartbeats', () => {
    expect(createStreamParser().push(text)).toEqual(expected)
  })

  it('gives the same wherever the chunks are cut, with any line ending', () => {
    for (const ending of ['\n', '\r\n', '\r']) {
      const whole = text.replaceAll('\n', ending) + (ending === '\r' ? ':\r' : '')
      for (let size = 1; size < whole.length; size++) {
        const parser = createStreamParser()
        const messages = []
        for (let at = 0; at < whole.length; at += size) messages.push(...parser.push(whole.slice(at, at + size)))
        expect(messages).toEqual(expected)
      }
    }
  })

  it('refuses a line without end', () => {
    const parser = createStreamParser()
    expect(() => parser.push('data: ' + 'x'.repeat(1_000_001))).toThrow('too long')
  })
})

describe('liveness', () => {
  const now = 1_000_000
  it('walks from connecting over live and reconnecting to stale', () => {
    expect(liveness(null, now, false, now)).toBe('connecting')
    expect(liveness(now, now, true, now)).toBe('live')
    expect(liveness(now, now, false, now + 1)).toBe('reconnecting')
    expect(liveness(now, now, true, now + silenceLimit)).toBe('reconnecting')
    expect(liveness(now, now, true, now + staleLimit)).toBe('stale')
    expect(liveness(null, now, false, now + staleLimit)).toBe('stale')
  })

  it('backs off with jitter up to a ceiling', () => {
    expect(retryDelay(0, 0)).toBe(200)
    expect(retryDelay(50, 0.999)).toBeLessThanOrEqual(5200)
    expect(retryDelay(3, 1)).toBeGreaterThan(retryDelay(1, 1))
  })
})

describe('effect of an event on the cache', () => {
  const event = (type: string, more: object = {}) => readEvent(type, JSON.stringify({ id: 'evt_1', type, ...more }))!

  it('refreshes the customer and every list of money after a payment', () => {
    const { invalidate } = effectOf(event('payment.received', { entity: { kind: 'payment', id: 'pay_1' }, related: { customer_id: 'cus_1' } }))
    expect(invalidate).toContainEqual(['customer', 'cus_1'])
    expect(invalidate).toContainEqual(['invoices'])
    expect(invalidate).toContainEqual(['home'])
    expect(invalidate).toContainEqual(['events'])
  })

  it('lets a transient status patch rows and stay out of the feed', () => {
    const transient = readEvent('agent.status', JSON.stringify({ entity: { kind: 'agent', id: 'agt_1' }, payload: { state: 'silent' } }))!
    const { invalidate, patch } = effectOf(transient)
    expect(patch).toEqual({ kind: 'agent', id: 'agt_1', fields: { state: 'silent' } })
    expect(invalidate).not.toContainEqual(['events'])
    expect(invalidate).toContainEqual(['agent', 'agt_1'])
  })

  it('names every key once', () => {
    const { invalidate } = effectOf(event('service.suspended', { entity: { kind: 'customer', id: 'cus_1' }, related: { customer_id: 'cus_1' } }))
    expect(invalidate.filter((key) => key[1] === 'cus_1')).toEqual([['customer', 'cus_1'], ['timeline', 'cus_1']])
  })

  it('still records an event of a kind that it does not know', () => {
    expect(effectOf(event('comet.sighted')).invalidate).toEqual([['events']])
  })

  it('patches only fields that a row has', () => {
    expect(patchRow({ id: 'a', state: 'connected' }, { state: 'silent', secret: 1 })).toEqual({ id: 'a', state: 'silent' })
  })

  it('passes over data that is no event', () => {
    expect(readEvent('x', 'not json')).toBeNull()
    expect(readEvent('x', '3')).toBeNull()
  })
})
