import { computed, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'
import { useFormat } from '@/composables/useFormat'

/** Plans that are sold, as a picker shows them; read when the dialog opens. */
export function usePlanItems(open: Ref<boolean>) {
  const format = useFormat()
  const plans = useQuery({ queryKey: keys.plans, queryFn: api.plans.list, enabled: open })
  return computed(() =>
    (plans.data.value?.items ?? [])
      .filter((one) => one.active)
      .map((one) => ({
        value: one.id,
        name: one.name,
        title: `${one.name} · ${format.speed(one.download_bps, one.upload_bps)} · ${format.money(one.price)}`,
      })),
  )
}
