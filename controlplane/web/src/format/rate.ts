/** Speeds and traffic in bits per second, decimal; volumes in bytes, decimal. */

const rateUnits = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s']
const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB']

function scaled(value: number, units: string[], decimal: string): string {
  let rest = Math.abs(value)
  let index = 0
  // 999.5 would be written as 1,000: it belongs to the next unit.
  while (rest >= 999.5 && index < units.length - 1) {
    rest /= 1000
    index += 1
  }
  return `${threeDigits(rest, decimal)} ${units[index]}`
}

function threeDigits(value: number, decimal: string): string {
  const places = value >= 99.95 || value === 0 ? 0 : value >= 9.995 ? 1 : 2
  return value.toFixed(places).replace('.', decimal)
}

/** Plan speed, `100 / 50 Mb/s` (down / up); each side has its unit when they differ. */
export function formatSpeed(downBps: number, upBps: number, decimal = '.'): string {
  const [down, downUnit] = planSide(downBps, decimal)
  const [up, upUnit] = planSide(upBps, decimal)
  return downUnit === upUnit ? `${down} / ${up} ${downUnit}` : `${down} ${downUnit} / ${up} ${upUnit}`
}

function planSide(bps: number, decimal: string): [string, string] {
  const index = bps >= 1e9 ? 3 : bps >= 1e6 || bps === 0 ? 2 : bps >= 1e3 ? 1 : 0
  const value = bps / 1000 ** index
  return [String(Number(value.toFixed(2))).replace('.', decimal), rateUnits[index] ?? '']
}

/** Measured traffic with three digits, `61.4 Mb/s`. */
export function formatTraffic(bps: number, decimal = '.'): string {
  return scaled(bps, rateUnits, decimal)
}

/** A volume with three digits, `1.25 GB` (10⁹); a byte has no parts. */
export function formatBytes(bytes: number, decimal = '.'): string {
  if (bytes < 999.5) return `${Math.round(bytes)} ${byteUnits[0]}`
  return scaled(bytes, byteUnits, decimal)
}
