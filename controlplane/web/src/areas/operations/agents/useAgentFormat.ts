import { useI18n } from 'vue-i18n'
import { useFormat } from '@/composables/useFormat'
import type { Agent } from '@/api/types'

/** Backlog and clock in words; what a silent agent last said is not shown as if it were now. */
export function useAgentFormat() {
  const { t } = useI18n()
  const format = useFormat()

  return {
    backlog(agent: Agent): string {
      if (agent.state !== 'connected' || agent.backlog_batches === null) return t('state.unknown')
      if (agent.backlog_batches === 0) return '0'
      const size = agent.backlog_bytes === null ? '' : format.bytes(agent.backlog_bytes)
      return format.counted('agent.batches', agent.backlog_batches, { size })
    },
    clock(agent: Agent): string {
      if (agent.state !== 'connected' || agent.clock_offset_ms === null) return t('state.unknown')
      const seconds = agent.clock_offset_ms / 1000
      return `${seconds > 0 ? '+' : ''}${format.decimal(seconds, 2)} s`
    },
  }
}
