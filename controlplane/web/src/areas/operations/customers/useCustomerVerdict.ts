import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useLiveLine } from './useLiveLine'
import { useFormat } from '@/composables/useFormat'
import { mostUrgent, type Tone } from '@/states/tone'
import type { CustomerOverview } from '@/api/types'

/** The live line is also shown in mid-sentence elsewhere, so its words start small. */
function capitalised(text: string): string {
  return text.slice(0, 1).toLocaleUpperCase() + text.slice(1)
}

/** First line of the customer's page: what is owed, and where the service stands, as two truths. */
export function useCustomerVerdict(overview: Ref<CustomerOverview | undefined>) {
  const { t } = useI18n()
  const format = useFormat()
  const live = useLiveLine()

  return computed<{ text: string; tone: Tone }>(() => {
    const data = overview.value
    if (!data) return { text: '', tone: 'plain' }
    const steps = data.services.filter((one) => one.status !== 'terminated').flatMap(live)
    const network = steps.map((step) => step.text).join(' · ')
    const tone = mostUrgent([...steps.map((step) => step.tone), moneyTone(data)])
    const sentences = [moneySentence(data), capitalised(network || t('customer.no_service'))]
    return { text: sentences.filter(Boolean).join(' '), tone }
  })

  /** Overdue asks for somebody to act, whatever the network says. */
  function moneyTone(data: CustomerOverview): Tone {
    return data.overdue && data.overdue.amount > 0 ? 'warning' : 'plain'
  }

  /** Absent, not zero, for somebody who may not see money. */
  function moneySentence(data: CustomerOverview): string {
    if (!data.overdue || !data.balance) return ''
    if (data.overdue.amount > 0) {
      const days = Math.max(0, ...data.invoices.map((invoice) => (invoice.overdue ? invoice.days_overdue : 0)))
      return format.counted('customer.verdict.overdue', days, { amount: format.money(data.overdue) })
    }
    if (data.balance.amount > 0) return t('customer.verdict.owes', { amount: format.money(data.balance) })
    return t('customer.verdict.up_to_date')
  }
}
