import { useI18n } from 'vue-i18n'
import type { PermissionInfo } from '@/api/types'

/** Rights in words of the page's language; one that this page is too old to know says what the server says of it. */
export function useRightWords() {
  const { t, te } = useI18n()

  function words(right: Pick<PermissionInfo, 'name' | 'description'>): string {
    return te(`permission.${right.name}`) ? t(`permission.${right.name}`) : right.description
  }

  /** The kind of thing that rights of one group, and rows of the audit, are about. */
  function noun(group: string): string {
    return te(`permission_group.${group}`) ? t(`permission_group.${group}`) : group
  }

  return { words, noun }
}
