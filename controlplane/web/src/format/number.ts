/** U+2212: a hyphen is too short beside figures. */
export const minus = '\u2212'

/** Groups the digits of a non-negative integer by three. */
export function groupDigits(digits: string, separator: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, separator)
}

/** An integer as the country writes it, with a true minus. */
export function formatInteger(value: number, group: string): string {
  const whole = Math.trunc(value)
  const text = groupDigits(String(Math.abs(whole)), group)
  return whole < 0 ? minus + text : text
}

/** A measured value with a fixed number of decimals. */
export function formatDecimal(value: number, decimals: number, group: string, decimal: string): string {
  const [whole = '0', rest] = Math.abs(value).toFixed(decimals).split('.')
  const text = groupDigits(whole, group) + (rest ? decimal + rest : '')
  return value < 0 && Number(value.toFixed(decimals)) !== 0 ? minus + text : text
}
