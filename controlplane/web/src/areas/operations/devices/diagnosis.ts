import type { DiagnosisKind, EchoReply, JobPart, TraceHop } from '@/api/types'

/** Most that may be asked for at once. */
export const mostOf: Record<DiagnosisKind, number> = { ping: 100, traceroute: 20 }
export const usualOf: Record<DiagnosisKind, number> = { ping: 4, traceroute: 3 }

/** The number that a field holds, when a device can be asked for so many. */
export function countOf(text: string | undefined, kind: DiagnosisKind): number | null {
  const count = Number(text)
  return text?.trim() && Number.isInteger(count) && count >= 1 && count <= mostOf[kind] ? count : null
}

/** An IPv4 or IPv6 address by its look; the server decides. */
export function looksLikeAddress(text: string): boolean {
  const address = text.trim()
  if (address.includes(':')) return /^[0-9a-f:.]{2,45}$/i.test(address)
  const bytes = address.split('.')
  return bytes.length === 4 && bytes.every((byte) => /^\d{1,3}$/.test(byte) && Number(byte) < 256)
}

export interface EchoSummary {
  sent: number
  answered: number
  /** Shortest and longest round trip, microseconds; none when nobody answered. */
  best: number | null
  worst: number | null
}

/** Every echo, in the order in which it was told. */
export function echoesOf(parts: readonly JobPart[]): EchoReply[] {
  return parts.flatMap((part) => part.echoes)
}

export function summary(echoes: readonly EchoReply[]): EchoSummary {
  const times = echoes.map((echo) => echo.round_trip_us).filter((time): time is number => time != null)
  return {
    sent: echoes.length,
    answered: times.length,
    best: times.length ? Math.min(...times) : null,
    worst: times.length ? Math.max(...times) : null,
  }
}

/** The hops as the last round left them: each round tells all of them anew. */
export function lastRound(parts: readonly JobPart[]): TraceHop[] {
  return [...parts].reverse().find((part) => part.hops.length > 0)?.hops ?? []
}
