import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import type { RouteLocationRaw } from 'vue-router'
import { useFormat } from '@/composables/useFormat'
import { useNow } from '@/composables/useNow'
import { ageFinding, findingTone } from '@/states/backup'
import type { Home } from '@/api/types'
import type { Tone } from '@/states/tone'

export interface Card {
  id: string
  value: string
  note: string
  to: RouteLocationRaw
  tone?: Tone
}

/** The numbers of the first page. One that this person may not see is absent, never zero. */
export function useHomeCards(home: Ref<Home | undefined>) {
  const { t } = useI18n()
  const format = useFormat()
  const now = useNow()

  /** Parts of a whole: "11/13", a warning as soon as one is missing, plain when there is nothing to count. */
  function share(id: 'devices' | 'agents', good: number, total: number, to: RouteLocationRaw): Card {
    const word = total === 0 ? 'none' : good < total ? 'some' : 'all'
    const tone: Tone = total === 0 ? 'plain' : good < total ? 'warning' : 'good'
    return { id, value: `${format.integer(good)}/${format.integer(total)}`, note: t(`home.${id}_${word}`), to, tone }
  }

  return computed<Card[]>(() => {
    const one = home.value
    const cards: Card[] = []
    if (one?.collected_today) {
      const note = format.counted('home.payments', one.collected_payments ?? 0)
      cards.push({ id: 'collected_today', value: format.money(one.collected_today), note, to: { name: 'payments' } })
    }
    if (one?.overdue_total) {
      const note = format.counted('customer.counted', one.overdue_customers ?? 0)
      const to = { name: 'customers', query: { owed_gte: '1', sort: '-owed' } }
      cards.push({ id: 'overdue', value: format.money(one.overdue_total), note, to })
    }
    if (one?.suspended_services != null) {
      const note = one.customers_total == null ? '' : format.counted('home.of_customers', one.customers_total)
      const to = { name: 'customers', query: { status: 'suspended' } }
      cards.push({ id: 'suspended', value: format.integer(one.suspended_services), note, to })
    }
    if (one?.waiting_not_applied != null) {
      const waiting = one.waiting_not_applied
      const note = t(waiting ? 'home.not_applied_some' : 'home.not_applied_none')
      const to = { name: 'events', query: { type: 'attachment.apply_failed' } }
      cards.push({ id: 'not_applied', value: format.integer(waiting), note, to, tone: waiting ? 'warning' : 'good' })
    }
    if (one?.devices_total != null && one.devices_bad != null) {
      cards.push(share('devices', one.devices_total - one.devices_bad, one.devices_total, { name: 'devices' }))
    }
    if (one?.agents_total != null && one.agents_connected != null) {
      cards.push(share('agents', one.agents_connected, one.agents_total, { name: 'agents' }))
    }
    if (one?.backup_overdue != null) {
      const finding = ageFinding(one.backup_at, now.value)
      const value = one.backup_at ? format.relative(one.backup_at, now.value) : '–'
      cards.push({ id: 'backup', value, note: t(`home.backup_${finding}`), to: { name: 'settings', params: { tab: 'backups' } }, tone: findingTone[finding] })
    }
    return cards
  })
}
