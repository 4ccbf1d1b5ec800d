import { afterEach, describe, expect, it, vi } from 'vitest'
import { call, newIdempotencyKey, onSessionEnded, pathWithQuery, setCsrfToken } from '@/api/client'
import { ApiError, mapFieldProblems, toProblem } from '@/api/problem'

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  vi.stubGlobal('fetch', vi.fn().mockImplementation(async () => new Response(text, { status, headers })))
}

afterEach(() => {
  vi.unstubAllGlobals()
  setCsrfToken('')
})

describe('problem documents', () => {
  it('reads a whole one', () => {
    const problem = toProblem(409, { code: 'duplicate_operation', title: 'T', params: { payment_id: 'pay_1' }, request_id: 'req_1' }, null)
    expect(problem).toMatchObject({ code: 'duplicate_operation', status: 409, params: { payment_id: 'pay_1' }, request_id: 'req_1' })
  })

  it('takes the code from the type, the request id from the header, and survives anything', () => {
    expect(toProblem(404, { type: 'https://atalaya.dev/problems/not_found' }, 'req_2')).toMatchObject({ code: 'not_found', request_id: 'req_2' })
    for (const body of [undefined, null, 'text', [], { params: 3, errors: 'x', code: 7 }]) {
      expect(toProblem(502, body, null)).toMatchObject({ code: 'http_502', errors: [], params: {} })
    }
  })

  it('maps pointers to fields and keeps the rest', () => {
    const errors = [
      { pointer: '/amount/amount', code: 'out_of_range', detail: '' },
      { pointer: '/method', code: 'unknown', detail: '' },
      { pointer: '/amounts', code: 'x', detail: '' },
    ]
    const { byField, unmapped } = mapFieldProblems(errors, ['amount', 'method'])
    expect(byField['amount']?.code).toBe('out_of_range')
    expect(byField['method']?.code).toBe('unknown')
    expect(unmapped).toEqual([errors[2]])
  })
})

describe('requests', () => {
  it('leaves empty parameters out of the address', () => {
    expect(pathWithQuery('/customers', { q: '', status: 'suspended', owed_gte: 1, site: null })).toBe(
      '/api/v1/customers?status=suspended&owed_gte=1',
    )
  })

  it('carries the CSRF token only on what changes something', async () => {
    setCsrfToken('secret')
    answer(200, {})
    await call('POST', '/payments', { body: { a: 1 }, idempotencyKey: 'k', ifMatch: '"3"' })
    await call('GET', '/home')
    const [[, first], [, second]] = vi.mocked(fetch).mock.calls as [[string, RequestInit], [string, RequestInit]]
    const sent = first.headers as Headers
    expect(sent.get('X-CSRF-Token')).toBe('secret')
    expect(sent.get('Idempotency-Key')).toBe('k')
    expect(sent.get('If-Match')).toBe('"3"')
    expect((second.headers as Headers).get('X-CSRF-Token')).toBeNull()
  })

  it('keeps the log-in of an operator apart from that of somebody of an ISP', async () => {
    const [ended, over] = [vi.fn(), vi.fn()]
    onSessionEnded(ended)
    onSessionEnded(over, 'platform')
    setCsrfToken('of the ISP')
    setCsrfToken('of the operator', 'platform')
    answer(401, { code: 'unauthenticated' })
    await call('POST', '/platform/plans', { body: {} }).catch(() => {})
    const [[, sent]] = vi.mocked(fetch).mock.calls as [[string, RequestInit]]
    expect((sent.headers as Headers).get('X-CSRF-Token')).toBe('of the operator')
    expect([ended.mock.calls.length, over.mock.calls.length]).toEqual([0, 1])
    setCsrfToken('', 'platform')
  })

  it('turns a refusal into an error with its request id', async () => {
    answer(403, { code: 'permission_missing', params: { permission: 'payment.register' } }, { 'X-Request-Id': 'req_9' })
    const error = await call('POST', '/payments', { body: {} }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).problem).toMatchObject({ code: 'permission_missing', request_id: 'req_9' })
  })

  it('says when the server was not reached, and that this is worth a retry', async () => {
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('refused')))
    const error = (await call('GET', '/home').catch((cause: unknown) => cause)) as ApiError
    expect(error.code).toBe('unreachable')
    expect(error.retryable).toBe(true)
  })

  it('ends the session on a 401, but not for a wrong password', async () => {
    const ended = vi.fn()
    onSessionEnded(ended)
    answer(401, { code: 'wrong_login' })
    await call('POST', '/session', { body: {} }).catch(() => {})
    expect(ended).not.toHaveBeenCalled()
    answer(401, { code: 'unauthenticated' })
    await call('GET', '/home').catch(() => {})
    expect(ended).toHaveBeenCalledOnce()
  })

  it('makes keys that differ', () => {
    expect(new Set(Array.from({ length: 100 }, newIdempotencyKey)).size).toBe(100)
  })
})
