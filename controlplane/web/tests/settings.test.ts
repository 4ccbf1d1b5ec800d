import { describe, expect, it } from 'vitest'
import type { PermissionInfo, Tenant } from '@/api/types'
import { entityRoute } from '@/areas/operations/audit/entity'
import { browserOf } from '@/areas/operations/profile/browser'
import { expiryOf, keyState } from '@/areas/operations/settings/apiKey'
import { byGroup, standsOf, toLists } from '@/areas/operations/settings/rights'
import { scopeOf, sitesOf } from '@/areas/operations/settings/scope'
import { stateOfUse, worstUse } from '@/areas/operations/standing/use'
import { beyondLooking, visitState } from '@/areas/operations/standing/visit'
import { hasLogo, logoPicture } from '@/plugins/logo'
import { brandLooks } from '@/areas/operations/settings/brandLooks'
import { refusalOf } from '@/areas/operations/settings/logo'
import { sameWords, withField, wrongText } from '@/areas/operations/settings/messageText'
import { partsOf, tabOf, tabsFor } from '@/areas/operations/settings/tabs'
import { findings, fromTexts, toChange, toDraft, toTexts, type TenantDraft } from '@/areas/operations/settings/tenantDraft'
import { passwordFinding } from '@/areas/session/password'
import { weekdays } from '@/format/weekdays'
import { brandSurface, leastContrast } from '@/plugins/brand'

const right = (name: string): PermissionInfo => ({ name, description: name, group: name.split('.')[0] ?? '', dangerous: false })

describe('rights of a role', () => {
  const all = ['invoice.read', 'invoice.void', 'site.read'].map(right)

  it('stand together by noun', () => {
    expect(byGroup(all).map(({ group, rights }) => [group, rights.length])).toEqual([['invoice', 2], ['site', 1]])
  })

  it('are allowed, denied, or left to other roles, and deny wins over everything', () => {
    expect(standsOf({ allow: ['invoice.read'], deny: ['site.read'] }, all)).toEqual({ 'invoice.read': 'allow', 'invoice.void': 'none', 'site.read': 'deny' })
    expect(standsOf({ allow: ['*'], deny: ['invoice.void'] }, all)).toEqual({ 'invoice.read': 'allow', 'invoice.void': 'deny', 'site.read': 'allow' })
  })

  it('come back as the two lists that were read', () => {
    const role = { allow: ['invoice.read', 'invoice.void'], deny: ['site.read'] }
    expect(toLists(standsOf(role, all))).toEqual(role)
  })
})

describe('scope of a person', () => {
  it('is everything without sites', () => {
    expect(scopeOf([])).toEqual({ kind: 'all' })
    expect(sitesOf(scopeOf(['sit_1']))).toEqual(['sit_1'])
    expect(sitesOf({ kind: 'all' })).toEqual([])
  })
})

const tenant = {
  name: 'NetAndina', brand_color: null, time_zone: 'America/Lima', country: 'PE', locale: 'es-419', grace_days: 5, debt_tolerance: 1000, currency: 'PEN',
  automatic_cuts: 'on', offline_cuts: 'hold', two_person_cuts_from: 0, second_factor_roles: ['owner', 'admin'], cut_brake_tenant_basis_points: 200, cut_brake_basis_points: 300, cut_brake_floor: 10, change_brake_basis_points: 1000, change_brake_floor: 20, changes_per_minute: 300,
  no_cut_weekdays: [7, 6], no_cut_dates: ['2026-12-25'], quiet_hours: '21:00-08:00', cut_hours: '', languages: ['es-419', 'en'],
  allowed_networks: ['198.51.100.0/24', '192.0.2.7/32'], allowed_countries: ['BO', 'PE'],
} as unknown as Tenant
const read = toDraft(tenant, (minor) => (minor / 100).toFixed(2), '.')

describe('settings of an ISP', () => {
  it('are right as they are read, and nothing of them is sent when nothing changed', () => {
    expect(findings(read, 'PEN')).toEqual({})
    expect(toChange({ ...read }, read, 'PEN')).toEqual({})
  })

  it('send only what changed, as the server keeps it', () => {
    const draft = { ...read, name: ' Redes ', debt_tolerance: '12,50', cut_brake_tenant_basis_points: '2,75', two_person_cuts_from: '40' }
    expect(toChange(draft, read, 'PEN')).toEqual({ name: 'Redes', debt_tolerance: 1250, cut_brake_tenant_basis_points: 275, two_person_cuts_from: 40 })
    expect(toChange({ ...read, no_cut_weekdays: ['7'], no_cut_dates: [], quiet_hours: '' }, read, 'PEN')).toEqual({ no_cut_weekdays: [7], no_cut_dates: [], quiet_hours: '' })
    expect(toChange({ ...read, allowed_networks: ' 10.0.0.0/8  2001:db8::/32,', allowed_countries: 'pe' }, read, 'PEN')).toEqual({ allowed_networks: ['10.0.0.0/8', '2001:db8::/32'], allowed_countries: ['PE'] })
    expect(toChange({ ...read, allowed_networks: '' }, read, 'PEN')).toEqual({ allowed_networks: [] })
  })

  it('send hours of cuts and languages as they are kept', () => {
    expect(toChange({ ...read, cut_hours: '08:00-18:00', languages: ['es-419'] }, read, 'PEN')).toEqual({ cut_hours: '08:00-18:00', languages: ['es-419'] })
    expect(findings({ ...read, cut_hours: '08:00-' }, 'PEN')).toEqual({ cut_hours: 'field.hours_pair' })
  })

  it('are compared as texts and come back as they were', () => {
    expect(fromTexts(toTexts(read), read)).toEqual(read)
    expect(fromTexts({ ...toTexts(read), no_cut_dates: '' }, read).no_cut_dates).toEqual([])
  })

  it('name what is wrong by field', () => {
    const draft = { ...read, name: ' ', brand_color: 'red', grace_days: '-1', cut_brake_floor: 'x', quiet_hours: '21:00-', allowed_countries: 'PE, Peru' }
    expect(findings(draft, 'PEN')).toEqual({ name: 'field.required', brand_color: 'field.color', grace_days: 'field.days', cut_brake_floor: 'field.count', quiet_hours: 'field.hours_pair', allowed_countries: 'field.country_codes' })
    const painted = { ...read, brand_color: '#1F56C4' }
    expect(findings({ ...painted, brand_color: '' }, 'PEN')).toEqual({})
    expect(toChange({ ...painted, brand_color: '' }, painted, 'PEN')).toEqual({ brand_color: '' })
  })
})

describe('tabs of the settings', () => {
  it('are five at most, and lead to nothing that may not be seen', () => {
    const everything = tabsFor(() => true)
    expect(everything).toHaveLength(5)
    expect(tabOf(everything, 'roles').name).toBe('people')
    expect(partsOf(tabsFor(() => false))).toEqual(['tenant', 'brand', 'messages', 'collections', 'installation'])
  })
})

describe('a logo', () => {
  it('is refused before it is sent where a browser can tell', () => {
    expect(refusalOf({ size: 100_000, type: 'image/webp' })).toBeNull()
    expect(refusalOf({ size: 100_001, type: 'image/png' })).toBe('too_large')
    expect(refusalOf({ size: 0, type: 'image/png' })).toBe('required')
    expect(refusalOf({ size: 9, type: 'image/svg+xml' })).toBe('file_type')
  })

  it('is the picture that was made for what is below it, else on a plate', () => {
    const of = { name: 'NetAndina', slug: 'netandina', logo: 'blb_1', logo_dark: 'blb_2' }
    expect(logoPicture(of, {})).toEqual({ src: '/api/v1/tenant/logo?v=blb_1', plate: false })
    expect(logoPicture(of, { dark: true })).toEqual({ src: '/api/v1/tenant/logo?theme=dark&v=blb_2', plate: false })
    expect(logoPicture({ ...of, logo_dark: null }, { dark: true })).toEqual({ src: '/api/v1/tenant/logo?v=blb_1', plate: true })
    expect(logoPicture(of, { dark: true, plate: true, door: true })).toEqual({ src: '/api/v1/brand/logo?tenant=netandina&v=blb_1', plate: true })
    expect(logoPicture({ ...of, logo: null }, { plate: true })).toBeNull()
    expect([hasLogo(of), hasLogo({ ...of, logo: null }), hasLogo({ ...of, logo: null, logo_dark: null }), hasLogo(null)]).toEqual([true, true, false, false])
  })
})

describe('words of a notice', () => {
  it('name the fields of their template and no others', () => {
    const fields = ['isp', 'until']
    expect(wrongText('En {isp}, hasta { until }', fields)).toBeNull()
    expect(wrongText('{nombre}', fields)).toEqual({ why: 'unknown_field', field: '{nombre}' })
    for (const text of ['{isp', 'isp}', '{{isp}}']) expect(wrongText(text, fields)?.why).toBe('brace')
  })

  it('take a field in place of what is selected', () => {
    expect(withField('Hasta: x.', 'until', 7, 8)).toEqual({ text: 'Hasta: {until}.', cursor: 14 })
    expect(sameWords({ subject: ' a', text: 'b\n' }, { subject: 'a', text: 'b' })).toBe(true)
  })
})

describe('a brand colour', () => {
  it('can be read on as a surface whatever it is', () => {
    const steps = ['00', '33', '66', '80', '99', 'CC', 'FF']
    const ratios = steps.flatMap((r) => steps.flatMap((g) => steps.map((b) => brandSurface(`#${r}${g}${b}`)?.ratio ?? 0)))
    expect(Math.min(...ratios)).toBeGreaterThanOrEqual(leastContrast)
    expect(brandSurface('#12')).toBeNull()
  })

  it('is worn by controls where it can be read there, and says when it is not', () => {
    const teal = brandLooks('#0B7285')
    expect(teal.refused).toBe(false)
    expect(teal.checks.map((one) => one.what)).toEqual(['surface', 'light', 'dark'])
    expect(teal.checks.every((one) => one.ratio >= leastContrast)).toBe(true)
    const red = brandLooks('#D32F2F')
    expect([red.refused, red.surface?.color]).toEqual([true, '#D32F2F'])
    expect(red.looks[0]?.style['--brand-primary']).toBe(brandLooks('').looks[0]?.style['--brand-primary'])
  })
})

describe('days of the week', () => {
  it('have ISO numbers in the order of the country', () => {
    expect(weekdays('en', 1).map((one) => one.value).join('')).toBe('1234567')
    expect(weekdays('es-419', 0)[0]).toEqual({ value: '7', title: 'domingo' })
  })
})

describe('roles that demand a second factor', () => {
  const roles = (names: string[]): Partial<TenantDraft> => ({ second_factor_roles: names })

  it('are sent when they are others, not when they are the same in another list', () => {
    expect(toChange({ ...read, ...roles(['admin', 'owner']) }, read, 'PEN')).toEqual({})
    expect(toChange({ ...read, ...roles([]) }, read, 'PEN')).toEqual({ second_factor_roles: [] })
  })
})

describe('a key of a program', () => {
  const now = Date.parse('2026-11-05T12:00:00Z')

  it('works until it expires or is revoked', () => {
    expect(keyState({ expires_at: null, revoked_at: null }, now)).toBe('good')
    expect(keyState({ expires_at: '2026-11-05T12:00:01Z', revoked_at: null }, now)).toBe('good')
    expect(keyState({ expires_at: '2026-11-05T12:00:00Z', revoked_at: null }, now)).toBe('expired')
    expect(keyState({ expires_at: '2026-11-01T00:00:00Z', revoked_at: '2026-10-01T00:00:00Z' }, now)).toBe('revoked')
  })

  it('is made for so many days, or for ever', () => {
    expect(expiryOf('30', now)).toBe('2026-12-05T12:00:00.000Z')
    expect(expiryOf('never', now)).toBeNull()
  })
})

describe('use of a plan', () => {
  it('is near its limit from four fifths on, full at it, and over what a smaller plan left', () => {
    const states = [[7, 10], [8, 10], [10, 10], [11, 10], [0, 0], [3, null]].map(([used, allowed]) => stateOfUse({ used: used ?? 0, allowed: allowed ?? null }))
    expect(states).toEqual(['room', 'near', 'full', 'over', 'full', 'unlimited'])
  })

  it('is as bad as its worst limit', () => {
    expect(worstUse([{ used: 1, allowed: null }, { used: 9, allowed: 10 }, { used: 1, allowed: 10 }])).toBe('near')
    expect(worstUse([])).toBe('unlimited')
  })
})

describe('a visit of the installation', () => {
  const now = Date.parse('2026-11-05T12:00:00Z')

  it('goes on until its time, or until it is ended', () => {
    expect(visitState({ open: true, ended_at: null, until: '2026-11-05T12:00:01Z' }, now)).toBe('open')
    expect(visitState({ open: true, ended_at: null, until: '2026-11-05T12:00:00Z' }, now)).toBe('over')
    expect(visitState({ open: false, ended_at: '2026-11-05T11:00:00Z', until: '2026-11-05T13:00:00Z' }, now)).toBe('ended')
  })

  it('does more than look with rights that are not of reading', () => {
    expect(beyondLooking(['device.read', 'device.write', 'service.suspend'])).toEqual(['device.write', 'service.suspend'])
  })
})

describe('a new password', () => {
  it('has the length that the server asks for, in characters and not in bytes', () => {
    expect(passwordFinding('')).toBe('field.required')
    expect(passwordFinding('ñ'.repeat(9))).toBe('field.password_short')
    expect(passwordFinding('🗻'.repeat(10))).toBe('')
    expect(passwordFinding('a'.repeat(128))).toBe('')
    expect(passwordFinding('a'.repeat(129))).toBe('field.too_long')
  })
})

describe('things of the audit', () => {
  it('lead to their page, else to their list, else nowhere', () => {
    expect(entityRoute('customer', 'cus_1')).toEqual({ name: 'customer', params: { id: 'cus_1' } })
    expect(entityRoute('payment', 'pay_1')).toEqual({ name: 'receipt', params: { id: 'pay_1' } })
    expect(entityRoute('plan', 'pln_1')).toEqual({ name: 'plans' })
    expect(entityRoute('installation', 'ins_1')).toBeNull()
  })
})

describe('name of a browser', () => {
  it('is the telling one of those that it claims to be', () => {
    expect(browserOf('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36')).toBe('Chrome 141 · Linux')
    expect(browserOf('Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0')).toBe('Edge 140 · Windows')
    expect(browserOf('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1')).toBe('Safari 18 · iOS')
    expect(browserOf('curl/8.5')).toBe('')
  })
})
