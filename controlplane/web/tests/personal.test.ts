import { afterEach, describe, expect, it, vi } from 'vitest'
import { readFileSync } from 'node:fs'
import { flatten } from '../scripts/i18n.mjs'
import { onStepUp } from '@/api/client'
import { personal, personalKeys } from '@/api/personal'
import { ApiError, PageError, toProblem } from '@/api/problem'
import { readEvent } from '@/api/stream/connection'
import { effectOf } from '@/api/stream/reducer'
import { fileName, hasCome, pendingEvery, soonWhilePending } from '@/areas/operations/personal/copies'
import { inWords, isErasureOf, isName, refusals, stageOf, worded } from '@/areas/operations/personal/erasure'

afterEach(() => vi.unstubAllGlobals())

describe('copies of a person’s data', () => {
  it('are asked for again while one is being made, and not longer', () => {
    expect(soonWhilePending([{ state: 'ready' }, { state: 'pending' }])).toBe(pendingEvery)
    expect(soonWhilePending([{ state: 'ready' }, { state: 'expired' }])).toBe(false)
    expect(soonWhilePending([])).toBe(false)
  })

  it('are told of when one that was waited for has come', () => {
    const copy = (id: string, state: 'pending' | 'ready' | 'expired') => ({ id, state })
    const awaited = new Set<string>()
    // Those that were ready when the page was opened are no news.
    expect(hasCome(awaited, [copy('a', 'ready'), copy('b', 'pending')])).toBe(false)
    expect(hasCome(awaited, [copy('a', 'ready'), copy('b', 'pending')])).toBe(false)
    expect(hasCome(awaited, [copy('a', 'ready'), copy('b', 'ready')])).toBe(true)
    expect(hasCome(awaited, [copy('a', 'ready'), copy('b', 'ready')])).toBe(false)
    // Asked for here, and made before the list was read again.
    awaited.add('c')
    expect(hasCome(awaited, [copy('c', 'ready'), copy('b', 'expired')])).toBe(true)
  })

  it('are named as the server names them', () => {
    expect(fileName('dex_1', 2)).toBe('dex_1-2.zip')
  })

  it('are asked for where the person is', async () => {
    const asked: string[] = []
    vi.stubGlobal('fetch', vi.fn().mockImplementation(async (path: string) => (asked.push(path), new Response('{}', { status: 202 }))))
    await personal.ask('customer', 'cus_1')
    await personal.ask('user', 'usr_1')
    await personal.ask('own', 'usr_1')
    expect(asked).toEqual(['/api/v1/customers/cus_1/data-export', '/api/v1/users/usr_1/data-export', '/api/v1/me/data-export'])
  })

  it('are fetched as bytes, after a proof where one is wanted', async () => {
    const answers = [new Response('{"code":"step_up_required"}', { status: 403 }), new Response(new Uint8Array([80, 75, 3, 4]))]
    vi.stubGlobal('fetch', vi.fn().mockImplementation(async () => answers.shift()))
    const prove = vi.fn().mockResolvedValue(true)
    onStepUp(prove)
    const part = await personal.part('dex_1', 1)
    expect(prove).toHaveBeenCalledOnce()
    expect([...new Uint8Array(await part.arrayBuffer())]).toEqual([80, 75, 3, 4])
  })

  it('are refused in JSON, and a broken-off one is no copy', async () => {
    vi.stubGlobal('fetch', vi.fn().mockImplementation(async () => new Response('{"code":"export_expired"}', { status: 409 })))
    await expect(personal.part('dex_1', 1)).rejects.toMatchObject({ code: 'export_expired' })
    const broken = new ReadableStream({ start: (body) => body.error(new TypeError('network error')) })
    vi.stubGlobal('fetch', vi.fn().mockImplementation(async () => new Response(broken)))
    await expect(personal.part('dex_1', 1)).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('the erasure of a person’s data', () => {
  it('is held, waits, goes on, or is done', () => {
    expect(stageOf(null, null, null)).toBe('held')
    expect(stageOf(undefined, null, {})).toBe('waiting')
    expect(stageOf(null, { state: 'pending' }, null)).toBe('pending')
    // What was decided counts more than a request that is still shown.
    expect(stageOf(null, { state: 'pending' }, {})).toBe('pending')
    expect(stageOf(null, { state: 'done' }, null)).toBe('done')
    expect(stageOf('2026-11-05T12:00:00Z', null, null)).toBe('done')
  })

  it('waits by a request about the same person and of the same kind', () => {
    const request = { operation: 'customer.erase', entity_id: 'cus_1' }
    expect(isErasureOf(request, { kind: 'customer', id: 'cus_1' })).toBe(true)
    expect(isErasureOf(request, { kind: 'customer', id: 'cus_2' })).toBe(false)
    expect(isErasureOf(request, { kind: 'user', id: 'cus_1' })).toBe(false)
    expect(isErasureOf({ ...request, operation: 'collections.execute' }, { kind: 'customer', id: 'cus_1' })).toBe(false)
  })

  it('is confirmed by the name, however it is spaced and in whichever case', () => {
    expect(isName(' quispe  mamani, rosa ', 'Quispe Mamani, Rosa')).toBe(true)
    expect(isName('N\u0303ahui', 'Ñahui')).toBe(true)
    for (const other of ['', 'Quispe', 'Quispe Mamani, Ros', 'Nahui']) expect(isName(other, 'Quispe Mamani, Rosa')).toBe(false)
  })

  it('says in words why it does not begin, and lets any other failure through', async () => {
    const refused = (code: string) => new ApiError(toProblem(409, { code }, 'req_1'))
    for (const code of refusals) expect(inWords(refused(code))).toEqual(new PageError(`erasure.refused.${code}`))
    for (const other of [refused('version_conflict'), new Error('x'), null]) expect(inWords(other)).toBe(other)
    await expect(worded(Promise.reject(refused('customer_owes')))).rejects.toMatchObject({ key: 'erasure.refused.customer_owes' })
    await expect(worded(Promise.resolve(7))).resolves.toBe(7)
  })

  it.each(['es-419', 'en', 'pt-BR'])('has words for each refusal in %s', (language) => {
    const words = JSON.parse(readFileSync(new URL(`../src/i18n/parts/${language}.personal.json`, import.meta.url), 'utf8'))
    const refused = Object.keys(flatten(words)).filter((key) => key.startsWith('erasure.refused.'))
    expect(refused).toEqual([...refusals].map((code) => `erasure.refused.${code}`))
  })
})

describe('events about a person’s data', () => {
  const event = (type: string, related: object) => readEvent(type, JSON.stringify({ id: 'evt_1', type, entity: { kind: 'data_export', id: 'dex_1' }, related }))!

  it('bring the copies', () => {
    const { invalidate } = effectOf(event('data_export.ready', { customer_id: 'cus_1' }))
    expect(invalidate).toContainEqual(['data-exports'])
    expect(invalidate).not.toContainEqual(['data-erasures'])
  })

  it('bring the erasure and the person', () => {
    const { invalidate } = effectOf(event('data_erasure.done', { customer_id: 'cus_1' }))
    for (const key of [['data-erasures'], ['customers'], ['users'], ['customer', 'cus_1']]) expect(invalidate).toContainEqual(key)
    expect(personalKeys.person('customer', 'cus_1').slice(0, 2)).toEqual(['customer', 'cus_1'])
    expect(personalKeys.person('user', 'usr_1')[0]).toBe('users')
    expect(effectOf(event('approval.decided', {})).invalidate).toContainEqual(['approvals'])
  })
})
