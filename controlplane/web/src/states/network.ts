/** Service and enforcement point: from the server's state to what a person sees. */
import type { Attachment, NetworkState, Point, PointState, Service } from '@/api/types'
import type { StateView } from './tone'

const byNetwork: Record<NetworkState, StateView> = {
  online: { tone: 'good', label: 'state.network.online' },
  unblocked_waiting: { tone: 'warning', label: 'state.network.unblocked_waiting' },
  cut: { tone: 'inverse', label: 'state.network.cut' },
  pending: { tone: 'warning', label: 'state.network.pending' },
  not_applied: { tone: 'warning', label: 'state.network.not_applied' },
  unknown: { tone: 'unknown', label: 'state.network.unknown' },
  no_attachment: { tone: 'plain', label: 'state.network.no_attachment' },
}

/** Fallback for a state of a newer server: honest about not knowing it. */
const notKnown: StateView = { tone: 'unknown', label: 'state.unknown' }

export function networkView(state: NetworkState): StateView {
  return byNetwork[state] ?? notKnown
}

const failing: PointState[] = ['failed', 'contested', 'no_effect']

/** A service is critical as soon as one of its points needs a person. */
export function serviceView(service: Service): StateView {
  if (service.status === 'terminated') return { tone: 'plain', label: 'state.service.terminated' }
  const points = pointsOf(service)
  if (points.some((point) => failing.includes(point.state))) {
    return { tone: 'critical', label: 'state.network.failed' }
  }
  return networkView(service.network.state)
}

const byPoint: Record<PointState, StateView> = {
  applied: { tone: 'good', label: 'state.point.applied' },
  pending: { tone: 'warning', label: 'state.point.pending' },
  would_apply: { tone: 'warning', label: 'state.point.would_apply' },
  held: { tone: 'warning', label: 'state.point.held' },
  drift: { tone: 'warning', label: 'state.point.drift' },
  partly: { tone: 'warning', label: 'state.point.partly' },
  failed: { tone: 'critical', label: 'state.point.failed' },
  contested: { tone: 'critical', label: 'state.point.contested' },
  no_effect: { tone: 'critical', label: 'state.point.no_effect' },
  unknown: { tone: 'unknown', label: 'state.point.unknown' },
}

export function pointView(point: Point): StateView {
  return byPoint[point.state] ?? notKnown
}

/** Whether something of it stays cut on a router after its end, until somebody else has it or a person releases it. */
export function isKept(attachment: Attachment): boolean {
  return attachment.points.some(
    (point) => point.desired.status === 'terminated' && (attachment.kind === 'static' || point.observed?.outcome === 'partly'),
  )
}

/** All enforcement points of a service, over its attachments. */
export function pointsOf(service: Service): Point[] {
  return service.attachments.flatMap((attachment) => attachment.points)
}

/** The routers of some points by name, each once. */
export function routerNames(points: readonly Point[]): string {
  return [...new Set(points.map((point) => point.device_name))].join(', ')
}

/** The routers among them that only watch: nothing changes there. */
export function observers(points: readonly Point[]): string {
  return routerNames(points.filter((point) => point.device_mode === 'observe'))
}
