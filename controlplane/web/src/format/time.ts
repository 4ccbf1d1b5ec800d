/** Instants in the tenant's zone; due dates are calendar dates without hours and never shift. */
import type { CountryFormat } from './country'
import { minus } from './number'

function parts(at: Date, locale: string, options: Intl.DateTimeFormatOptions): Record<string, string> {
  const found: Record<string, string> = {}
  for (const part of new Intl.DateTimeFormat(locale, options).formatToParts(at)) found[part.type] = part.value
  return found
}

const clockOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const

/** `10:32:05` in the given zone. */
export function formatClock(at: Date, zone: string): string {
  const p = parts(at, 'en-GB', { ...clockOptions, timeZone: zone })
  return `${p['hour']}:${p['minute']}:${p['second']}`
}

/** `05/11/2026` as the country writes it, from an instant. */
export function formatDay(at: Date, zone: string, country: CountryFormat): string {
  const p = parts(at, 'en-GB', { day: '2-digit', month: '2-digit', year: 'numeric', timeZone: zone })
  return [p['day'], p['month'], p['year']].join(country.dateSeparator)
}

/** `05/11/2026` from a calendar date `2026-11-05`; anything else comes back unchanged. */
export function formatDate(date: string, country: CountryFormat): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date)
  return match ? [match[3], match[2], match[1]].join(country.dateSeparator) : date
}

/** Calendar date of an instant in a zone, `2026-11-05`. */
export function isoDay(at: Date, zone: string): string {
  const p = parts(at, 'en-GB', { day: '2-digit', month: '2-digit', year: 'numeric', timeZone: zone })
  return `${p['year']}-${p['month']}-${p['day']}`
}

/** `UTC−5`, `UTC+5:30`. */
export function utcOffset(at: Date, zone: string): string {
  const name = parts(at, 'en-US', { timeZone: zone, timeZoneName: 'shortOffset' })['timeZoneName'] ?? 'GMT'
  // Runtimes differ: Greenwich itself is `GMT` or `GMT+0`.
  return name.replace(/^GMT(\+0)?$/, 'UTC').replace('GMT', 'UTC').replace('-', minus)
}

/** `Lima` for `America/Lima`. */
export function zoneCity(zone: string): string {
  return (zone.split('/').pop() ?? zone).replaceAll('_', ' ')
}

/** `jue 5 nov 2026, 15:07:09 (Lima, UTC−5)`. */
export function formatAbsolute(at: Date, zone: string, language: string): string {
  const where = `(${zoneCity(zone)}, ${utcOffset(at, zone)})`
  return `${formatLongDay(at, zone, language)}, ${formatClock(at, zone)} ${where}`
}

/** `jue 5 nov 2026`. */
export function formatLongDay(at: Date, zone: string, language: string): string {
  const p = parts(at, language, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: zone,
  })
  return [p['weekday'], p['day'], p['month'], p['year']].map((part) => (part ?? '').replace('.', '')).join(' ')
}

/** Age in the largest unit that keeps it readable; `null` means: old enough for the absolute form. */
export type Age = { unit: 'now' | 'second' | 'minute' | 'hour' | 'day'; count: number; future: boolean }

const week = 7 * 86_400

/** Age of `at` seen from `now`, both in milliseconds; `null` beyond a week. */
export function ageOf(at: number, now: number): Age | null {
  const future = at > now
  const seconds = Math.floor(Math.abs(now - at) / 1000)
  if (seconds > week) return null
  if (seconds < 2) return { unit: 'now', count: 0, future: false }
  if (seconds < 60) return { unit: 'second', count: seconds, future }
  if (seconds < 3600) return { unit: 'minute', count: Math.floor(seconds / 60), future }
  if (seconds < 86_400) return { unit: 'hour', count: Math.floor(seconds / 3600), future }
  return { unit: 'day', count: Math.floor(seconds / 86_400), future }
}

/** The calendar day after `2026-11-05`. */
export function nextDay(day: string): string {
  const at = new Date(`${day}T00:00:00Z`)
  at.setUTCDate(at.getUTCDate() + 1)
  return at.toISOString().slice(0, 10)
}

/** The instant, RFC 3339, in which a calendar day begins in a zone; where the clock skips midnight, the first after it. */
export function dayStart(day: string, zone: string): string {
  const wanted = Date.parse(`${day}T00:00:00Z`)
  const offset = (at: number) => Date.parse(`${isoDay(new Date(at), zone)}T${formatClock(new Date(at), zone)}Z`) - at
  const guess = wanted - offset(wanted)
  // The offset there may be another one: once more from there, unless that midnight is one that the clock skips.
  const again = wanted - offset(guess)
  const begins = isoDay(new Date(again), zone) === day ? again : Math.max(guess, again)
  return new Date(begins).toISOString()
}
