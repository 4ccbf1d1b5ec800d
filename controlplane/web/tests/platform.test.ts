import { describe, expect, it, vi } from 'vitest'
import { ApiError, toProblem } from '@/api/problem'
import { settleEach } from '@/areas/operations/dead-letters/settle'
import { capitalZone, fullUnder, healthTone, planOf, slugOf, summary, wholeOrNothing } from '@/areas/platform/tenant'
import { knownCountries } from '@/format/country'
import type { TenantHealth, TenantPlan, TenantRow } from '@/api/types'

const well: TenantHealth = { agents: 2, agents_connected: 2, batches_waiting: 9, dead_letters: 0 }
const row = (state: TenantRow['state'], health: TenantHealth) => ({ state, health }) as TenantRow

describe('an ISP as its operator sees it', () => {
  it('is well with every agent there and nothing given up; what still comes in is no trouble', () => {
    expect(healthTone(well)).toBe('good')
    expect(healthTone({ ...well, agents_connected: 1 })).toBe('warning')
    expect(healthTone({ ...well, dead_letters: 1 })).toBe('warning')
    expect(healthTone({ ...well, agents: 0, agents_connected: 0 })).toBe('plain')
  })

  it('is counted among those that may look only, and those with something wrong', () => {
    const rows = [row('active', well), row('read_only', well), row('active', { ...well, dead_letters: 3 })]
    expect(summary(rows)).toEqual({ all: 3, readOnly: 1, troubled: 1 })
  })

  it('gets a time zone that exists, for every country with a format', () => {
    const zones = Intl.supportedValuesOf('timeZone')
    expect(knownCountries.filter((country) => !zones.includes(capitalZone[country] ?? ''))).toEqual([])
  })

  it('gets a short name that a host name can have', () => {
    expect(slugOf(' Ñandú Net, S.A. ')).toBe('nandu-net-s-a')
    expect(slugOf('---')).toBe('')
  })
})

describe('a plan of ISPs', () => {
  it('limits what has a number, and nothing else', () => {
    expect([wholeOrNothing(' 12 '), wholeOrNothing(''), wholeOrNothing('1.5'), wholeOrNothing('-1'), wholeOrNothing('many')]).toEqual([12, null, undefined, undefined, undefined])
    expect(planOf({ name: ' Inicial ', contact: 'a@b.example', customers: '500', devices: '', users: '5', requests_per_minute: '' })).toEqual({
      name: 'Inicial', contact: 'a@b.example', customers: 500, devices: null, users: 5, requests_per_minute: null,
    })
  })

  it('says of what an ISP could add nothing, before it is given', () => {
    const plan = { customers: 10, devices: 5, users: null } as TenantPlan
    const limits = [{ limit: 'customers', used: 12 }, { limit: 'devices', used: 4 }, { limit: 'users', used: 99 }] as const
    expect(fullUnder(plan, [...limits]).map((one) => [one.limit, one.allowed])).toEqual([['customers', 10]])
    expect(fullUnder(undefined, [...limits])).toEqual([])
  })
})

describe('settling several', () => {
  it('goes on after a refusal, and tells what somebody else settled from what failed', async () => {
    const away = new ApiError(toProblem(503, { code: 'unavailable' }, null))
    const settle = vi.fn(async (id: string) => {
      if (id === 'gone') throw new ApiError(toProblem(404, { code: 'not_found' }, null))
      if (id === 'away') throw away
    })
    expect(await settleEach(['gone', 'away', 'a', 'b'], settle)).toEqual({ done: 2, gone: 1, failed: [{ id: 'away', cause: away }] })
  })
})
