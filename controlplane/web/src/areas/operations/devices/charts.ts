/** What the device page asks the metric store for, and how it reads the answer. */
import type { MetricRange } from '@/api/types'

export const ranges = ['1h', '6h', '24h', '7d', '30d'] as const
export type RangeName = (typeof ranges)[number]

/** Earlier periods that can be laid over the present one, milliseconds back. */
export const comparisons: Record<string, number> = { '1d': 86_400_000, '7d': 604_800_000 }

/** Length and step, seconds: at most some 300 points. */
const shapes: Record<RangeName, { length: number; step: number }> = {
  '1h': { length: 3600, step: 30 },
  '6h': { length: 21_600, step: 120 },
  '24h': { length: 86_400, step: 300 },
  '7d': { length: 604_800, step: 3600 },
  '30d': { length: 2_592_000, step: 10_800 },
}

/** Window of a range that ends at `now`, milliseconds, of a device measured every so many seconds; `step` as the query wants it. */
export function rangeWindow(range: RangeName, now: number, measuredEvery: number): { from: number; to: number; step: string } {
  const { length, step: usual } = shapes[range]
  // A rate needs two samples in a step, else every second point would be a false hole.
  const step = Math.max(usual, 2 * measuredEvery)
  return { from: now - length * 1000, to: now, step: `${step}s` }
}

const label = 'interface'

export function interfaceNames(data: MetricRange | undefined): string[] {
  const names = (data?.series ?? []).map((series) => series.labels[label] ?? '').filter(Boolean)
  return [...new Set(names)].sort((a, b) => a.localeCompare(b))
}

/** The interface with the most traffic in the range: the one that a visitor looks for. */
export function busiestInterface(data: MetricRange | undefined): string {
  let best = ''
  let most = -1
  for (const series of data?.series ?? []) {
    const sum = series.points.reduce((total, [, value]) => total + (value ?? 0), 0)
    if (sum > most) {
      most = sum
      best = series.labels[label] ?? ''
    }
  }
  return best
}

/** Bytes per second of one interface as bits per second. */
export function toBits(data: MetricRange | undefined, name: string): [number, number | null][] {
  const series = data?.series.find((one) => (one.labels[label] ?? '') === name)
  return (series?.points ?? []).map(([at, value]) => [at, value === null ? null : value * 8])
}
