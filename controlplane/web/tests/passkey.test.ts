import { describe, expect, it } from 'vitest'
import { ApiError, PageError, unreachable } from '@/api/problem'
import { machineOf } from '@/areas/operations/profile/browser'
import { fromBase64url, inWords, judged, obstacleAt, toBase64url } from '@/areas/session/passkey'

const key = (cause: unknown) => (cause instanceof PageError ? cause.key : cause)

describe('passkeys', () => {
  it('are of a host name and of a page that came safely', () => {
    const place = { secure: true, hostname: 'isp.example', supported: true }
    expect(obstacleAt(place)).toBeNull()
    expect(obstacleAt({ ...place, hostname: 'localhost' })).toBeNull()
    expect(obstacleAt({ ...place, hostname: '10.20.0.5' })).toBe('address')
    expect(obstacleAt({ ...place, hostname: '[fd00::1]', secure: false })).toBe('address')
    expect(obstacleAt({ ...place, secure: false })).toBe('insecure')
    expect(obstacleAt({ ...place, supported: false })).toBe('unsupported')
  })

  it('travel as bytes in base64url, whatever their length', () => {
    for (const bytes of [[], [251], [255, 254], [0, 250, 191], [1, 2, 3, 4]]) {
      const text = toBase64url(Uint8Array.from(bytes).buffer)
      expect(text).toMatch(/^[\w-]*$/)
      expect([...fromBase64url(text)]).toEqual(bytes)
    }
  })

  it('have words for each refusal of the browser, and none for what was withdrawn', () => {
    expect(key(inWords(new DOMException('', 'NotAllowedError')))).toBe('passkey.error.not_confirmed')
    expect(key(inWords(new DOMException('', 'InvalidStateError')))).toBe('passkey.error.known')
    expect(key(inWords(new DOMException('', 'UnknownError')))).toBe('passkey.error.failed')
    const withdrawn = new DOMException('', 'AbortError')
    expect(inWords(withdrawn)).toBe(withdrawn)
  })

  it('have words of their own where the server says no more than of a wrong password', async () => {
    const wrong = new ApiError({ ...unreachable(), code: 'wrong_login', status: 401 })
    expect(key(await judged(Promise.reject(wrong)).catch((cause: unknown) => cause))).toBe('passkey.error.wrong')
    const away = new ApiError(unreachable())
    expect(await judged(Promise.reject(away)).catch((cause: unknown) => cause)).toBe(away)
    expect(await judged(Promise.resolve('in'))).toBe('in')
  })

  it('are called by the machine that keeps them', () => {
    expect(machineOf('Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0')).toBe('Linux · Firefox')
    expect(machineOf('curl/8')).toBe('')
  })
})
