/** Every operation of the installation's own pages, as an operator; and their names in the cache. */
import { call, get, post, put, type Query } from './client'
import type * as T from './types'

export const platform = {
  session: {
    read: () => get<T.OperatorSessionInfo>('/platform/session'),
    create: (body: { email: string; password: string; code?: string }) => post<T.OperatorSessionInfo>('/platform/session', body),
    remove: () => call<undefined>('DELETE', '/platform/session'),
  },
  app: {
    enrol: () => post<T.Enrolment>('/platform/me/app'),
    confirm: (code: string) => post<undefined>('/platform/me/app/confirm', { code }),
    remove: () => call<undefined>('DELETE', '/platform/me/app'),
  },
  tenants: {
    list: (query: Query) => get<T.TenantPage>('/platform/tenants', query),
    read: (id: string) => get<T.TenantRow>(`/platform/tenants/${id}`),
    create: (body: T.NewTenantRequest) => post<T.NewTenantMade>('/platform/tenants', body),
    setPlan: (id: string, plan: string | null) => put<T.Tenant>(`/platform/tenants/${id}/plan`, { plan_id: plan }),
    setState: (id: string, state: T.TenantState, reason: string) => put<T.Tenant>(`/platform/tenants/${id}/state`, { state, reason }),
    visits: (id: string, query: Query) => get<T.Page<T.Visit>>(`/platform/tenants/${id}/visits`, query),
    enter: (id: string, body: T.NewVisit) => post<T.Visit>(`/platform/tenants/${id}/visits`, body),
    endVisit: (id: string, visit: string) => call<undefined>('DELETE', `/platform/tenants/${id}/visits/${visit}`),
  },
  plans: {
    list: () => get<T.Page<T.TenantPlan>>('/platform/plans'),
    create: (body: T.NewTenantPlan) => post<T.TenantPlan>('/platform/plans', body),
    change: (id: string, body: T.NewTenantPlan, version: number) => put<T.TenantPlan>(`/platform/plans/${id}`, body, `"${version}"`),
  },
  backups: {
    list: (query: Query) => get<T.Page<T.BackupRow>>('/platform/backups', query),
    make: () => post<undefined>('/platform/backups'),
  },
  audit: (query: Query) => get<T.Page<T.AuditRow>>('/platform/audit', query),
}

export const platformKeys = {
  tenants: ['platform', 'tenants'] as const,
  tenantPage: (query: Query) => ['platform', 'tenants', query] as const,
  tenant: (id: string) => ['platform', 'tenant', id] as const,
  visits: (id: string) => ['platform', 'visits', id] as const,
  visitPage: (id: string, query: Query) => ['platform', 'visits', id, query] as const,
  plans: ['platform', 'plans'] as const,
  backups: ['platform', 'backups'] as const,
  backupPage: (query: Query) => ['platform', 'backups', query] as const,
  audit: (query: Query) => ['platform', 'audit', query] as const,
}
