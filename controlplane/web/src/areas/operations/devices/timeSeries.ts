/** Data shaping for the chart: one time axis, gaps that stay gaps, flags for what happened. */
export type Points = readonly (readonly [number, number | null])[]

export interface ChartSeries {
  label: string
  /** `[milliseconds, value | null]`, ascending. */
  points: Points
  /** Filled area for the first series of a pair (download). */
  fill?: boolean
  /** An earlier period laid over this one: the colour of series `slot`, dashed. */
  comparedWith?: number
}

/** Something that happened on the chart's time axis. */
export interface Flag {
  /** Milliseconds. */
  at: number
  label: string
}

/** Seconds first, then one column per series, as uPlot wants it; `undefined` never occurs. */
export type ChartData = [number[], ...(number | null)[][]]

/** A hole longer than this many steps is shown as a gap, never bridged. */
const bridge = 2.5

/**
 * Lays several series over one axis. Where a series has nothing at a time of another one, or
 * falls silent for more than two steps, it is `null`.
 */
export function alignSeries(series: readonly ChartSeries[], stepMs: number): ChartData {
  const times = new Set<number>()
  const columns = series.map((one) => {
    const values = new Map<number, number | null>()
    let previous: number | null = null
    for (const [at, value] of one.points) {
      if (previous !== null && stepMs > 0 && at - previous > stepMs * bridge) values.set(previous + stepMs, null)
      values.set(at, value)
      previous = at
    }
    for (const at of values.keys()) times.add(at)
    return values
  })
  const axis = [...times].sort((a, b) => a - b)
  return [axis.map((at) => at / 1000), ...columns.map((values) => axis.map((at) => values.get(at) ?? null))]
}

/**
 * Times without data after the first sample, milliseconds. What lies before it is not missing: nothing was measured
 * yet. The end counts: a device that is silent now has a gap up to now.
 */
export function gapsOf(points: Points, stepMs: number, to: number): [number, number][] {
  const known = points.filter(([, value]) => value !== null).map(([at]) => at)
  const first = known[0]
  if (first === undefined || stepMs <= 0) return []
  const gaps: [number, number][] = []
  let last = first
  for (const at of [...known.slice(1), to]) {
    if (at - last > stepMs * bridge) gaps.push([last, at])
    last = at
  }
  return gaps
}

/** Moves an earlier period onto the present axis. */
export function shifted(points: Points, byMs: number): Points {
  return points.map(([at, value]) => [at + byMs, value] as const)
}

/** Flags of one label that fall close together are one flag with a count. */
export function groupFlags(flags: readonly Flag[], closeMs: number): (Flag & { count: number })[] {
  const groups: (Flag & { count: number })[] = []
  for (const flag of [...flags].sort((a, b) => a.at - b.at)) {
    const near = groups.find((one) => one.label === flag.label && flag.at - one.at < closeMs)
    if (near) near.count += 1
    else groups.push({ ...flag, count: 1 })
  }
  return groups
}

/** Where a counter that only grows has fallen: the device started again. Times of the first sample after it. */
export function restarts(uptime: Points): number[] {
  const found: number[] = []
  let previous: number | null = null
  for (const [at, value] of uptime) {
    if (value === null) continue
    if (previous !== null && value < previous) found.push(at)
    previous = value
  }
  return found
}

export interface Summary {
  last: number | null
  min: number | null
  max: number | null
  /** Time of the maximum, milliseconds. */
  maxAt: number | null
}

/** What a sentence beside the chart says. */
export function summarise(points: Points): Summary {
  const summary: Summary = { last: null, min: null, max: null, maxAt: null }
  for (const [at, value] of points) {
    if (value === null) continue
    summary.last = value
    if (summary.min === null || value < summary.min) summary.min = value
    if (summary.max === null || value > summary.max) {
      summary.max = value
      summary.maxAt = at
    }
  }
  return summary
}

/** The chart as comma-separated values: RFC 3339 times, plain numbers, an empty cell where nothing was measured. */
export function csvOf(series: readonly ChartSeries[], stepMs: number): string {
  const [axis, ...columns] = alignSeries(series, stepMs)
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const head = ['time', ...series.map((one) => quoted(one.label))].join(',')
  const rows = axis.map((at, row) => [new Date(at * 1000).toISOString(), ...columns.map((column) => column[row] ?? '')].join(','))
  return `${[head, ...rows].join('\r\n')}\r\n`
}
