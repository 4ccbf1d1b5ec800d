/** Rights that a visit can have beyond looking. */
import { i18n } from '@/i18n'
import type { PermissionInfo } from '@/api/types'

/**
 * Those that these pages have words for: operators have no list of rights of their own to read, and the server refuses what
 * it does not know. That every right has a word is a test.
 */
export function rightsBeyondLooking(language: string): PermissionInfo[] {
  const { permission: words } = i18n.global.getLocaleMessage(language) as Record<string, unknown>
  if (typeof words !== 'object' || words === null) return []
  return Object.entries(words)
    .flatMap(([group, names]) => Object.keys(names as object).map((verb) => ({ name: `${group}.${verb}`, description: `${group}.${verb}`, group, dangerous: false })))
    .filter((right) => !right.name.endsWith('.read'))
}
