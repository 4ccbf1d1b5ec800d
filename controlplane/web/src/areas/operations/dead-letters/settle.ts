/** Settles several, one after the other: each is an audited change of its own, and a refusal of one holds back no other. */
import { ApiError } from '@/api/problem'

export interface Settled {
  done: number
  /** Somebody else was faster: they wait for nobody any more. */
  gone: number
  failed: { id: string; cause: unknown }[]
}

export async function settleEach(ids: readonly string[], settle: (id: string) => Promise<unknown>): Promise<Settled> {
  const result: Settled = { done: 0, gone: 0, failed: [] }
  for (const id of ids) {
    try {
      await settle(id)
      result.done += 1
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 404) result.gone += 1
      else result.failed.push({ id, cause })
    }
  }
  return result
}
