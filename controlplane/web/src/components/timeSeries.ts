/** Data shaping for the chart: one time axis, gaps that stay gaps. */
export interface ChartSeries {
  label: string
  /** `[milliseconds, value | null]`, ascending. */
  points: [number, number | null][]
  /** Filled area for the first series of a pair (download). */
  fill?: boolean
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

export interface Summary {
  last: number | null
  max: number | null
  /** Time of the maximum, milliseconds. */
  maxAt: number | null
}

/** What a sentence beside the chart says. */
export function summarise(points: readonly [number, number | null][]): Summary {
  const summary: Summary = { last: null, max: null, maxAt: null }
  for (const [at, value] of points) {
    if (value === null) continue
    summary.last = value
    if (summary.max === null || value > summary.max) {
      summary.max = value
      summary.maxAt = at
    }
  }
  return summary
}
