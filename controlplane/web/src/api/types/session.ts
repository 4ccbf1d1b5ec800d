/** Who is logged in, for which tenant, and the tenant itself. */

export interface LoginOptions {
  tenant: { slug: string; name: string; brand_color: string | null } | null
  tenants: { slug: string; name: string }[]
}

export interface Session {
  user: { id: string; name: string; email: string; role: Role }
  tenant: {
    id: string
    slug: string
    name: string
    currency: string
    time_zone: string
    locale: string
    country: string
    brand_color: string | null
  }
  permissions: string[]
  csrf_token: string
  environment: 'production' | 'staging' | 'development'
  safe_mode: boolean
}

export type Role = 'owner' | 'admin' | 'billing_clerk' | 'noc_operator' | 'technician' | 'read_only'

export const roles: readonly Role[] = [
  'owner',
  'admin',
  'billing_clerk',
  'noc_operator',
  'technician',
  'read_only',
]

export interface Tenant {
  id: string
  slug: string
  name: string
  time_zone: string
  currency: string
  locale: string
  country: string
  brand_color: string | null
  grace_days: number
  /** Minor units. */
  debt_tolerance: number
  cut_brake_floor: number
  cut_brake_basis_points: number
  offline_cuts: boolean | string
  automatic_cuts: 'off_until_preview' | 'on' | 'off'
}

export interface User {
  id: string
  name: string
  email: string
  role: Role
  disabled?: boolean
}
