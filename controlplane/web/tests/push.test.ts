import { describe, expect, it } from 'vitest'
import { ApiError, PageError } from '@/api/problem'
import { hashOf, inWords, obstacleAt } from '@/areas/operations/profile/push'

describe('notices in a browser', () => {
  const place = { secure: true, supported: true, ios: false, permission: 'default' as const }

  it('need https, a browser that can, and its user’s permission', () => {
    expect(obstacleAt(place)).toBeNull()
    expect(obstacleAt({ ...place, permission: 'granted' })).toBeNull()
    expect(obstacleAt({ ...place, permission: 'denied' })).toBe('denied')
    expect(obstacleAt({ ...place, supported: false })).toBe('unsupported')
    expect(obstacleAt({ ...place, supported: false, ios: true })).toBe('home_screen')
    // Without https a browser hides the rest, so this comes first.
    expect(obstacleAt({ ...place, secure: false, supported: false, ios: true })).toBe('insecure')
  })

  it('is known by the SHA-256 of its address', async () => {
    expect(await hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  it('says in its own words what the server refuses, and leaves the rest as it is', () => {
    const refused = (code: string) => inWords(new ApiError({ type: `x/${code}`, code, title: '', status: 409, detail: '', params: {}, errors: [], request_id: null } as never))
    expect(refused('too_many_browsers')).toMatchObject({ key: 'push.error.too_many_browsers' })
    expect(refused('push_off')).toBeInstanceOf(PageError)
    expect(refused('invalid')).toBeInstanceOf(ApiError)
  })
})
