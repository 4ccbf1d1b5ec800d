/** Mb/s as typed to bits per second; `null` when it is no speed. */
export function bitsPerSecond(text: string): number | null {
  const value = Number(text.replace(',', '.'))
  return Number.isFinite(value) && value > 0 ? Math.round(value * 1e6) : null
}

/** Bits per second as the Mb/s of a field. */
export function megabits(bps: number): string {
  return String(bps / 1e6)
}
