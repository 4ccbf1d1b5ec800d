import type { RouteLocationRaw } from 'vue-router'

/** Nouns whose changes a person looks for, in the order of the navigation. */
export const nouns = [
  'customer',
  'service',
  'attachment',
  'invoice',
  'payment',
  'collections',
  'plan',
  'site',
  'device',
  'agent',
  'agent_token',
  'cut',
  'network',
  'user',
  'role',
  'session',
  'factor',
  'link',
  'notice',
  'token',
  'api_key',
  'tenant',
  'approval',
  'dead_letter',
  'operator_visit',
  'note',
  'file',
] as const

/** Who can act, as the server names it. */
export const actorKinds = ['user', 'operator', 'api_key', 'token', 'agent', 'command_line', 'system'] as const

/** Pages of single things, by the prefix of their typed ids. */
const pages: Record<string, string> = {
  cus: 'customer',
  inv: 'invoice',
  pay: 'receipt',
  run: 'run',
  dev: 'device',
  agt: 'agent',
  svc: 'service',
  rol: 'role',
}

/** Pages of kinds that have no page for each: their list. */
const lists: Record<string, RouteLocationRaw> = {
  plan: { name: 'plans' },
  site: { name: 'sites' },
  agent_token: { name: 'agents' },
  dead_letter: { name: 'dead-letters' },
  notice: { name: 'notices' },
  api_key: { name: 'settings', params: { tab: 'keys' } },
  user: { name: 'settings', params: { tab: 'users' } },
  operator_visit: { name: 'settings', params: { tab: 'installation' } },
  tenant: { name: 'settings' },
}

/** Where a thing is looked at; null where it has no page. */
export function entityRoute(kind: string, id: string): RouteLocationRaw | null {
  const name = pages[id.split('_')[0] ?? '']
  if (name) return { name, params: { id } }
  return lists[kind] ?? null
}
