/** Tabs of the settings, at most five, and the parts of each; addresses name parts (`/settings/roles`). */

export type SettingsPart = 'tenant' | 'brand' | 'messages' | 'collections' | 'users' | 'roles' | 'sign_on' | 'keys' | 'installation' | 'backups'

export interface SettingsTab {
  name: string
  /** At least one; the tab leads to the first. */
  parts: SettingsPart[]
}

/** What each part shows is refused without this right; none: everybody of the ISP may see it. */
const rights: Partial<Record<SettingsPart, string>> = { users: 'user.read', roles: 'user.read', sign_on: 'identity_provider.read', keys: 'api_key.read', backups: 'backup.read' }

const all: readonly SettingsTab[] = [
  { name: 'tenant', parts: ['tenant', 'brand', 'messages'] },
  { name: 'collections', parts: ['collections'] },
  { name: 'people', parts: ['users', 'roles', 'sign_on'] },
  { name: 'keys', parts: ['keys'] },
  { name: 'installation', parts: ['installation', 'backups'] },
]

/** The tabs of somebody with these rights; one that would be empty is not there. */
export function tabsFor(can: (right: string) => boolean): SettingsTab[] {
  const mayShow = (part: SettingsPart) => can(rights[part] ?? '') || !rights[part]
  return all.map((tab) => ({ ...tab, parts: tab.parts.filter(mayShow) })).filter((tab) => tab.parts.length)
}

export function partsOf(tabs: readonly SettingsTab[]): SettingsPart[] {
  return tabs.flatMap((tab) => tab.parts)
}

/** The tab that a part stands in. */
export function tabOf(tabs: readonly SettingsTab[], part: SettingsPart): SettingsTab {
  return tabs.find((tab) => tab.parts.includes(part)) ?? { name: 'tenant', parts: ['tenant'] }
}
