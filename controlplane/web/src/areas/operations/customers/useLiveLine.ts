import { useI18n } from 'vue-i18n'
import { liveSteps, type LiveStep } from './liveLine'
import { useFormat } from '@/composables/useFormat'
import { useNow } from '@/composables/useNow'
import type { Service } from '@/api/types'

/** The live line in words: one sentence part per step, each with its own time. */
export function useLiveLine() {
  const { t } = useI18n()
  const format = useFormat()
  const now = useNow()

  function text(step: LiveStep): string {
    const at = step.at ? format.moment(step.at, now.value) : null
    const key = at || !timed.has(step.key) ? `service.live.${step.key}` : `service.live.${step.key}_untimed`
    return t(key, at ? { ...step.params, at } : step.params)
  }

  return (service: Service) => liveSteps(service).map((step) => ({ ...step, text: text(step) }))
}

/** Steps whose sentence names a time; without one they have a shorter sentence. */
const timed = new Set(['unblocked_one', 'unblocked_many', 'session_seen', 'cut_one', 'cut_many'])
