import { describe, expect, it } from 'vitest'
import { readEvent } from '@/api/stream/connection'
import { effectOf } from '@/api/stream/reducer'
import { kindOf, maxFileBytes, refusalOf, timelineKinds } from '@/areas/operations/record/kinds'

describe('the record of a thing', () => {
  it('takes a kind of the timeline from the address, and nothing else', () => {
    expect(Object.keys(timelineKinds).map(kindOf)).toEqual(Object.keys(timelineKinds))
    expect([kindOf('toString'), kindOf(''), kindOf(undefined), kindOf(['money'])]).toEqual([null, null, null, null])
  })

  it('sends no file that the server would refuse for its size', () => {
    expect([0, 1, maxFileBytes, maxFileBytes + 1].map((size) => refusalOf({ size }))).toEqual(['empty', null, null, 'too_large'])
  })

  it('is read again when something happens to the thing', () => {
    const event = (type: string, more: object) => readEvent(type, JSON.stringify({ id: 'evt_1', type, ...more }))!
    const about = { entity: { kind: 'note', id: 'nte_1' }, related: { service_id: 'svc_1', customer_id: 'cus_1' } }
    const { invalidate } = effectOf(event('note.written', about))
    for (const id of ['svc_1', 'cus_1']) {
      expect(invalidate).toContainEqual(['timeline', id])
      expect(invalidate).toContainEqual(['notes', id])
      expect(invalidate).not.toContainEqual(['files', id])
    }
    expect(effectOf(event('file.left', about)).invalidate).toContainEqual(['files', 'cus_1'])
    const paid = effectOf(event('payment.received', { entity: { kind: 'payment', id: 'pay_1' }, related: { customer_id: 'cus_1' } }))
    expect(paid.invalidate).toContainEqual(['timeline', 'cus_1'])
    expect(paid.invalidate).not.toContainEqual(['notes', 'cus_1'])
  })
})
