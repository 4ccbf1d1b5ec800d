import { newIdempotencyKey } from '@/api/client'

/**
 * A key per distinct body: pressing twice or retrying after a lost answer is the same request,
 * a corrected form is a new one.
 */
export function useIdempotency(): (body: unknown) => string {
  let body = ''
  let key = ''
  return (next) => {
    const text = JSON.stringify(next)
    if (text !== body || !key) {
      body = text
      key = newIdempotencyKey()
    }
    return key
  }
}
