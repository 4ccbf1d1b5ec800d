/**
 * The live line of a service: where a decision stands on its way to the equipment. Unblocked
 * (the router said so) and online (a session was seen) are two truths with two times.
 */
import type { Point, Service } from '@/api/types'
import { pointsOf } from '@/states/network'
import type { Tone } from '@/states/tone'

export interface LiveStep {
  tone: Tone
  /** Tail of the key `service.live.…`. */
  key: string
  /** The instant that the sentence names, RFC 3339. */
  at: string | null | undefined
  params: Record<string, string | number>
}

/** Where: the router's name, or how many of them. */
function place(service: Service): { key: 'one' | 'many'; params: Record<string, string | number> } {
  const points = pointsOf(service)
  const [only] = points
  if (points.length === 1 && only) return { key: 'one', params: { device: only.device_name } }
  const { points_applied: applied, points_total: total } = service.network
  return { key: 'many', params: { applied, total } }
}

function unblocked(service: Service): LiveStep {
  const where = place(service)
  return { tone: 'good', key: `unblocked_${where.key}`, at: service.network.unblocked_at, params: where.params }
}

const holds = new Set(['brake', 'timeline', 'offline', 'open', 'not_yet', 'disk', 'expired', 'changes'])

function held(point: Point): string {
  const reason = point.held_reason ?? ''
  return holds.has(reason) ? `held_${reason}` : 'held'
}

/** The first point that stands in the way, named with the device's own words. */
function obstacle(service: Service): LiveStep | null {
  for (const point of pointsOf(service)) {
    const params = { device: point.device_name, words: point.observed?.detail ?? service.network.detail ?? '' }
    const suffix = params.words ? '_words' : ''
    if (point.state === 'failed') return { tone: 'critical', key: `failed${suffix}`, at: null, params }
    if (point.state === 'contested') return { tone: 'critical', key: 'contested', at: null, params }
    if (point.state === 'no_effect') return { tone: 'critical', key: 'no_effect', at: null, params }
    if (point.state === 'would_apply') {
      const key = service.status === 'active' ? 'observe_active' : 'observe_suspended'
      return { tone: 'warning', key, at: null, params }
    }
    if (point.state === 'held') return { tone: 'warning', key: held(point), at: null, params }
    if (point.state === 'unknown') return { tone: 'unknown', key: `unknown${suffix}`, at: null, params }
  }
  return null
}

/** What is left as it is on a router though service is as decided: a speed, a row that is not ours. */
function leftAlone(service: Service): LiveStep[] {
  const point = pointsOf(service).find((one) => one.state === 'partly')
  if (!point) return []
  return [{ tone: 'warning', key: 'partly', at: null, params: { device: point.device_name, words: point.observed?.detail ?? '' } }]
}

/** Steps of one service, in the order in which they happen. */
export function liveSteps(service: Service): LiveStep[] {
  return [...wayOf(service), ...leftAlone(service)]
}

function wayOf(service: Service): LiveStep[] {
  const { network } = service
  const nothing = { at: null, params: {} }
  if (service.status === 'terminated') return [{ tone: 'plain', key: 'terminated', ...nothing }]
  const blocked = obstacle(service)
  switch (network.state) {
    case 'online': {
      const session: LiveStep = { tone: 'good', key: 'session_seen', at: network.session_seen_at, params: {} }
      const steps = network.unblocked_at ? [unblocked(service), session] : [session]
      return blocked ? [...steps, blocked] : steps
    }
    case 'unblocked_waiting': {
      const waiting: LiveStep = { tone: 'warning', key: 'waiting_equipment', ...nothing }
      return network.unblocked_at ? [unblocked(service), waiting] : [waiting]
    }
    case 'cut': {
      const where = place(service)
      return [{ tone: 'inverse', key: `cut_${where.key}`, at: network.cut_at, params: where.params }]
    }
    case 'pending':
      if (blocked) return [blocked]
      return [{ tone: 'warning', key: service.status === 'active' ? 'reconnect_pending' : 'cut_pending', ...nothing }]
    case 'not_applied':
      return [blocked ?? { tone: 'warning', key: 'not_applied', ...nothing }]
    case 'no_attachment':
      return [{ tone: 'plain', key: 'no_attachment', ...nothing }]
    default:
      return [blocked ?? { tone: 'unknown', key: 'unknown', ...nothing }]
  }
}
