/** Shares of the safety brake: the server keeps hundredths of a percent, people write percent. */

/** Hundredths of a percent of what was typed ("2", "2,5", "2.75"); null when it is no share of 0 to 100 %. */
export function basisPoints(text: string): number | null {
  const match = /^(\d{1,3})(?:[.,](\d{1,2}))?$/.exec(text.trim())
  if (!match) return null
  const points = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0') || 0)
  return points <= 10_000 ? points : null
}

/** As people write it: 250 → "2.5" with the country's decimal sign. */
export function percentText(points: number, decimal: string): string {
  const text = (points / 100).toFixed(2).replace(/\.?0+$/, '')
  return text.replace('.', decimal)
}
