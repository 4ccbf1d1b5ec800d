/** The canvas side of a time series: colours of the theme, hatched gaps, flags on the axis. */
import type uPlot from 'uplot'
import type { ChartSeries, Flag } from './timeSeries'

export interface PlotInput {
  width: number
  height: number
  series: readonly ChartSeries[]
  gaps: readonly [number, number][]
  flags: readonly Flag[]
  from: number
  to: number
  unit: (value: number) => string
  clock: (at: number) => string
}

function token(name: string): string {
  return `rgb(${getComputedStyle(document.documentElement).getPropertyValue(`--v-theme-${name}`)})`
}

function transparent(color: string, alpha: number): string {
  return color.replace('rgb(', 'rgba(').replace(')', `,${alpha})`)
}

/** Diagonal lines, `px` device pixels apart. */
function hatch(context: CanvasRenderingContext2D, color: string): CanvasPattern | null {
  const size = 8
  const tile = document.createElement('canvas')
  tile.width = tile.height = size
  const brush = tile.getContext('2d')
  if (!brush) return null
  brush.strokeStyle = color
  brush.lineWidth = 1
  brush.beginPath()
  brush.moveTo(0, size)
  brush.lineTo(size, 0)
  brush.stroke()
  return context.createPattern(tile, 'repeat')
}

function drawGaps(plot: uPlot, gaps: readonly [number, number][]): void {
  const { ctx, bbox } = plot
  const pattern = hatch(ctx, token('faint'))
  if (!pattern) return
  ctx.save()
  ctx.globalAlpha = 0.5
  ctx.fillStyle = pattern
  for (const [start, end] of gaps) {
    const left = Math.max(plot.valToPos(start / 1000, 'x', true), bbox.left)
    const right = Math.min(plot.valToPos(end / 1000, 'x', true), bbox.left + bbox.width)
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height)
  }
  ctx.restore()
}

function drawFlags(plot: uPlot, flags: readonly Flag[]): void {
  const { ctx, bbox } = plot
  const ratio = window.devicePixelRatio || 1
  ctx.save()
  ctx.strokeStyle = ctx.fillStyle = token('on-surface')
  ctx.lineWidth = ratio
  for (const flag of flags) {
    const x = Math.round(plot.valToPos(flag.at / 1000, 'x', true))
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.setLineDash([2 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x + 8 * ratio, bbox.top + 4 * ratio)
    ctx.lineTo(x, bbox.top + 8 * ratio)
    ctx.fill()
  }
  ctx.restore()
}

/** Options of the plot; an axis from zero, since traffic and latency are amounts. */
export function plotOptions(input: PlotInput): uPlot.Options {
  const axis = { stroke: token('faint'), grid: { stroke: token('line'), width: 1 }, ticks: { show: false }, font: '12px Inter' }
  return {
    width: input.width,
    height: input.height,
    legend: { show: false },
    cursor: { sync: { key: 'page' }, drag: { x: true, y: false } },
    scales: {
      x: { time: true, range: [input.from / 1000, input.to / 1000] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 28, values: (_, ticks) => ticks.map((at) => input.clock(at * 1000)) },
      { ...axis, size: 84, values: (_, ticks) => ticks.map((value) => input.unit(value)) },
    ],
    series: [
      {},
      ...input.series.map((one, index) => {
        const compared = one.comparedWith !== undefined
        const color = token(`series-${(one.comparedWith ?? index) + 1}`)
        return {
          label: one.label,
          stroke: compared ? transparent(color, 0.6) : color,
          width: 1.5,
          spanGaps: false,
          points: { show: false },
          ...(compared ? { dash: [4, 4] } : {}),
          ...(one.fill && !compared ? { fill: transparent(color, 0.16) } : {}),
        }
      }),
    ],
    hooks: {
      drawClear: [(plot) => drawGaps(plot, input.gaps)],
      draw: [(plot) => drawFlags(plot, input.flags)],
    },
  }
}
