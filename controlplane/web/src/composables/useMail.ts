import { computed } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'

/** Whether the installation sends e-mail; null while that is not known. */
export function useMail() {
  const options = useQuery({ queryKey: keys.loginOptions, queryFn: api.session.options })
  return computed<boolean | null>(() => options.data.value?.can_ask_link ?? null)
}
