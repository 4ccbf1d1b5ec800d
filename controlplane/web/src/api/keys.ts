/**
 * Names of everything in the query cache. The first word is the resource, so that an event can
 * refresh "all lists of invoices" without knowing their filters.
 */
import type { Query } from './client'

export const keys = {
  home: ['home'] as const,
  tenant: ['tenant'] as const,
  users: ['users'] as const,
  roles: ['roles'] as const,
  role: (id: string) => ['role', id] as const,
  permissions: ['permissions'] as const,
  approval: (id: string) => ['approval', id] as const,
  mySessions: ['my-sessions'] as const,
  security: ['security'] as const,
  passkeys: ['passkeys'] as const,
  apiKeys: ['api-keys'] as const,
  apiKeyPage: (query: Query) => ['api-keys', query] as const,
  sites: ['sites'] as const,
  agents: ['agents'] as const,
  agent: (id: string) => ['agent', id] as const,
  heldCuts: (id: string) => ['held-cuts', id] as const,
  devices: (query: Query) => ['devices', query] as const,
  device: (id: string) => ['device', id] as const,
  devicePlan: (id: string) => ['device-plan', id] as const,
  metrics: (id: string, query: Query) => ['metrics', id, query] as const,
  connectionTest: (id: string) => ['connection-test', id] as const,
  customers: (query: Query) => ['customers', query] as const,
  customer: (id: string) => ['customer', id] as const,
  service: (id: string) => ['service', id] as const,
  plans: ['plans'] as const,
  invoices: (query: Query) => ['invoices', query] as const,
  invoice: (id: string) => ['invoice', id] as const,
  payments: (query: Query) => ['payments', query] as const,
  payment: (id: string) => ['payment', id] as const,
  search: (query: Query) => ['search', query] as const,
  runs: ['runs'] as const,
  run: (id: string) => ['run', id] as const,
  notes: (subject: string) => ['notes', subject] as const,
  files: (subject: string) => ['files', subject] as const,
  timeline: (subject: string, query: Query = {}) => ['timeline', subject, query] as const,
  events: (query: Query) => ['events', query] as const,
  audit: (query: Query) => ['audit', query] as const,
  auditHead: ['audit-head'] as const,
  backupPage: (query: Query) => ['backups', query] as const,
  tenantUse: ['tenant-use'] as const,
  visits: ['operator-visits'] as const,
  visitPage: (query: Query) => ['operator-visits', query] as const,
  deadLetters: ['dead-letters'] as const,
  deadLetterPage: (query: Query) => ['dead-letters', query] as const,
}

/** A key or the beginning of one. */
export type KeyPrefix = readonly unknown[]
