import { describe, expect, it } from 'vitest'
import type { Agent, Home, InvoiceRow, Point, RunItem, Service, Site } from '@/api/types'
import { changedFields } from '@/areas/operations/audit/changes'
import { progress, sortItems } from '@/areas/operations/collections/run'
import { intervalOf } from '@/areas/operations/devices/interval'
import { basisPoints, percentText } from '@/areas/operations/settings/brake'
import { texts } from '@/components/edit'
import { liveSteps } from '@/areas/operations/customers/liveLine'
import { busiestInterface, rangeWindow, toBits } from '@/areas/operations/devices/charts'
import { countOf, echoesOf, lastRound, looksLikeAddress, summary } from '@/areas/operations/devices/diagnosis'
import { emptyDraft, finding, toDevice } from '@/areas/operations/devices/draft'
import { fieldChanges, planTooOld } from '@/areas/operations/devices/plan'
import { newerThan } from '@/areas/operations/events/feed'
import { homeVerdict } from '@/areas/operations/home/verdict'
import { siteTree } from '@/areas/operations/sites/siteTree'
import { conflicts, merge } from '@/components/conflict'
import { alignSeries, summarise } from '@/areas/operations/devices/timeSeries'
import { agentView, siteTone } from '@/states/equipment'
import { invoiceView } from '@/states/invoice'
import { serviceView } from '@/states/network'

function point(state: Point['state'], more: Partial<Point> = {}): Point {
  const desired = { status: 'active' as const, timeline: 1, generation: 2, download_bps: 1, upload_bps: 1 }
  return { id: 'enp', device_id: 'dev', device_name: 'RB-1', device_mode: 'enforce', desired, observed: null, state, held_reason: null, ...more }
}

function service(state: Service['network']['state'], points: Point[], more: Partial<Service> = {}): Service {
  const price = { amount: 8900, currency: 'PEN' }
  return {
    id: 'svc', customer_id: 'cus', site_id: 'sit', status: 'active', suspended_because: null, revision: 1,
    starts_on: '2026-01-01', status_changed_at: '2026-01-01T00:00:00Z',
    plan: { id: 'pln', name: 'Fibra', download_bps: 1, upload_bps: 1, price },
    network: {
      state, points_total: points.length, points_applied: points.length, unblocked_at: '2026-11-05T15:32:05Z',
      session_seen_at: '2026-11-05T15:32:09Z', cut_at: null, detail: '',
    },
    attachments: [{ id: 'att', service_id: 'svc', kind: 'pppoe', user: 'u', adopt: false, removed: false, points }],
    ...more,
  }
}

const keysOf = (one: Service) => liveSteps(one).map((step) => step.key)

const writers = {
  money: (value: { amount: number; currency: string }) => `${value.amount} ${value.currency}`,
  instant: (at: string) => `at ${at.slice(11, 16)}`,
  date: (day: string) => `on ${day}`,
  flag: (value: boolean) => (value ? 'yes' : 'no'),
  code: (value: string) => `<${value}>`,
}

describe('live line of a service', () => {
  it('tells unblocked and online apart, each with its time', () => {
    const steps = liveSteps(service('online', [point('applied')]))
    expect(steps.map((step) => [step.key, step.at])).toEqual([
      ['unblocked_one', '2026-11-05T15:32:05Z'],
      ['session_seen', '2026-11-05T15:32:09Z'],
    ])
  })

  it('never says online while the equipment has not come back', () => {
    expect(keysOf(service('unblocked_waiting', [point('applied'), point('applied')]))).toEqual(['unblocked_many', 'waiting_equipment'])
    expect(keysOf(service('pending', [point('pending')]))).toEqual(['reconnect_pending'])
    expect(keysOf(service('pending', [point('pending')], { status: 'suspended' }))).toEqual(['cut_pending'])
  })

  it('stops honestly at what stands in the way', () => {
    expect(keysOf(service('not_applied', [point('would_apply')], { status: 'suspended' }))).toEqual(['observe_suspended'])
    const session = { present: false, address: '', caller_id: '' }
    const observed = { status: 'active' as const, outcome: 'failed' as const, timeline: 1, generation: 1, detail: 'no such item', read_at: '2026-11-05T15:32:05Z', session }
    const failed = service('not_applied', [point('failed', { observed })])
    expect(liveSteps(failed)[0]).toMatchObject({ key: 'failed_words', tone: 'critical', params: { words: 'no such item' } })
    expect(serviceView(failed).tone).toBe('critical')
    expect(keysOf(service('unknown', [point('applied')]))).toEqual(['unknown'])
    expect(keysOf(service('not_applied', [point('held', { held_reason: 'brake' })]))).toEqual(['held_brake'])
    expect(keysOf(service('not_applied', [point('held', { held_reason: 'of a newer agent' })]))).toEqual(['held'])
    expect(keysOf(service('not_applied', [point('held', { held_reason: 'changes' })]))).toEqual(['held_changes'])
    expect(keysOf(service('online', [point('partly')]))).toEqual(['unblocked_one', 'session_seen', 'partly'])
  })
})

describe('states', () => {
  const agent = (more: Partial<Agent>) => ({ state: 'connected', clock_offset_ms: 0, certificate_expires_at: null, duplicate_identity_at: null, buffer_state: 'ok', ...more }) as Agent

  it('finds what is wrong with a connected agent', () => {
    const now = Date.parse('2026-11-05T00:00:00Z')
    expect(agentView(agent({}), now).tone).toBe('good')
    expect(agentView(agent({ clock_offset_ms: -2500 }), now).label).toBe('state.agent.clock')
    expect(agentView(agent({ certificate_expires_at: '2026-11-20T00:00:00Z' }), now).tone).toBe('warning')
    expect(agentView(agent({ duplicate_identity_at: '2026-11-04T00:00:00Z' }), now).tone).toBe('critical')
    expect(agentView(agent({ buffer_state: 'read_only' }), now)).toEqual({ tone: 'critical', label: 'state.agent.read_only' })
    expect(agentView(agent({ state: 'silent' }), now).label).toBe('state.agent.silent')
  })

  it('never paints a site red for 2 of 13', () => {
    expect(siteTone(2, 13)).toBe('warning')
    expect(siteTone(7, 13)).toBe('critical')
    expect(siteTone(0, 0)).toBe('plain')
  })

  it('judges an invoice by the tenant’s day', () => {
    const invoice = (more: Partial<InvoiceRow>) => ({ status: 'open', overdue: false, due_on: '2026-11-10', ...more }) as InvoiceRow
    expect(invoiceView(invoice({}), '2026-11-01').tone).toBe('plain')
    expect(invoiceView(invoice({}), '2026-11-07').tone).toBe('warning')
    expect(invoiceView(invoice({ overdue: true }), '2026-11-11').tone).toBe('critical')
    expect(invoiceView(invoice({ overdue: true, status: 'paid' }), '2026-11-11').tone).toBe('good')
  })

  it('puts a silent agent before anything else on the morning page', () => {
    const home = { agents_total: 2, agents_connected: 1, devices_bad: 3, devices_total: 6, waiting_not_applied: 9 } as Home
    expect(homeVerdict(home)).toMatchObject({ key: 'home.verdict.agents', count: 1 })
    expect(homeVerdict({ ...home, agents_connected: 2 }).key).toBe('home.verdict.devices')
    expect(homeVerdict({ ...home, agents_connected: 2, devices_bad: 0, waiting_not_applied: 0 }).tone).toBe('good')
  })
})

describe('charts', () => {
  it('keeps holes and lays series over one axis', () => {
    const [axis, first, second] = alignSeries(
      [
        { label: 'a', points: [[0, 1], [1000, 2], [10_000, 3]] },
        { label: 'b', points: [[1000, 5]] },
      ],
      1000,
    )
    expect(axis).toEqual([0, 1, 2, 10])
    expect(first).toEqual([1, 2, null, 3])
    expect(second).toEqual([null, 5, null, null])
  })

  it('summarises without inventing values', () => {
    expect(summarise([[0, null]])).toEqual({ last: null, min: null, max: null, maxAt: null })
    expect(summarise([[0, 3], [1, 9], [2, null]])).toMatchObject({ last: 9, max: 9, maxAt: 1 })
  })

  it('reads bytes as bits and starts with the busiest interface', () => {
    const series = [
      { labels: { interface: 'a' }, points: [[0, 1]] as [number, number | null][] },
      { labels: { interface: 'b' }, points: [[0, 2], [1, null]] as [number, number | null][] },
    ]
    const data = { series, step_ms: 1000, resolution: 'raw' }
    expect(busiestInterface(data)).toBe('b')
    expect(toBits(data, 'b')).toEqual([[0, 16], [1, null]])
    expect(rangeWindow('1h', 7_200_000, 10)).toEqual({ from: 3_600_000, to: 7_200_000, step: '30s' })
    expect(rangeWindow('1h', 7_200_000, 60).step).toBe('120s')
  })
})

describe('pages', () => {
  it('orders sites as a tree and survives a loop', () => {
    const site = (id: string, parent_id: string | null) => ({ id, parent_id, name: id }) as Site
    expect(siteTree([site('b', 'a'), site('a', null), site('c', 'b')]).map((row) => [row.id, row.depth])).toEqual([['a', 0], ['b', 1], ['c', 2]])
    expect(siteTree([site('x', 'y'), site('y', 'x'), site('o', 'gone')]).map((row) => row.id).sort()).toEqual(['o', 'x', 'y'])
  })

  it('puts failures of a cut run on top and counts only what is included', () => {
    const item = (name: string, more: Partial<RunItem>) => ({ customer_name: name, site_name: 'A', owed: { amount: 1, currency: 'PEN' }, included: true, result: null, ...more }) as RunItem
    const items = [item('a', {}), item('b', { result: 'failed', site_name: 'Z' }), item('c', { included: false })]
    expect(sortItems(items)[0]?.customer_name).toBe('b')
    expect(progress(items)).toEqual({ done: 1, failed: 1, total: 2 })
  })

  it('shows only fields that change, and an old reading as old', () => {
    const change = { point_id: 'p', service_id: 's', customer_name: 'c', action: 'cut', sessions_dropped: 1, before: [{ name: 'profile', value: 'a' }, { name: 'same', value: '1' }], after: [{ name: 'profile', value: 'cut' }, { name: 'same', value: '1' }] }
    expect(fieldChanges(change)).toEqual([{ name: 'profile', before: 'a', after: 'cut' }])
    expect(planTooOld('2026-11-05T00:00:00Z', Date.parse('2026-11-05T00:06:00Z'))).toBe(true)
    expect(planTooOld(null, 0)).toBe(false)
  })

  it('asks for what a step of the device form lacks and sends only what belongs to the kind', () => {
    const draft = { ...emptyDraft(), agentId: 'agt', name: ' RB ', host: ' 10.0.0.1 ', user: 'atalaya', password: 'x' }
    expect(finding({ ...draft, host: '', port: '70000' }, 'access')).toEqual({ host: 'field.required', port: 'field.port' })
    expect(toDevice(draft, 'sit')).toMatchObject({ name: 'RB', host: '10.0.0.1', port: 8729, tls: true, credentials: { user: 'atalaya', password: 'x' } })
    expect(toDevice(draft, 'sit')).not.toHaveProperty('legacy_login')
    expect(toDevice({ ...draft, legacyLogin: true }, 'sit').legacy_login).toBe(true)
    expect(toDevice({ ...draft, kind: 'icmp' }, 'sit')).not.toHaveProperty('port')
    expect(toDevice({ ...draft, kind: 'snmp', community: 'public' }, 'sit').credentials).toEqual({ community: 'public' })
  })

  it('compares the two sides of an audit row; what is missing and what is nothing are the same', () => {
    expect(changedFields('{"a":1,"b":2}', '{"a":1,"b":3,"c":null}', writers)).toEqual([
      { name: 'b', before: '2', after: '3' },
    ])
    expect(changedFields(null, '{"a":1}', writers)).toEqual([{ name: 'a', before: '–', after: '1' }])
  })

  it('writes money, times and flags for people, and leaves a port as it is', () => {
    const after = { price: { amount: 8900, currency: 'PEN' }, at: '2026-11-05T15:32:05Z', due_on: '2026-11-05', ping: true, port: 8729 }
    expect(changedFields(null, JSON.stringify(after), writers).map((one) => one.after)).toEqual(['8900 PEN', 'at 15:32', 'on 2026-11-05', 'yes', '8729'])
  })

  it('has words for states, and leaves alone what somebody wrote', () => {
    expect(changedFields('{"status":"active","notes":"active"}', '{"status":"suspended","notes":"suspended"}', writers)).toEqual([
      { name: 'status', before: '<active>', after: '<suspended>' },
      { name: 'notes', before: 'active', after: 'suspended' },
    ])
  })

  it('shows no change for text that is no record', () => {
    expect(changedFields('not json', '3', writers)).toEqual([])
  })

  it('counts what came while the feed was paused', () => {
    const events = ['c', 'b', 'a'].map((id) => ({ id })) as never[]
    expect(newerThan(events, 'b')).toHaveLength(1)
    expect(newerThan(events, 'gone')).toHaveLength(0)
  })
})

describe('two people on one record', () => {
  const base = { name: 'Rosa', phone: '1', address: 'A' }

  it('asks only about the fields that both changed, to different values', () => {
    const mine = { name: 'Rosa M.', phone: '2', address: 'A' }
    expect(conflicts(base, mine, { name: 'Rosa Q.', phone: '1', address: 'B' })).toEqual([
      { field: 'name', base: 'Rosa', mine: 'Rosa M.', theirs: 'Rosa Q.' },
    ])
    expect(conflicts(base, mine, { name: 'Rosa M.', phone: '1', address: 'B' })).toEqual([])
  })

  it('lays my changes over their version and keeps theirs where I chose so', () => {
    const mine = { name: 'Rosa M.', phone: '2', address: 'A' }
    const theirs = { name: 'Rosa Q.', phone: '1', address: 'B' }
    expect(merge(base, mine, theirs, new Set())).toEqual({ name: 'Rosa M.', phone: '2', address: 'B' })
    expect(merge(base, mine, theirs, new Set(['name']))).toEqual({ name: 'Rosa Q.', phone: '2', address: 'B' })
  })
})

describe('forms', () => {
  it('keeps only the changed texts, trimmed, and an emptied one empties the field', () => {
    expect(texts({ name: ' Rosa ', phone: '', site_ids: 'a,b' }, ['name', 'phone', 'email'])).toEqual({ name: 'Rosa', phone: '' })
  })

  it('takes intervals that the server takes', () => {
    expect(['10', ' 60 ', '3600'].map(intervalOf)).toEqual([10, 60, 3600])
    expect(['', '9', '3601', '60.5', 'x', undefined].map(intervalOf)).toEqual([null, null, null, null, null, null])
  })

  it('reads and writes the shares of the brake without a float in between', () => {
    expect(['2', '2,5', '2.75', '0', '100', '0.07'].map(basisPoints)).toEqual([200, 250, 275, 0, 10_000, 7])
    expect(['', '-1', '100.01', '2.755', '2 %'].map(basisPoints)).toEqual([null, null, null, null, null])
    expect([200, 250, 275, 0, 10_000, 7].map((points) => percentText(points, ','))).toEqual(['2', '2,5', '2,75', '0', '100', '0,07'])
  })
})

describe('ping and route from a device', () => {
  const echo = (sequence: number, round_trip_us: number | null) => ({ sequence, host: '10.64.1.7', round_trip_us, ttl: 64, size: 56, words: '' })
  const hop = (address: string) => ({ address, sent: 1, loss_basis_points: 0, words: '' })

  it('counts what was answered and knows the extremes', () => {
    const parts = [
      { sequence: 1, echoes: [echo(0, 1500)], hops: [] },
      { sequence: 2, echoes: [echo(1, null), echo(2, 900)], hops: [] },
    ]
    expect(summary(echoesOf(parts))).toEqual({ sent: 3, answered: 2, best: 900, worst: 1500 })
    expect(summary([echo(0, null)])).toEqual({ sent: 1, answered: 0, best: null, worst: null })
  })

  it('shows the hops of the last round alone', () => {
    const parts = [
      { sequence: 1, echoes: [], hops: [hop('')] },
      { sequence: 2, echoes: [], hops: [hop('198.51.100.1'), hop('203.0.113.80')] },
    ]
    expect(lastRound(parts).map((one) => one.address)).toEqual(['198.51.100.1', '203.0.113.80'])
    expect(lastRound([])).toEqual([])
  })

  it('sends nothing that the server would refuse at sight', () => {
    expect(['10.64.1.7', '2001:db8::1'].map(looksLikeAddress)).toEqual([true, true])
    expect(['', 'router', '10.64.1', '10.64.1.256', '10.64.1.0/24'].map(looksLikeAddress)).toEqual([false, false, false, false, false])
    expect([countOf('20', 'traceroute'), countOf('21', 'traceroute'), countOf('100', 'ping'), countOf('', 'ping'), countOf('1.5', 'ping')]).toEqual([
      20, null, 100, null, null,
    ])
  })
})
