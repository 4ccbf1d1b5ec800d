import { describe, expect, it } from 'vitest'
import { reconnectedBy } from '@/areas/operations/payments/receipt'
import { pageBox } from '@/components/paper/paper'
import { useIdempotency } from '@/composables/useIdempotency'
import type { Service } from '@/api/types'

describe('page box of a document', () => {
  it('is a sheet, or a roll as long as what stands on it', () => {
    expect(pageBox('a4', 2000)).toBe('@page { size: A4; margin: 18mm }')
    // 400 px on the screen are 300 px on paper: 79.4 mm, a millimetre more, and 8 mm at each end.
    expect(pageBox('roll80', 400)).toBe('@page { size: 80mm 97mm; margin: 8mm 4mm }')
    expect(pageBox('roll58', 400)).toBe('@page { size: 58mm 97mm; margin: 8mm 5mm }')
  })
})

describe('network line of a receipt', () => {
  const payment = { created_at: '2026-11-05T15:32:04Z' }
  const service = (status: Service['status'], status_changed_at: string) => ({ status, status_changed_at }) as Service

  it('tells of the service that this payment reconnected', () => {
    expect(reconnectedBy(payment, service('active', '2026-11-05T15:32:04Z'))).toBe(true)
  })

  it('says nothing of one that was never cut, or was cut or reconnected since', () => {
    expect(reconnectedBy(payment, service('active', '2026-01-01T00:00:00Z'))).toBe(false)
    expect(reconnectedBy(payment, service('suspended', '2026-11-05T15:32:04Z'))).toBe(false)
    expect(reconnectedBy(payment, service('active', '2026-11-20T09:00:00Z'))).toBe(false)
  })
})

describe('idempotency key of a form', () => {
  it('stays while the same content is tried again, and is new for other content and after it was accepted', () => {
    const { keyFor, spent } = useIdempotency()
    const first = keyFor({ amount: 5000 })
    expect(keyFor({ amount: 5000 })).toBe(first)
    const corrected = keyFor({ amount: 5500 })
    expect(corrected).not.toBe(first)
    spent()
    expect(keyFor({ amount: 5500 })).not.toBe(corrected)
  })
})
