import { computed, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import type { Person } from './erasure'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'
import { useFormat } from '@/composables/useFormat'

/**
 * That the ISP owes a customer money, as a sentence; empty where it owes none, or this person may not see money. It holds no erasure
 * back: whoever cannot be found any more could never be erased. But nobody could claim it afterwards.
 */
export function useCredit(person: Ref<Person>, wanted: Ref<boolean>) {
  const { t } = useI18n()
  const format = useFormat()
  const overview = useQuery({
    queryKey: computed(() => keys.customer(person.value.id)),
    queryFn: () => api.customers.overview(person.value.id),
    enabled: computed(() => wanted.value && person.value.kind === 'customer'),
  })
  return computed(() => {
    const balance = wanted.value && person.value.kind === 'customer' ? overview.data.value?.balance : null
    return balance && balance.amount < 0 ? t('erasure.credit', { amount: format.money({ ...balance, amount: -balance.amount }) }) : ''
  })
}
