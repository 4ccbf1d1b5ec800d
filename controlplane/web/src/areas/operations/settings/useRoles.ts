import { computed } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { useRoleNames } from '@/areas/operations/profile/useRoleNames'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'
import type { StaffRole } from '@/api/types'

/** The roles of the ISP, with the names that people read: a built-in one is translated, another says its own. None for who may not see them. */
export function useRoles(may = true) {
  const roleNames = useRoleNames()
  const query = useQuery({ queryKey: keys.roles, queryFn: api.roles.list, enabled: may })
  const roles = computed<StaffRole[]>(() => query.data.value?.items ?? [])

  function nameOf(key: string): string {
    const known = roleNames(key)
    return known !== key ? known : (roles.value.find((role) => role.id === key)?.name ?? key)
  }

  const items = computed(() => roles.value.map(({ id }) => ({ value: id, title: nameOf(id) })))
  return { query, roles, items, nameOf }
}
