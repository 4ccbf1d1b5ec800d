/** Bounds of the server for the time between measurements, seconds. */
const least = 10
const most = 3600

/** Seconds between measurements as typed, or null when they are not within what the server permits. */
export function intervalOf(text: string | undefined): number | null {
  const seconds = Number(text?.trim() || Number.NaN)
  return Number.isInteger(seconds) && seconds >= least && seconds <= most ? seconds : null
}
