/**
 * Every operation that the pages of an ISP call, by resource; those of the installation stand in `platform.ts`, those of
 * passkeys in `passkeys.ts`, notices and links for a password in `notices.ts`, a person's data in `personal.ts`, identity providers in
 * `signOn.ts`: no list needs them. Paths stand nowhere else.
 */
import { call, get, patch, pathWithQuery, post, type Answer, type Query } from './client'
import { upload, type Upload } from './upload'
import type * as T from './types'

type Signal = AbortSignal | undefined

/** The largest page the server gives; for short lists that a picker shows whole. */
const all: Query = { limit: 200 }

export const api = {
  session: {
    options: () => get<T.LoginOptions>('/login-options'),
    read: () => get<T.Session>('/session'),
    create: (body: { tenant?: string; email: string; password: string }) =>
      post<T.Session | T.SecondFactorWanted>('/session', body),
    secondFactor: (challenge: string, code: string) => post<T.Session>('/session/second-factor', { challenge, code }),
    endSignIn: (returned: T.SignInReturned) =>
      post<T.Session | T.SecondFactorWanted>('/session/identity-provider/return', returned),
    remove: () => call<undefined>('DELETE', '/session'),
    stepUp: (password: string) => post<T.Session>('/session/step-up', { password }),
  },
  me: {
    sessions: () => get<T.Page<T.SessionInfo>>('/me/sessions', all),
    endSession: (id: string) => call<undefined>('DELETE', `/me/sessions/${id}`),
    endOtherSessions: () => call<undefined>('DELETE', '/me/sessions'),
    security: () => get<T.Security>('/me/security'),
    changePassword: (current: string, password: string) => post<undefined>('/me/password', { current, password }),
    enrolApp: () => post<T.Enrolment>('/me/app'),
    confirmApp: (code: string) => post<T.RecoveryCodes>('/me/app/confirm', { code }),
    removeApp: () => call<undefined>('DELETE', '/me/app'),
    renewCodes: () => post<T.RecoveryCodes>('/me/recovery-codes'),
  },
  apiKeys: {
    list: (query: Query) => get<T.Page<T.ApiKey>>('/api-keys', query),
    create: (body: T.NewApiKey) => post<T.ApiKeyMade>('/api-keys', body),
    revoke: (id: string) => call<undefined>('DELETE', `/api-keys/${id}`),
  },
  search: (query: Query, signal?: Signal) => get<T.SearchResult>('/search', query, signal),
  permissions: () => get<T.Page<T.PermissionInfo>>('/permissions', all),
  roles: {
    list: () => get<T.Page<T.StaffRole>>('/roles', all),
    readVersion: (id: string) => call<T.StaffRole>('GET', `/roles/${id}`),
    create: (body: T.NewRole) => post<T.StaffRole>('/roles', body),
    update: (id: string, body: T.RoleChange, etag: string | null) => patch<T.StaffRole>(`/roles/${id}`, body, etag),
    remove: (id: string) => call<undefined>('DELETE', `/roles/${id}`),
  },
  approvals: {
    read: (id: string) => get<T.Approval>(`/approvals/${id}`),
    approve: (id: string) => post<T.Approval>(`/approvals/${id}/approve`),
    reject: (id: string, reason: string) => post<T.Approval>(`/approvals/${id}/reject`, { reason }),
  },
  tenant: {
    read: (): Promise<Answer<T.Tenant>> => call<T.Tenant>('GET', '/tenant'),
    update: (body: T.TenantChange, etag: string | null) => patch<T.Tenant>('/tenant', body, etag),
    domain: () => get<T.TenantDomain>('/tenant/domain'),
    use: () => get<T.TenantUse>('/tenant/use'),
    logoSet: (theme: 'light' | 'dark', file: Blob) => call<T.Tenant>('PUT', '/tenant/logo', { query: { theme }, file }),
    logoRemove: (theme: 'light' | 'dark') => call<T.Tenant>('DELETE', '/tenant/logo', { query: { theme } }),
  },
  visits: {
    list: (query: Query) => get<T.Page<T.Visit>>('/operator-visits', query),
    end: (id: string) => call<undefined>('DELETE', `/operator-visits/${id}`),
  },
  deadLetters: {
    list: (query: Query) => get<T.Page<T.DeadLetter>>('/dead-letters', query),
    replay: (id: string) => post<T.DeadLetter>(`/dead-letters/${id}/replay`),
    discard: (id: string, reason: string) => post<undefined>(`/dead-letters/${id}/discard`, { reason }),
  },
  backups: (query: Query) => get<T.Page<T.BackupSeen>>('/backups', query),
  users: {
    list: () => get<T.Page<T.User>>('/users', all),
    sorted: (sort: string) => get<T.Page<T.User>>('/users', sort ? { ...all, sort } : all),
    create: (body: T.NewUser) => post<T.User>('/users', body),
    readVersion: (id: string) => call<T.User>('GET', `/users/${id}`),
    update: (id: string, body: T.UserChange, etag: string | null) => patch<T.User>(`/users/${id}`, body, etag),
    setPassword: (id: string, password: string) => post<unknown>(`/users/${id}/password`, { password }),
    createLink: (id: string, send: boolean) => post<T.Link>(`/users/${id}/link`, { send }),
    resetApp: (id: string) => call<undefined>('DELETE', `/users/${id}/app`),
  },
  home: (signal?: Signal) => get<T.Home>('/home', undefined, signal),
  sites: {
    list: () => get<T.Page<T.SiteRow>>('/sites', all),
    create: (body: T.NewSite) => post<T.Site>('/sites', body),
    readVersion: (id: string) => call<T.Site>('GET', `/sites/${id}`),
    update: (id: string, body: T.SiteChange, etag: string | null) => patch<T.Site>(`/sites/${id}`, body, etag),
  },
  agents: {
    list: () => get<T.Page<T.Agent>>('/agents', all),
    sorted: (sort: string) => get<T.Page<T.Agent>>('/agents', sort ? { ...all, sort } : all),
    read: (id: string) => get<T.Agent>(`/agents/${id}`),
    readVersion: (id: string) => call<T.Agent>('GET', `/agents/${id}`),
    update: (id: string, body: T.AgentChange, etag: string | null) => patch<T.Agent>(`/agents/${id}`, body, etag),
    revoke: (id: string, reason: string) => post<T.Agent>(`/agents/${id}/revoke`, { reason }),
    createToken: (body: { site_id: string; name?: string }) => post<T.AgentToken>('/agent-tokens', body),
    heldCuts: (id: string) => get<{ items: T.HeldCut[] }>(`/agents/${id}/held-cuts`),
    releaseCuts: (id: string, points: string[]) =>
      post<unknown>(`/agents/${id}/held-cuts/release`, { point_ids: points }),
  },
  devices: {
    list: (query: Query, signal?: Signal) => get<T.Page<T.Device>>('/devices', query, signal),
    read: (id: string) => get<T.Device>(`/devices/${id}`),
    readVersion: (id: string) => call<T.Device>('GET', `/devices/${id}`),
    update: (id: string, body: T.DeviceChange, etag: string | null) => patch<T.Device>(`/devices/${id}`, body, etag),
    create: (body: T.NewDevice) => post<T.Device>('/devices', body),
    remove: (id: string) => call<undefined>('DELETE', `/devices/${id}`),
    startTest: (body: Omit<T.NewDevice, 'name'>) => post<{ id: string }>('/devices/connection-tests', body),
    readTest: (id: string) => get<T.ConnectionTest>(`/devices/connection-tests/${id}`),
    script: (body: { name: string; agent_id: string; tls: boolean }) =>
      post<T.RouterosScript>('/devices/routeros-script', body),
    startPlan: (id: string) => post<unknown>(`/devices/${id}/plan`),
    readPlan: (id: string) => get<T.DevicePlan>(`/devices/${id}/plan`),
    startDiagnosis: (id: string, body: T.NewDiagnosis) => post<{ id: string }>(`/devices/${id}/diagnoses`, body),
    readDiagnosis: (id: string) => get<T.Diagnosis>(`/devices/diagnoses/${id}`),
    readOutput: (id: string, after: number) => get<{ items: T.JobPart[] }>(`/devices/diagnoses/${id}/output`, { after }),
    stopDiagnosis: (id: string) => post<T.Diagnosis>(`/devices/diagnoses/${id}/cancel`),
    setMode: (id: string, mode: T.DeviceMode) => post<T.Device>(`/devices/${id}/mode`, { mode }),
  },
  customers: {
    list: (query: Query, signal?: Signal) => get<T.Page<T.CustomerRow>>('/customers', query, signal),
    create: (body: T.NewCustomer, key: string) => post<T.Customer>('/customers', body, key),
    readVersion: (id: string) => call<T.Customer>('GET', `/customers/${id}`),
    update: (id: string, body: T.CustomerChange, etag: string | null) =>
      patch<T.Customer>(`/customers/${id}`, body, etag),
    overview: (id: string) => get<T.CustomerOverview>(`/customers/${id}/overview`),
  },
  plans: {
    list: () => get<T.Page<T.Plan>>('/plans', all),
    create: (body: T.NewPlan) => post<T.Plan>('/plans', body),
    readVersion: (id: string) => call<T.Plan>('GET', `/plans/${id}`),
    update: (id: string, body: T.PlanChange, etag: string | null) => patch<T.Plan>(`/plans/${id}`, body, etag),
  },
  services: {
    read: (id: string) => get<T.ServiceRecord>(`/services/${id}`),
    create: (body: { customer_id: string; plan_id: string; site_id: string }, key: string) =>
      post<T.Service>('/services', body, key),
    cut: (id: string, reason: string, key: string) => post<T.Service>(`/services/${id}/cut`, { reason }, key),
    reconnect: (id: string, reason: string, key: string) =>
      post<T.Service>(`/services/${id}/reconnect`, { reason }, key),
    terminate: (id: string, reason: string, key: string) =>
      post<T.Service>(`/services/${id}/terminate`, { reason }, key),
    changePlan: (id: string, plan_id: string, key: string) => post<T.Service>(`/services/${id}/plan`, { plan_id }, key),
    holdOpen: (id: string, hours: number, key: string) =>
      post<T.ServiceNetwork>(`/services/${id}/hold-open`, { hours }, key),
    attach: (id: string, body: T.NewAttachment, key: string) =>
      post<T.Attachment>(`/services/${id}/attachments`, body, key),
    detach: (attachment: string) => call<undefined>('DELETE', `/attachments/${attachment}`),
  },
  invoices: {
    list: (query: Query, signal?: Signal) => get<T.Page<T.InvoiceRow>>('/invoices', query, signal),
    read: (id: string) => get<T.Invoice>(`/invoices/${id}`),
    bill: (month: string, key: string) =>
      post<{ created: number; skipped: number; total: T.Money }>('/invoices/billing-runs', { month }, key),
    cancel: (id: string, reason: string, key: string) => post<T.Invoice>(`/invoices/${id}/void`, { reason }, key),
  },
  payments: {
    list: (query: Query, signal?: Signal) => get<T.Page<T.Payment>>('/payments', query, signal),
    read: (id: string) => get<T.PaymentDetail>(`/payments/${id}`),
    create: (body: T.NewPayment, key: string) => post<T.PaymentReceipt>('/payments', body, key),
  },
  runs: {
    list: () => get<T.Page<T.Run>>('/collections/runs'),
    read: (id: string) => get<T.Run>(`/collections/runs/${id}`),
    preview: (key: string) => post<T.Run>('/collections/runs', {}, key),
    setIncluded: (id: string, services: string[], included: boolean) =>
      call<T.Run>('PATCH', `/collections/runs/${id}/items`, { body: { service_ids: services, included } }).then((answer) => answer.data),
    execute: (id: string, body: { expected_services: number; enable_automatic?: boolean }, key: string) =>
      post<T.Run>(`/collections/runs/${id}/execute`, body, key),
  },
  notes: {
    list: (subject: string, cursor?: string) => get<T.Page<T.Note>>('/notes', { subject, cursor }),
    readVersion: (id: string) => call<T.Note>('GET', `/notes/${id}`),
    create: (body: T.NewNote, key: string) => post<T.Note>('/notes', body, key),
    update: (id: string, body: T.NoteChange, etag: string | null) => patch<T.Note>(`/notes/${id}`, body, etag),
    remove: (id: string) => call<undefined>('DELETE', `/notes/${id}`),
  },
  files: {
    list: (subject: string, cursor?: string) => get<T.Page<T.StoredFile>>('/files', { subject, cursor }),
    create: (subject: string, name: string, sent: Omit<Upload, 'query'>) =>
      upload<T.StoredFile>('/files', { ...sent, query: { subject, name } }),
    remove: (id: string) => call<undefined>('DELETE', `/files/${id}`),
    /** Where the browser saves it from. */
    content: (id: string) => pathWithQuery(`/files/${id}/content`),
  },
  timeline: (query: Query, cursor?: string) => get<T.Page<T.TimelineEntry>>('/timeline', { ...query, cursor }),
  events: (query: Query) => get<T.Page<T.Event>>('/events', query),
  audit: (query: Query) => get<T.Page<T.AuditRow>>('/audit', query),
  auditHead: () => get<T.AuditHead>('/audit/head'),
  metrics: {
    range: (query: Query, signal?: Signal) => get<T.MetricRange>('/metrics/range', query, signal),
    last: (query: Query) => get<T.Values>('/metrics/last', query),
  },
}
