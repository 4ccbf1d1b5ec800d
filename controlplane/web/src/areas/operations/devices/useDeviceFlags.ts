import { computed, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'
import { restarts, type Flag, type Points } from './timeSeries'
import { useSession } from '@/stores/session'
import type { Event } from '@/api/types'

/** What is flagged on a device's charts; the newest of them, bounded. */
const types = 'attachment.cut,attachment.reconnected,device.state_changed,device.mode_changed'
const most = 200

/** Cuts, reconnections, changes of state and mode, and the restarts that its uptime shows. */
export function useDeviceFlags(id: Ref<string>, uptime: Ref<Points>) {
  const { t, te } = useI18n()
  const session = useSession()
  const query = computed(() => ({ entity: id.value, type: types, limit: most }))
  const events = useQuery({
    queryKey: computed(() => keys.events(query.value)),
    queryFn: () => api.events(query.value),
    enabled: () => session.can('event.read'),
  })

  function label(event: Event): string {
    if (event.type === 'attachment.cut') return t('chart.flags.attachment_cut')
    if (event.type === 'attachment.reconnected') return t('chart.flags.attachment_reconnected')
    if (event.type === 'device.mode_changed') return t('chart.flags.mode')
    const key = `chart.flags.device_${String(event.payload['to'] ?? '')}`
    return te(key) ? t(key) : ''
  }

  return computed<Flag[]>(() => [
    ...(events.data.value?.items ?? []).map((event) => ({ at: Date.parse(event.occurred_at), label: label(event) })).filter((flag) => flag.label),
    ...restarts(uptime.value).map((at) => ({ at, label: t('chart.restarted') })),
  ])
}
