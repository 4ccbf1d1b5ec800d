/** The settings of an ISP as the form writes them, and back. */
import { basisPoints, percentText } from './brake'
import { parseMoney } from '@/format/money'
import { quietHours } from '@/format/quietHours'
import type { AutomaticCuts, OfflineCuts, Tenant, TenantChange } from '@/api/types'

export interface TenantDraft {
  name: string
  brand_color: string
  time_zone: string
  country: string
  locale: string
  grace_days: string
  debt_tolerance: string
  automatic_cuts: AutomaticCuts
  offline_cuts: OfflineCuts
  two_person_cuts_from: string
  second_factor_roles: string[]
  cut_brake_tenant_basis_points: string
  cut_brake_basis_points: string
  cut_brake_floor: string
  change_brake_basis_points: string
  change_brake_floor: string
  changes_per_minute: string
  /** ISO numbers, 1 for Monday. */
  no_cut_weekdays: string[]
  /** `2026-12-25`, the earliest first. */
  no_cut_dates: string[]
  /** `21:00-08:00`; empty for none. */
  quiet_hours: string
  /** `08:00-18:00`; empty for any hour. */
  cut_hours: string
  /** In the order in which the page lists them. */
  languages: string[]
  /** `10.0.0.0/8, 192.0.2.7`; empty for everywhere. */
  allowed_networks: string
  /** `PE, BO`. */
  allowed_countries: string
}

/** What one page of the settings writes; the rest of a draft is as it was read. */
export const identityFields = [
  'name', 'country', 'time_zone', 'locale', 'languages', 'quiet_hours', 'second_factor_roles', 'allowed_networks', 'allowed_countries',
] as const
export const brandFields = ['brand_color'] as const
export const collectionFields = [
  'automatic_cuts', 'grace_days', 'debt_tolerance', 'offline_cuts', 'two_person_cuts_from', 'cut_hours', 'no_cut_weekdays', 'no_cut_dates',
  'cut_brake_tenant_basis_points', 'cut_brake_basis_points', 'cut_brake_floor', 'change_brake_basis_points', 'change_brake_floor',
  'changes_per_minute',
] as const

/** `#rrggbb`. */
export const hexColor = /^#[0-9a-f]{6}$/i

/** `amount` writes minor units as people do, `decimal` is the country's sign. */
export function toDraft(one: Tenant, amount: (minor: number) => string, decimal: string): TenantDraft {
  return {
    name: one.name,
    brand_color: one.brand_color ?? '',
    time_zone: one.time_zone,
    country: one.country,
    locale: one.locale,
    grace_days: String(one.grace_days),
    debt_tolerance: amount(one.debt_tolerance),
    automatic_cuts: one.automatic_cuts,
    offline_cuts: one.offline_cuts,
    two_person_cuts_from: String(one.two_person_cuts_from),
    second_factor_roles: [...one.second_factor_roles].sort(),
    cut_brake_tenant_basis_points: percentText(one.cut_brake_tenant_basis_points, decimal),
    cut_brake_basis_points: percentText(one.cut_brake_basis_points, decimal),
    cut_brake_floor: String(one.cut_brake_floor),
    change_brake_basis_points: percentText(one.change_brake_basis_points, decimal),
    change_brake_floor: String(one.change_brake_floor),
    changes_per_minute: String(one.changes_per_minute),
    no_cut_weekdays: one.no_cut_weekdays.map(String).sort(),
    no_cut_dates: [...one.no_cut_dates].sort(),
    quiet_hours: one.quiet_hours,
    cut_hours: one.cut_hours,
    languages: [...one.languages],
    allowed_networks: one.allowed_networks.join(', '),
    allowed_countries: one.allowed_countries.join(', '),
  }
}

const lists = ['second_factor_roles', 'no_cut_weekdays', 'no_cut_dates', 'languages'] as const

/** Each field as one text, so that two versions can be compared; and back. */
export function toTexts(draft: TenantDraft): Record<string, string> {
  return Object.fromEntries(Object.entries(draft).map(([name, value]) => [name, String(value)]))
}

export function fromTexts(texts: Record<string, string>, like: TenantDraft): TenantDraft {
  const split = Object.fromEntries(lists.map((name) => [name, (texts[name] ?? '').split(',').filter(Boolean)]))
  return { ...like, ...texts, ...split }
}

/** Words between commas or spaces. */
function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean)
}

function wholeNumber(text: string): number | null {
  return /^\d+$/.test(text.trim()) ? Number(text) : null
}

/** Keys of what is wrong, by field; none is an empty record. An empty colour takes it away. */
export function findings(draft: TenantDraft, currency: string): Partial<Record<keyof TenantDraft, string>> {
  const tolerance = parseMoney(draft.debt_tolerance, currency)
  const found: [keyof TenantDraft, boolean, string][] = [
    ['name', !draft.name.trim(), 'field.required'],
    ['brand_color', draft.brand_color !== '' && !hexColor.test(draft.brand_color), 'field.color'],
    ['grace_days', wholeNumber(draft.grace_days) === null, 'field.days'],
    ['debt_tolerance', tolerance === null || tolerance < 0, 'field.amount'],
    ['two_person_cuts_from', wholeNumber(draft.two_person_cuts_from) === null, 'field.count'],
    ['cut_brake_tenant_basis_points', basisPoints(draft.cut_brake_tenant_basis_points) === null, 'field.percent'],
    ['cut_brake_basis_points', basisPoints(draft.cut_brake_basis_points) === null, 'field.percent'],
    ['cut_brake_floor', wholeNumber(draft.cut_brake_floor) === null, 'field.count'],
    ['change_brake_basis_points', basisPoints(draft.change_brake_basis_points) === null, 'field.percent'],
    ['change_brake_floor', wholeNumber(draft.change_brake_floor) === null, 'field.count'],
    ['changes_per_minute', !wholeNumber(draft.changes_per_minute), 'field.count'],
    ['allowed_countries', words(draft.allowed_countries).some((code) => !/^[a-z]{2}$/i.test(code)), 'field.country_codes'],
    ['quiet_hours', draft.quiet_hours !== '' && !quietHours(draft.quiet_hours), 'field.hours_pair'],
    ['cut_hours', draft.cut_hours !== '' && !quietHours(draft.cut_hours), 'field.hours_pair'],
  ]
  return Object.fromEntries(found.filter(([, wrong]) => wrong).map(([field, , key]) => [field, key]))
}

/** Only what differs from what was read: somebody who changes the colour saves nothing else. */
export function toChange(draft: TenantDraft, read: TenantDraft, currency: string): TenantChange {
  const written: Record<keyof TenantDraft, unknown> = {
    ...draft,
    name: draft.name.trim(),
    grace_days: wholeNumber(draft.grace_days),
    debt_tolerance: parseMoney(draft.debt_tolerance, currency),
    two_person_cuts_from: wholeNumber(draft.two_person_cuts_from),
    cut_brake_tenant_basis_points: basisPoints(draft.cut_brake_tenant_basis_points),
    cut_brake_basis_points: basisPoints(draft.cut_brake_basis_points),
    cut_brake_floor: wholeNumber(draft.cut_brake_floor),
    change_brake_basis_points: basisPoints(draft.change_brake_basis_points),
    change_brake_floor: wholeNumber(draft.change_brake_floor),
    changes_per_minute: wholeNumber(draft.changes_per_minute),
    no_cut_weekdays: draft.no_cut_weekdays.map(Number),
    allowed_networks: words(draft.allowed_networks),
    allowed_countries: words(draft.allowed_countries).map((code) => code.toUpperCase()),
  }
  const names = Object.keys(draft) as (keyof TenantDraft)[]
  return Object.fromEntries(names.filter((name) => String(draft[name]) !== String(read[name])).map((name) => [name, written[name]]))
}
