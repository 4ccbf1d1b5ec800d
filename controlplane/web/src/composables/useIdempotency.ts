import { newIdempotencyKey } from '@/api/client'

/**
 * A key per distinct body: pressing twice or retrying after a lost answer is the same request, a corrected form is a new
 * one, and so is the same form filled once more after it was accepted.
 */
export function useIdempotency(): { keyFor: (body: unknown) => string; spent: () => void } {
  let body = ''
  let key = ''

  function keyFor(next: unknown): string {
    const text = JSON.stringify(next)
    if (text !== body || !key) {
      body = text
      key = newIdempotencyKey()
    }
    return key
  }

  return { keyFor, spent: () => (key = '') }
}
