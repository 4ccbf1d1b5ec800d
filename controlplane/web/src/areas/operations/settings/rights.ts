/** What a role says of each right: it allows it, denies it (which wins over other roles), or says nothing. */
import type { PermissionInfo, StaffRole } from '@/api/types'

export type Stand = 'none' | 'allow' | 'deny'
export const stands: readonly Stand[] = ['none', 'allow', 'deny']

export interface RightGroup {
  group: string
  rights: PermissionInfo[]
}

/** Rights of one noun together, in the order in which they come. */
export function byGroup(rights: readonly PermissionInfo[]): RightGroup[] {
  const groups = new Map<string, PermissionInfo[]>()
  for (const right of rights) groups.set(right.group, [...(groups.get(right.group) ?? []), right])
  return [...groups].map(([group, rights]) => ({ group, rights }))
}

/** How a role stands to each of these rights. */
export function standsOf(role: Pick<StaffRole, 'allow' | 'deny'>, rights: readonly PermissionInfo[]): Record<string, Stand> {
  const everything = role.allow.includes('*')
  const stand = (name: string): Stand => {
    if (role.deny.includes(name)) return 'deny'
    return everything || role.allow.includes(name) ? 'allow' : 'none'
  }
  return Object.fromEntries(rights.map(({ name }) => [name, stand(name)]))
}

/** The two lists that the server keeps. */
export function toLists(chosen: Record<string, Stand>): { allow: string[]; deny: string[] } {
  const names = (wanted: Stand) => Object.keys(chosen).filter((name) => chosen[name] === wanted).sort()
  return { allow: names('allow'), deny: names('deny') }
}
