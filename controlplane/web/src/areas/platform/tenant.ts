/** An ISP as its operator sees it. */
import { stateOfUse, worstUse, type UseState } from '@/areas/operations/standing/use'
import type { LimitUse, NewTenantPlan, TenantHealth, TenantPlan, TenantRow } from '@/api/types'
import type { Tone } from '@/states/tone'

/** What a person has to look at: an agent that is away, or what was given up. */
export function healthTone(health: TenantHealth): Tone {
  if (health.agents_connected < health.agents || health.dead_letters > 0) return 'warning'
  return health.agents ? 'good' : 'plain'
}

/** Counts that the list's first line says. */
export function summary(rows: readonly TenantRow[]): { all: number; readOnly: number; troubled: number } {
  return {
    all: rows.length,
    readOnly: rows.filter((row) => row.state === 'read_only').length,
    troubled: rows.filter((row) => healthTone(row.health) === 'warning').length,
  }
}

export function useStateOf(row: Pick<TenantRow, 'usage'>): UseState {
  return worstUse(row.usage.limits)
}

/** Of what there would be as much as a plan allows, or more: nothing of it could be added. */
export function fullUnder(plan: TenantPlan | undefined, limits: readonly LimitUse[]): LimitUse[] {
  if (!plan) return []
  return limits
    .map((one) => ({ ...one, allowed: plan[one.limit] ?? null }))
    .filter((one) => ['full', 'over'].includes(stateOfUse(one)))
}

/** Limits of a plan as a form writes them; empty is unlimited. */
export const planNumbers = ['customers', 'devices', 'users', 'requests_per_minute'] as const
export type PlanNumber = (typeof planNumbers)[number]

/** A whole number; null for nothing, undefined for what is no number. */
export function wholeOrNothing(text: string): number | null | undefined {
  const typed = text.trim()
  if (!typed) return null
  return /^\d{1,10}$/.test(typed) ? Number(typed) : undefined
}

/** The plan that a form's texts say; what is no number was refused before. */
export function planOf(draft: Record<string, string>): NewTenantPlan {
  const number = (name: PlanNumber) => wholeOrNothing(draft[name] ?? '') ?? null
  return {
    name: (draft['name'] ?? '').trim(),
    contact: (draft['contact'] ?? '').trim(),
    customers: number('customers'),
    devices: number('devices'),
    users: number('users'),
    requests_per_minute: number('requests_per_minute'),
  }
}

/** Time zone of a country's capital (IANA), where most of its ISPs are; another one may be chosen. */
export const capitalZone: Record<string, string> = {
  PE: 'America/Lima',
  CO: 'America/Bogota',
  AR: 'America/Buenos_Aires',
  MX: 'America/Mexico_City',
  CL: 'America/Santiago',
  EC: 'America/Guayaquil',
  BR: 'America/Sao_Paulo',
}

/** A short name from a long one: lower case, digits and hyphens, as host names have them. */
export function slugOf(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
}
